"""Band: a mask becomes foreground, background, and a band of unknown between them."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Mask, Trimap, is_background, is_foreground, trimap_from
from ..errors import EmptyRegionError, Side
from ..framework.parameters import Advanced, PixelSize, Slider
from ..framework.register import method
from ..regions import without_small_holes

LARGEST_HOLE = 1.0
"""Percent of the object's area: eyes are smaller, gaps between arms and body larger."""

# 5 and 250 of 255, as in trimaps: softer values are too faint to move the band's edge.
BACKGROUND_MAX = np.float32(5 / 255 + 1e-6)
FOREGROUND_MIN = np.float32(250 / 255 - 1e-6)


@method("make_trimap", title="Band")
def band(
    mask: Mask,
    *,
    inner: Annotated[float, Slider(0, 200)] = 10.0,
    outer: Annotated[float, Slider(0, 200)] = 10.0,
    unit: Literal["px", "physical", "percent"] = "px",
    pixel_size: Annotated[
        float, Slider(1e-9, 1e9), Advanced(), PixelSize("unit", "physical")
    ] = 1.0,
    largest_hole: Annotated[float, Slider(0, 100, unit="%")] = LARGEST_HOLE,
) -> Trimap:
    """Mark a band along a mask's edge as unknown.

    Parameters
    ----------
    mask : (H, W) float32, 0..1
        1 is foreground. Values more than 2/255 from 0 and 1 are soft: they are unknown, and the
        band begins at them. A mask without any definite foreground or background is first
        thresholded at one half.
    inner, outer : float
        How far the band reaches into the foreground and into the background, in the unit.
    unit : {"px", "physical", "percent"}
        px is pixels; physical the unit of pixel_size; percent is of the object's size, the
        diameter of a disk of its area.
    pixel_size : float
        Side of a pixel in the physical unit. In napari, the layer's scale unless set.
    largest_hole : float, percent
        Holes of the mask up to this share of the object's area are filled first, such as eyes
        and buttons that the mask missed; 0 keeps all, as objects with gaps need it.

    Returns
    -------
    (H, W) uint8, {0, 128, 255}

    Raises
    ------
    EmptyRegionError
        If no definite foreground or no definite background would remain.

    Examples
    --------
    >>> import numpy as np
    >>> band(np.float32([[0, 0, 0, 1, 1, 1]]), inner=1, outer=2)
    array([[  0, 128, 128, 128, 255, 255]], dtype=uint8)
    """
    inner, outer = (in_pixels(radius, unit, pixel_size, mask) for radius in (inner, outer))
    mask = without_holes(definite(mask), largest_hole)
    inside, outside = is_foreground(mask), is_background(mask)
    foreground = inside & (distance_to(mask < FOREGROUND_MIN) > inner)
    background = outside & (distance_to(mask > BACKGROUND_MAX) > outer)
    check_remains(foreground, inside, "foreground", inner, "Choose a smaller inner")
    check_remains(background, outside, "background", outer, "Choose a smaller outer")
    return trimap_from(foreground, background)


def without_holes(mask: Mask, percent: float) -> Mask:
    """Return a mask with its holes up to a percentage of the object's area filled.

    Parameters
    ----------
    mask : (H, W) float32, 0..1
        Above 0.5 is the object.
    percent : float, 0..100
        The largest hole that is filled, as a share of the object's area.

    Examples
    --------
    >>> ring = np.float32([[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0, 1, 1, 1, 0]])
    >>> ring = np.pad(ring, ((0, 1), (0, 0)))
    >>> float(without_holes(ring, 10).sum()), float(without_holes(ring, 20).sum())
    (8.0, 9.0)
    """
    object_ = mask > 0.5
    holes = without_small_holes(object_, int(percent / 100 * object_.sum())) & ~object_
    return np.where(holes, np.float32(1), mask) if holes.any() else mask


def definite(mask: Mask) -> Mask:
    """Return a mask with definite foreground and background, thresholded at 0.5 if it lacks one."""
    if is_foreground(mask).any() and is_background(mask).any():
        return mask
    return (mask > 0.5).astype(np.float32)


def in_pixels(radius: float, unit: str, pixel_size: float, mask: Mask) -> float:
    """Return in pixels a radius that is given in pixels, a physical unit or percent.

    Parameters
    ----------
    radius : float
        In the unit.
    unit : {"px", "physical", "percent"}
        percent is of the diameter of a disk of the object's area.
    pixel_size : float
        Side of a pixel in the physical unit.
    mask : (H, W) float32, 0..1
        Above 0.5 is the object.
    """
    if unit == "physical":
        return radius / pixel_size
    if unit == "percent":
        return radius / 100 * 2 * math.sqrt(float((mask > 0.5).sum()) / math.pi)
    return radius


def distance_to(region: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the exact Euclidean distance of every pixel to a region, in pixels.

    Distances are between pixel centers; inf everywhere if the region is empty.
    """
    import cv2

    if not region.any():
        return np.full(region.shape, np.inf, np.float32)
    outside = (~region).astype(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # OpenCV's last bit varies from run to run, but squared distances are whole numbers.
    squares = np.square(distance, dtype=np.float64)
    np.sqrt(np.rint(squares, out=squares), out=distance, casting="same_kind")
    return np.asarray(distance, np.float32)


def check_remains(
    remains: NDArray[np.bool_], before: NDArray[np.bool_], name: Side, reach: float, fix: str
) -> None:
    """Raise an EmptyRegionError if no pixel of a region remains beyond a band of `reach` px.

    Parameters
    ----------
    remains, before : (H, W) bool
        The region beyond the band, and what it was without one.
    name : {"foreground", "background"}
        Which region it is.
    reach : float, pixels
        How far the band reaches into it.
    fix : str
        What a user can do, for the error.
    """
    if remains.any():
        return
    if not before.any():
        raise EmptyRegionError(
            f"The mask has no definite {name}",
            "A trimap is made from a mask with some foreground (1) and some background (0)",
            "Segment the object first, paint it, or take soft values by the method soft thresholds",
            missing=name,
        )
    raise EmptyRegionError(
        f"A band of {reach:g} px leaves no definite {name}",
        f"Some {name} must remain beyond the band",
        fix,
        missing=name,
    )
