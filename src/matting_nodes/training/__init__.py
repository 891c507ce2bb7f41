"""Training the catalog's networks: from data in its published layouts to weights of your own.

Importing it is light: Lightning is imported when a training begins.
"""

from .layouts import LAYOUTS, DataFolders, Found, find_samples
from .parameters import TrainingParameters, load_parameters
from .preparation import prepare
from .samples import Sample
from .specs import TRAINING_SPECS, training_spec
from .trainer import Trained, train

__all__ = [
    "LAYOUTS",
    "TRAINING_SPECS",
    "DataFolders",
    "Found",
    "Sample",
    "Trained",
    "TrainingParameters",
    "find_samples",
    "load_parameters",
    "prepare",
    "train",
    "training_spec",
]
