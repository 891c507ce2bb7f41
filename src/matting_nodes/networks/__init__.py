"""The published networks: torch modules and nothing else, no files, no devices, no downloads.

Attributes are named as the keys of the published state dicts, so that those load strictly.
Each network takes one tensor, (N, C, H, W) with H and W multiples of its ``stride``. Its
``reach`` says how many pixels away an output pixel sees at most; None is the whole picture.

Where the last layers are much of the work and see little, a network is in two halves: ``begin``
gives features of several resolutions, ``finish`` makes the answer of them, or of the same part of
each. ``near`` says how many pixels away an output pixel sees through ``finish``.
"""

from .ben2 import BEN2
from .birefnet import BiRefNet
from .dim_segnet import DimSegNet
from .dim_two_encoders import DimTwoEncoders, DimTwoResNet50, DimTwoVgg16
from .dim_vgg16 import DimVgg16
from .fba import FBA
from .gca import GCA
from .indexnet import IndexNet
from .modnet import MODNet
from .tnet import TNet
from .unet_resnext50 import UNetResNeXt50

__all__ = [
    "BEN2",
    "FBA",
    "GCA",
    "BiRefNet",
    "DimSegNet",
    "DimTwoEncoders",
    "DimTwoResNet50",
    "DimTwoVgg16",
    "DimVgg16",
    "IndexNet",
    "MODNet",
    "TNet",
    "UNetResNeXt50",
]
