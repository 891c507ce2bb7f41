"""Structuring element: a mask eroded and dilated, as most published trimaps are made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Mask, Trimap, is_background, is_foreground, trimap_from
from ..framework.parameters import Slider
from ..framework.register import method
from .band import LARGEST_HOLE, check_remains, definite, without_holes


@method("make_trimap", title="Structuring element")
def structuring_element(
    mask: Mask,
    *,
    shape: Literal["ellipse", "square"] = "ellipse",
    radius: Annotated[int, Slider(1, 100, unit="px")] = 3,
    iterations: Annotated[int, Slider(1, 50)] = 3,
    largest_hole: Annotated[float, Slider(0, 100, unit="%")] = LARGEST_HOLE,
) -> Trimap:
    """Erode the mask for the foreground and dilate it for the background.

    Parameters
    ----------
    mask : (H, W) float32, 0..1
        1 is foreground; anything more than 2/255 from 0 and 1 is unknown. A mask without any
        definite foreground or background is first thresholded at one half.
    shape : {"ellipse", "square"}
        Shape of the element, which is 2 radius + 1 pixels wide: it has a center pixel, so the
        band is equally wide on every side.
    radius : int, pixels
        Radius of the element.
    iterations : int
        How often it is applied.
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
    """
    mask = without_holes(definite(mask), largest_hole)
    return from_element(mask, shape, 2 * radius + 1, iterations, "Choose a smaller radius")


def from_element(mask: Mask, shape: str, size: int, iterations: int, fix: str) -> Trimap:
    """Return the trimap of a mask that an element `size` pixels wide erodes and dilates.

    As in trimaps, values up to 5 of 255 count as 0 and from 250 as 255.

    Parameters
    ----------
    mask : (H, W) float32, 0..1
    shape : {"ellipse", "square"}
        Shape of the element.
    size : int, pixels
        Its width.
    iterations : int
        How often it is applied.
    fix : str
        What a user can do if a region vanishes, for the error.
    """
    inside, outside = is_foreground(mask), is_background(mask)
    eroded, dilated = eroded_and_dilated(mask, shape, size, iterations)
    foreground, background = inside & (eroded >= 250), outside & (dilated <= 5)
    reach = (size - 1) / 2 * iterations
    check_remains(foreground, inside, "foreground", reach, fix)
    check_remains(background, outside, "background", reach, fix)
    return trimap_from(foreground, background)


def eroded_and_dilated(
    mask: Mask, shape: str, size: int, iterations: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a mask in 0..255, eroded and dilated by an element `size` pixels wide.

    Parameters
    ----------
    mask, shape, size, iterations
        As for `from_element`.
    """
    import cv2

    kinds: dict[str, Any] = {"ellipse": cv2.MORPH_ELLIPSE, "square": cv2.MORPH_RECT}
    element = cv2.getStructuringElement(kinds[shape], (size, size))
    # Only full foreground is 255 and only full background 0, however fine the mask's steps.
    values = np.clip(np.round(mask * 255), mask > 0, 255 - (mask < 1)).astype(np.uint8)
    eroded = cv2.erode(values, element, iterations=iterations)
    dilated = cv2.dilate(values, element, iterations=iterations)
    return np.asarray(eroded, np.uint8), np.asarray(dilated, np.uint8)
