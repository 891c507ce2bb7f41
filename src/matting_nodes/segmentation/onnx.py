"""ONNX: background removers as other tools publish them, in files of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from ..arrays import Image, Mask, as_rgb
from ..errors import ParameterError
from ..framework.parameters import Advanced, File, Slider
from ..framework.register import method
from ..job import Job
from ..models.inputs import DEVIATION, MEAN, Planes
from ..models.onnx_files import open_onnx
from ..models.trimap_free import STRIDE, modnet_size
from ..resizing import resized

Triple = tuple[float, float, float]
IMAGENET: tuple[Triple, Triple] = (tuple(MEAN.tolist()), tuple(DEVIATION.tolist()))
# A mask may miss 0 and 1 by rounding.
ROUNDING = 0.01


@dataclass(frozen=True)
class Preset:
    """What the authors of a network do with pictures and masks.

    Parameters
    ----------
    side : int, pixels
        Of the square that pictures become; 0 is their own size.
    mean, deviation : (red, green, blue), of 0..1
        Taken out of the picture.
    sigmoid : bool
        Whether the output are logits.
    stretched : bool
        Whether the mask's smallest and largest value become 0 and 1.
    brightest : bool
        Whether the picture's largest value becomes 1.
    by_shorter : bool
        Whether it is that of the shorter side, and proportions stay.
    """

    side: int
    mean: Triple = (0.5, 0.5, 0.5)
    deviation: Triple = (1, 1, 1)
    sigmoid: bool = False
    stretched: bool = False
    brightest: bool = False
    by_shorter: bool = False


PRESETS = {
    "isnet": Preset(1024, stretched=True),
    "u2net": Preset(320, *IMAGENET, stretched=True, brightest=True),
    "birefnet": Preset(1024, *IMAGENET, sigmoid=True),
    "modnet": Preset(512, deviation=(0.5, 0.5, 0.5), by_shorter=True),
    "custom": Preset(0, mean=(0, 0, 0)),
}


@method("segment", title="ONNX file (network)")
def onnx(
    image: Image,
    *,
    file: Annotated[str, File("ONNX (*.onnx)")] = "",
    preset: Literal["isnet", "u2net", "birefnet", "modnet", "custom"] = "isnet",
    soft: bool = False,
    side: Annotated[int, Slider(0, 4096, unit="px"), Advanced()] = 0,
    mean: Annotated[str, Advanced()] = "",
    deviation: Annotated[str, Advanced()] = "",
    output_number: Annotated[int, Slider(0, 100), Advanced()] = 0,
    sigmoid: Annotated[Literal["auto", "yes", "no"], Advanced()] = "auto",
    job: Job,
) -> Mask:
    """Find the object by any background remover in an ONNX file of yours, on the CPU.

    It needs onnx and onnxruntime: pip install "matting-nodes[onnx]". A file with custom operators,
    or with weights in other files, is refused.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    file : str
        Path of the ONNX file, for example of U²-Net, IS-Net, BiRefNet or MODNet.
    preset : str
        How the network wants pictures, and what its output means, as its authors have it. custom
        takes the picture as it is, 0..1.
    soft : bool
        Give the network's own values rather than 0 and 1: for Make Trimap's soft thresholds.
    side : int, pixels
        Of the square that the network looks at, for modnet the shorter side; 0 is that of
        the file or else of the preset, for custom the picture's own.
    mean : str
        Subtracted from the picture's 0..1: a number, or three for red, green and blue, with
        commas between them; empty is the preset's.
    deviation : str
        The picture is divided by it afterwards; a number, or three. Empty is the preset's.
    output_number : int
        Which of the network's outputs is the mask, from 1; 0 is the first.
    sigmoid : {"auto", "yes", "no"}
        Whether the output are logits, that the sigmoid makes 0..1; auto is the preset's.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    DependencyError
        If onnx or onnxruntime is not installed.
    FileError
        If the file is not there or cannot be used.
    ParameterError
        If the file's network does not take this side, has no such output, or mean and deviation
        are no numbers.
    MemoryLimitError
        If memory runs out.

    Notes
    -----
    Qin et al., "U²-Net: Going Deeper with Nested U-Structure for Salient Object Detection",
    Pattern Recognition 2020 (arXiv:2005.09007), and "Highly Accurate Dichotomous Image
    Segmentation" (IS-Net), ECCV 2022 (arXiv:2203.03041).
    """
    settings = PRESETS[preset]
    means = _numbers("mean", mean, settings.mean)
    deviations = _numbers("deviation", deviation, settings.deviation)
    if 0 in deviations:
        raise ParameterError(
            f"deviation is {deviation!r}", "The picture is divided by it", "Choose more than 0"
        )
    network = open_onnx(file, job.part(0, 0.3))
    height, width = image.shape[:2]
    high, wide = _size(height, width, settings, side)
    for axis, taken in (("high", network.height), ("wide", network.width)):
        if side and taken and side != taken:
            raise ParameterError(
                f"side is {side} px",
                f"{network.path.name} takes pictures {taken} px {axis} only",
                "Set side to 0",
            )
    # Where the file leaves a side open, it is the preset's.
    high, wide = network.height or high, network.width or wide
    planes = _planes(image, high, wide, settings, means, deviations)
    values = network.run(planes, output_number or 1, job.part(0.3, 1))
    if sigmoid == "yes" or (sigmoid == "auto" and settings.sigmoid):
        # Beyond, float32 overflows.
        values = 1 / (1 + np.exp(-values.clip(-80, 80)))
    if settings.stretched and values.max() > values.min():
        values = (values - values.min()) / (values.max() - values.min())
    low, high_value = float(values.min()), float(values.max())
    if low < -ROUNDING or high_value > 1 + ROUNDING:
        job.announce(
            f"The mask of {network.path.name} runs from {low:.3g} to {high_value:.3g} and is cut "
            "to 0..1: for logits set sigmoid to yes, or choose another preset or output"
        )
    job.note(model=network.path.name, checksum=network.checksum)
    found: Mask = resized(values.clip(0, 1), height, width, "linear")
    return found if soft else (found > 0.5).astype(np.float32)


def _size(height: int, width: int, settings: Preset, side: int) -> tuple[int, int]:
    """Return height and width that a network of any size looks at."""
    side = side or settings.side
    if settings.by_shorter:
        high, wide = modnet_size(height, width, side)
        return max(STRIDE, high // STRIDE * STRIDE), max(STRIDE, wide // STRIDE * STRIDE)
    return (side, side) if side else (height, width)


def _planes(
    image: Image, height: int, width: int, settings: Preset, mean: Triple, deviation: Triple
) -> Planes:
    """Return what the network looks at, (3, height, width)."""
    picture = resized(as_rgb(image), height, width).clip(0, 1)
    if settings.brightest and picture.max() > 0:
        picture = picture / picture.max()
    normalized = (picture - np.array(mean)) / np.array(deviation)
    return np.ascontiguousarray(normalized.transpose(2, 0, 1), np.float32)


def _numbers(name: str, text: str, default: Triple) -> Triple:
    """Return three numbers that are given as text: one for all channels, or three."""
    if not text.strip():
        return default
    try:
        values = [float(part) for part in text.split(",")]
        red, green, blue = values * 3 if len(values) == 1 else values
    except ValueError:
        values = [np.nan]
    if not np.isfinite(values).all():
        raise ParameterError(
            f"{name} is {text!r}",
            "It is one number, or three with commas between them: red, green, blue",
            "Write it as 0.485, 0.456, 0.406, or leave it empty for the preset's",
        )
    return red, green, blue
