"""Threshold: objects brighter or darker than their surroundings, as in microscopy."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Image, Mask, grey
from ..errors import EmptyRegionError, ParameterError, ShapeError
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..regions import without_small, without_small_holes

CHANNELS = ("red", "green", "blue")


@method("segment", title="Threshold")
def threshold(
    image: Image,
    *,
    algorithm: Literal["otsu", "li", "triangle", "local"] = "otsu",
    objects: Literal["bright", "dark"] = "bright",
    channel: Literal["luma", "red", "green", "blue"] = "luma",
    window: Annotated[int, Slider(3, 1001, unit="px"), Advanced()] = 51,
    smallest_object: Annotated[int, Slider(0, 1_000_000, unit="px²")] = 0,
    largest_hole: Annotated[int, Slider(0, 1_000_000, unit="px²")] = 0,
) -> Mask:
    """Take what is brighter, or darker, than a threshold found from the histogram.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    algorithm : {"otsu", "li", "triangle", "local"}
        How the threshold is found: otsu for two clear levels, li for faint objects, triangle
        for few bright ones on much background, local for uneven light.
    objects : {"bright", "dark"}
        Which side of the threshold is foreground.
    channel : {"luma", "red", "green", "blue"}
        What to look at in a picture with colors.
    window : int, pixels
        Side of the windows of local, an odd number: larger than the objects.
    smallest_object : int, pixels
        Smaller connected objects are dropped.
    largest_hole : int, pixels
        Holes up to this size are filled.

    Returns
    -------
    (H, W) float32, {0, 1}

    Raises
    ------
    EmptyRegionError
        If all pixels are equal.

    Notes
    -----
    Otsu 1979; Li and Tam 1998; Zack, Rogers and Latt 1977 (triangle); local: the Gaussian mean
    of the window. All in scikit-image's implementation.
    """
    # In float32 a histogram's bins are too narrow for almost constant images.
    values = _channel(image, channel).astype(np.float64)
    if values.min() == values.max():
        raise EmptyRegionError(
            f"Every pixel of the image is {values.flat[0]:g}",
            "A threshold needs two levels of brightness",
            "Choose another image, channel or plane",
            missing="foreground",
        )
    bright = values > _level(values, algorithm, window)
    region = bright if objects == "bright" else ~bright
    region = without_small_holes(without_small(region, smallest_object), largest_hole)
    return region.astype(np.float32)


def _channel(image: Image, channel: str) -> NDArray[np.float32]:
    if channel == "luma":
        return grey(image)
    if image.shape[2] == 1:
        raise ShapeError(
            f"The image is grey and the channel is {channel}",
            "A grey image has one channel",
            "Choose luma",
        )
    return image[..., CHANNELS.index(channel)]


def _level(values: NDArray[np.float64], algorithm: str, window: int) -> Any:
    from skimage import filters

    if algorithm != "local":
        return getattr(filters, f"threshold_{algorithm}")(values)
    if window % 2 == 0:
        raise ParameterError(
            f"window of Segment (Threshold) is {window}",
            "It must be odd, so that the window has a middle",
            f"Choose {window + 1}",
        )
    return filters.threshold_local(values, window)
