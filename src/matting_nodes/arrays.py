"""Image, Mask, Trimap, Alpha and other values: their forms, checks and conversions.

Every `as_*` function converts what a host or a user passes to the one form that the core works on,
or raises an error that says what to do.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ShapeError, SizeMismatchError, ValueRangeError


class Kind(Enum):
    """The kinds of value that travel between nodes."""

    IMAGE = "image"
    MASK = "mask"
    TRIMAP = "trimap"
    ALPHA = "alpha"
    LABELS = "labels"
    BOX = "box"
    POINTS = "points"
    TABLE = "table"

    @property
    def is_picture(self) -> bool:
        """Whether values of this kind have a height and a width."""
        return self not in (Kind.BOX, Kind.POINTS, Kind.TABLE)


class AnySize:
    """Marks a picture that may differ from the others in size."""


@dataclass(frozen=True)
class ValuesOf:
    """Marks a picture whose numbers mean the same as those of the input of this name.

    Parameters
    ----------
    name : str
        The other input.
    jointly : bool
        Whether the range that becomes 0..1 is that of both, so that neither is clipped.
    """

    name: str
    jointly: bool = False


class Difference:
    """Marks a picture that comes out as a difference of others: 0 stays 0 in their numbers."""


class AnyChannels:
    """Marks a picture that may have any number of channels, as microscopes make them."""


Pixels = NDArray[Any]
"""An array of any shape and type of number, as files, layers and users hand it over."""

Image = Annotated[NDArray[np.float32], Kind.IMAGE]
"""(H, W, C) float32, 0..1; C is 3 for color, 1 for grey. Straight, gamma-encoded sRGB."""

Mask = Annotated[NDArray[np.float32], Kind.MASK]
"""(H, W) float32, 0..1; 1 is foreground."""

Labels = Annotated[NDArray[np.int32], Kind.LABELS]
"""(H, W) int32; 0 is background, every object has its own number."""

Trimap = Annotated[NDArray[np.uint8], Kind.TRIMAP]
"""(H, W) uint8; 0 background, 255 foreground, anything between unknown (128 unless soft)."""

Alpha = Annotated[NDArray[np.float32], Kind.ALPHA]
"""(H, W) float32, 0..1; the share of each pixel that is foreground."""

Box = Annotated[tuple[int, int, int, int], Kind.BOX]
"""(left, top, right, bottom) in pixels; right and bottom are exclusive."""

Points = Annotated[NDArray[np.float64], Kind.POINTS]
"""(N, 2) float64; x and y of each in pixels, the center of the first pixel at (0, 0)."""

Table = Annotated[dict[str, float], Kind.TABLE]
"""Named numbers."""

Columns = Annotated[dict[str, NDArray[np.float64]], Kind.TABLE]
"""Named columns of numbers, a row for each object."""

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
# Within this of 0 or 1, a mask or an alpha is definite; 1e-6 is for rounding errors in float32.
DEFINITE = np.float32(2 / 255 + 1e-6)


@dataclass(frozen=True)
class Prompts:
    """What a user points at to say which object is meant. Every field is optional.

    Parameters
    ----------
    box : (left, top, right, bottom), pixels
        The object lies inside; everything outside is background.
    scribbles : (H, W) trimap
        Strokes: 0 is background, 255 is foreground, 128 where nothing was drawn.
    mask : (H, W) mask
        A rough mask to refine.
    foreground_points : (N, 2) points, pixels
        x and y of places on the object.
    background_points : (N, 2) points, pixels
        x and y of places beside it.
    foreground_scribbles : (H, W) mask
        Strokes on the object alone, as mask editors paint them.
    background_scribbles : (H, W) mask
        Strokes beside it alone.
    """

    box: Box | None = None
    scribbles: Trimap | None = None
    mask: Mask | None = None
    foreground_points: Points | None = None
    background_points: Points | None = None
    foreground_scribbles: Mask | None = None
    background_scribbles: Mask | None = None

    def joined(self) -> Prompts:
        """Return the prompts with all strokes in `scribbles`; the masks of strokes win."""
        strokes = (self.foreground_scribbles, self.background_scribbles)
        given = next((mask for mask in strokes if mask is not None), None)
        if given is None:
            return self
        inside, outside = (mask is not None and mask >= 0.5 for mask in strokes)
        below = UNKNOWN if self.scribbles is None else self.scribbles
        scribbles = np.where(inside, FOREGROUND, np.where(outside, BACKGROUND, below))
        return replace(
            self,
            scribbles=np.broadcast_to(scribbles, given.shape).astype(np.uint8),
            foreground_scribbles=None,
            background_scribbles=None,
        )


def check_finite(array: Pixels, name: str) -> None:
    """Check that no value is NaN or infinite.

    Parameters
    ----------
    array : array
        Any type and shape, with at least one value.
    name : str
        What it is called in the error.

    Raises
    ------
    ValueRangeError
    """
    # If any value is, so is the smallest or the largest.
    if array.dtype.kind != "f" or math.isfinite(float(array.max()) - float(array.min())):
        return
    bad = int((~np.isfinite(array)).sum())
    if bad:
        raise ValueRangeError(
            f"{name} has {bad} values that are NaN or infinite",
            "Every value must be finite",
            "Replace them, for example with numpy.nan_to_num",
        )


def unit_range(array: Pixels, name: str) -> NDArray[np.float32]:
    """Return the array as float32 in 0..1.

    Booleans become 0 and 1, unsigned integers are divided by their type's maximum,
    floats must already be finite and in 0..1.

    Parameters
    ----------
    array : bool, unsigned integer or float array
        Any shape, with at least one value.
    name : str
        What it is called in errors.

    Raises
    ------
    ValueRangeError
        For NaN, infinity, values outside 0..1, and types without a natural range.
    """
    if array.dtype == np.bool_:
        return array.astype(np.float32)
    if array.dtype in (np.uint8, np.uint16):
        # For each of these values float32 gives what float64 would, and is much faster.
        return array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    if array.dtype.kind == "u":
        # By way of float64, since float32 cannot hold 32-bit integers.
        return (array / float(np.iinfo(array.dtype).max)).astype(np.float32)
    if array.dtype.kind != "f":
        raise ValueRangeError(
            f"{name} has type {array.dtype}",
            "Without a normalization it must be boolean, unsigned integer, or float in 0..1",
            "Choose the normalization auto, or divide it by its largest possible value",
        )
    low, high = float(array.min()), float(array.max())
    if not math.isfinite(high - low):
        check_finite(array, name)
    if low < 0 or high > 1:
        raise ValueRangeError(
            f"{name} has values from {low:g} to {high:g}",
            "Floats must lie in 0..1",
            "Divide them by the largest possible value first",
        )
    return array.astype(np.float32)


def _not_empty(array: Pixels, name: str) -> None:
    if array.size == 0:
        raise ShapeError(
            f"{name} has shape {array.shape}", "A picture has at least one pixel", "Give a picture"
        )


def as_pixels(value: ArrayLike, name: str = "image", any_channels: bool = False) -> Pixels:
    """Return a picture as (H, W, C), its values as they are.

    Parameters
    ----------
    value : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array
        A fourth channel, an alpha, is left out: the other three are straight colors.
    name : str
        What it is called in errors.
    any_channels : bool
        Whether other numbers of channels are accepted too, such as those of microscopes.

    Raises
    ------
    ShapeError
    """
    array = np.asarray(value)
    if array.ndim == 2:
        array = array[..., None]
    several = any_channels and array.shape[2:] > (0,)
    if array.ndim != 3 or (array.shape[2] not in (1, 3, 4) and not several):
        raise ShapeError(
            f"{name} has shape {array.shape}",
            "An image is (height, width) or (height, width, channels) with 1, 3 or 4 channels",
            "Pass one frame, channels last",
        )
    _not_empty(array, name)
    return array[..., :3] if array.shape[2] == 4 else array


def as_image(value: ArrayLike, name: str = "image") -> Image:
    """Return a picture as (H, W, C) float32 in 0..1, with C = 1 or 3.

    Parameters
    ----------
    value : array
        Any shape that `as_pixels` accepts and any type that `unit_range` does.
    name : str
        What it is called in errors.

    Raises
    ------
    ShapeError, ValueRangeError
    """
    return np.ascontiguousarray(unit_range(as_pixels(value, name), name))


def _flat(value: ArrayLike, name: str) -> Pixels:
    array = np.asarray(value)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2:
        raise ShapeError(
            f"{name} has shape {array.shape}",
            f"A {name} is (height, width)",
            "Pass one frame and one channel",
        )
    _not_empty(array, name)
    return array


def as_mask(value: ArrayLike, name: str = "mask") -> Mask:
    """Return a mask or an alpha, (H, W) float32 in 0..1 with 1 = foreground.

    Parameters
    ----------
    value : (H, W) or (H, W, 1) array
        Any type that `unit_range` accepts. Integers that are all 0 or 1 are kept, since many
        programs write masks so. Signed integers are read as the smallest unsigned type that
        holds them.
    name : str
        What it is called in errors.

    Raises
    ------
    ShapeError, ValueRangeError

    Examples
    --------
    >>> as_mask(np.uint8([[0, 1]])), as_mask(np.uint8([[0, 255]]))
    (array([[0., 1.]], dtype=float32), array([[0., 1.]], dtype=float32))
    """
    array = _flat(value, name)
    if array.dtype.kind in "iu" and int(array.min()) >= 0:
        high = int(array.max())
        if high <= 1:
            array = array.astype(np.bool_)
        elif array.dtype.kind == "i":
            array = array.astype(np.min_scalar_type(high))
    return np.ascontiguousarray(unit_range(array, name))


def as_alpha(value: ArrayLike, name: str = "alpha") -> Alpha:
    """Return an alpha, (H, W) float32 in 0..1, as `as_mask` reads it.

    Parameters
    ----------
    value : (H, W) or (H, W, 1) array
        As for `as_mask`.
    name : str
        What it is called in errors.

    Raises
    ------
    ShapeError, ValueRangeError
    """
    return as_mask(value, name)


def is_foreground(mask: Mask) -> NDArray[np.bool_]:
    """Return where a mask or an alpha is surely foreground, as (H, W) bool.

    That is within 2/255 of 1: a network's sigmoid ends at 0.9999, and ComfyUI's Load Image turns
    255 of a grey picture into 0.9961.
    """
    return mask >= 1 - DEFINITE


def is_background(mask: Mask) -> NDArray[np.bool_]:
    """Return where a mask or an alpha is surely background: within 2/255 of 0."""
    return mask <= DEFINITE


def as_labels(value: ArrayLike, name: str = "labels") -> Labels:
    """Return labels as (H, W) int32, renumbered if any is greater than the number of pixels.

    Parameters
    ----------
    value : (H, W) or (H, W, 1) array
        Booleans or integers from 0, which is the background.
    name : str
        What it is called in errors.

    Raises
    ------
    ShapeError
    ValueRangeError
        If they are not whole numbers from 0.

    Examples
    --------
    >>> as_labels(np.uint64([[0, 7, 2**40, 2**40]]))
    array([[0, 1, 2, 2]], dtype=int32)
    """
    array = _flat(value, name)
    if array.dtype.kind not in "bui" or int(array.min()) < 0:
        raise ValueRangeError(
            f"{name} has type {array.dtype} and values from {array.min()} to {array.max()}",
            "Labels are whole numbers from 0, the background",
            "Number the objects 1, 2, 3 …",
        )
    if int(array.max()) <= array.size:
        return array.astype(np.int32)
    # Methods loop over all numbers up to the largest, and do not depend on the numbers themselves.
    numbers, order = np.unique(array, return_inverse=True)
    labels: Labels = (order.reshape(array.shape) + (numbers[0] > 0)).astype(np.int32)
    return labels


def as_trimap(value: ArrayLike, name: str = "trimap") -> Trimap:
    """Return a trimap, (H, W) uint8: 0 background, 255 foreground, between them unknown.

    Floats are 0..1. Values up to 5 of 255 are background and from 250 foreground; values in
    between are kept, as an initial guess of alpha.

    Parameters
    ----------
    value : (H, W) or (H, W, 1) array
        uint8, or anything else that `unit_range` accepts.
    name : str
        What it is called in errors.

    Raises
    ------
    ShapeError, ValueRangeError

    Examples
    --------
    >>> as_trimap([[0.0, 0.5, 1.0]])
    array([[  0, 128, 255]], dtype=uint8)
    """
    import cv2

    array = _flat(value, name)
    if array.dtype != np.uint8:
        # floor(x + ½), not rint: ½ must become 128.
        array = np.floor(unit_range(array, name) * 255 + 0.5).astype(np.uint8)
    # Faster than NumPy, which matters in sessions that follow strokes.
    array = np.ascontiguousarray(array)
    _, solid = cv2.threshold(array, 249, 255, cv2.THRESH_BINARY)
    _, others = cv2.threshold(array, 5, 0, cv2.THRESH_TOZERO)
    return np.asarray(cv2.max(solid, others), np.uint8)


def _numbers(value: Any) -> NDArray[np.float64]:
    """Return numbers as an array; an empty array for anything else, such as ragged rows."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty(0)


def as_box(value: Any, name: str = "box") -> Box:
    """Return a box as whole pixels, (left, top, right, bottom).

    Parameters
    ----------
    value : sequence of 4 numbers, pixels
        Left, top, right, bottom; rounded to whole pixels.
    name : str
        What it is called in errors.

    Raises
    ------
    ShapeError
        If it does not have four numbers.
    ValueRangeError
        If it is empty.
    """
    numbers = _numbers(value).ravel()
    if numbers.size != 4 or not np.isfinite(numbers).all():
        raise ShapeError(
            f"{name} is {reprlib.repr(value)}",
            "A box is four finite numbers: left, top, right, bottom",
            "Give all four, in pixels",
        )
    left, top, right, bottom = (round(number) for number in numbers.tolist())
    if left >= right or top >= bottom:
        raise ValueRangeError(
            f"{name} goes from ({left}, {top}) to ({right}, {bottom})",
            "Left must be less than right, and top less than bottom",
            "Give it as left, top, right, bottom",
        )
    return left, top, right, bottom


def as_points(value: ArrayLike, name: str = "points") -> Points:
    """Return points as (N, 2), x and y in pixels.

    Parameters
    ----------
    value : sequence of pairs of numbers, pixels
        x and y of each point.
    name : str
        What it is called in errors.

    Raises
    ------
    ShapeError
        If they are not pairs of finite numbers, or none at all.
    """
    points = _numbers(value)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points) or not np.isfinite(points).all():
        raise ShapeError(
            f"{name} is {reprlib.repr(value)}",
            "Points are pairs of finite numbers, x and y, at least one",
            "Give them as [[x, y], …], or leave them out",
        )
    return points


CONVERSIONS = {
    Kind.IMAGE: as_image,
    Kind.MASK: as_mask,
    Kind.LABELS: as_labels,
    Kind.TRIMAP: as_trimap,
    Kind.ALPHA: as_alpha,
    Kind.BOX: as_box,
    Kind.POINTS: as_points,
}


def check_same_size(pictures: Mapping[str, NDArray[Any]]) -> None:
    """Check that all pictures have one height and width.

    Raises
    ------
    SizeMismatchError
        Naming the first picture and the first that differs from it.
    """
    sizes = {name: picture.shape[:2] for name, picture in pictures.items()}
    first = next(iter(sizes), "")
    for name, size in sizes.items():
        if size != sizes[first]:
            raise SizeMismatchError(
                f"{name} is {size[1]} × {size[0]} pixels and {first} is "
                f"{sizes[first][1]} × {sizes[first][0]}",
                "They must have the same width and height",
                f"Choose the {name} that belongs to this {first}, or resize it",
            )


def unknown(trimap: Trimap) -> NDArray[np.bool_]:
    """Return where a trimap is unknown, as (H, W) bool."""
    between: NDArray[np.bool_] = (trimap != BACKGROUND) & (trimap != FOREGROUND)
    return between


def trimap_from(foreground: NDArray[np.bool_], background: NDArray[np.bool_]) -> Trimap:
    """Return the trimap with these definite regions, unknown elsewhere.

    Parameters
    ----------
    foreground, background : (H, W) bool
        Disjoint regions.
    """
    trimap = np.full(foreground.shape, UNKNOWN, np.uint8)
    trimap[background] = BACKGROUND
    trimap[foreground] = FOREGROUND
    return trimap


def grey(image: Image) -> NDArray[np.float32]:
    """Return an image's luma (Rec. 709 weights), (H, W) float32 in 0..1."""
    if image.shape[2] == 1:
        return image[..., 0]
    return (image @ np.array([0.2126, 0.7152, 0.0722], np.float32)).astype(np.float32)


def as_rgb(image: Image) -> Image:
    """Return an image with three channels; grey is repeated."""
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
