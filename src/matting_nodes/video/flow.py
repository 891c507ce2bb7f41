"""Where each pixel of a frame was in the frame before: dense optical flow, checked both ways."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..resizing import size_within

Floats = NDArray[np.float32]
Booleans = NDArray[np.bool_]

LONGEST = 640
"""Longer side of the pictures between which flow is computed, in pixels."""
FINEST_SCALE, PATCH_STRIDE, ITERATIONS = 1, 5, 12
"""Of DIS. With scale 2, as its preset FAST has it, flow along an object's edge had twice the error;
variational refinement, off here, takes as long as all the rest and lowered it by a twentieth."""
CHECK_SHARE, CHECK_OFFSET = 0.01, 0.5
"""|forward + backward|² may be this share of |forward|² + |backward|², and so many pixels²."""
EDGE_MARGIN = 7
"""Distance from an object's edge up to which flow is mixed with the background's, in pixels."""
FIT_RADIUS = 24.0
"""Standard deviation of the window of the local affine fits, in pixels."""
FIT_STEP = 4
"""Side of the squares whose flow is pooled before fitting, in pixels."""
FAR_WEIGHT = 1e-3
"""Weight of a window four times as wide, which decides where the narrow one is empty."""


class Motion(NamedTuple):
    """Where each pixel was in another frame."""

    x: Floats
    """(H, W), pixels."""
    y: Floats
    certain: Booleans
    """(H, W), whether forward and backward flow agree."""


def grey(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a frame as flow is computed from it: grey, at most `LONGEST` pixels long.

    Parameters
    ----------
    picture : (H, W, 3) uint8 or uint16
    """
    import cv2

    height, width = size_within(picture.shape[0], picture.shape[1], LONGEST)
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if (height, width) != picture.shape[:2]:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))


def motion(now: NDArray[np.uint8], other: NDArray[np.uint8]) -> Motion:
    """Return where each pixel of a frame is in another one.

    Parameters
    ----------
    now, other : (h, w) uint8
        As `grey` returns them.

    Notes
    -----
    Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016; the check is that of
    Sundaram, Brox and Keutzer, ECCV 2010.
    """
    import cv2

    if min(now.shape) < 32:  # too small for DIS
        size = now.shape[::-1]
        now, other = (np.asarray(cv2.resize(g, None, fx=4, fy=4), np.uint8) for g in (now, other))
        x, y, certain = motion(now, other)
        x, y = (_quarter(p, size) for p in (x, y))
        small = cv2.resize(certain.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        return Motion(x, y, small > 0)
    dis = _dis()
    back, forth = dis.calc(now, other, None), dis.calc(other, now, None)
    height, width = now.shape
    columns, rows = positions(height, width)
    x, y = columns + back[..., 0], rows + back[..., 1]
    returned = cv2.remap(forth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gap = np.square(back + returned).sum(axis=2)
    length = np.square(back).sum(axis=2) + np.square(returned).sum(axis=2)
    certain = gap < CHECK_SHARE * length + CHECK_OFFSET
    certain &= (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return Motion(x, y, certain)


def object_motion(flow: Motion, inside: Booleans) -> Motion:
    """Return the motion of an object, carried on beyond its edge.

    Hair and other soft edges show two things that move; they move with what they grow on. So local
    affine fits to the flow within the object say where its edge and its surroundings were.

    Parameters
    ----------
    flow : Motion
    inside : (h, w) bool
        Where the frame shows nothing but the object.
    """
    import cv2

    margin = 2 * EDGE_MARGIN + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin, margin))
    core = cv2.erode(inside.astype(np.uint8), disc)
    weight = (core if core.any() else inside.astype(np.uint8)).astype(np.float32)
    weight *= flow.certain
    if not weight.any():
        return flow
    height, width = weight.shape
    columns, rows = positions(height, width)
    size = -(-width // FIT_STEP), -(-height // FIT_STEP)

    def pooled(plane: Floats) -> Floats:
        small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
        near, far = (cv2.GaussianBlur(small, (0, 0), s / FIT_STEP) for s in _RADII)
        return np.asarray(near + np.float32(FAR_WEIGHT) * far)

    x, y = columns - columns.mean(), rows - rows.mean()
    # Weighted least squares: v = v̄ + J (p − p̄), from the moments of each window.
    total = pooled(weight) + np.float32(1e-9)
    mean_x, mean_y = pooled(weight * x) / total, pooled(weight * y) / total
    ridge = np.float32(0.02 * FIT_RADIUS**2)
    xx = pooled(weight * x * x) / total - mean_x**2 + ridge
    yy = pooled(weight * y * y) / total - mean_y**2 + ridge
    xy = pooled(weight * x * y) / total - mean_x * mean_y
    determinant = xx * yy - xy * xy
    small_x, small_y = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (x, y))
    moved = []
    for place, plane in ((flow.x, columns), (flow.y, rows)):
        shift = weight * (place - plane)
        mean = pooled(shift) / total
        vx, vy = (
            pooled(shift * x) / total - mean_x * mean,
            pooled(shift * y) / total - mean_y * mean,
        )
        down, across = (xx * vy - xy * vx) / determinant, (yy * vx - xy * vy) / determinant
        fitted = mean + across * (small_x - mean_x) + down * (small_y - mean_y)
        moved.append(plane + cv2.resize(fitted, (width, height)))
    return Motion(moved[0], moved[1], flow.certain)


_RADII = FIT_RADIUS, 4 * FIT_RADIUS


def enlarged(flow: Motion, height: int, width: int) -> Motion:
    """Return a motion for the frames themselves.

    Parameters
    ----------
    flow : Motion
        Of smaller pictures of them.
    height, width : int, pixels
        The frames' size.
    """
    import cv2

    h, w = flow.x.shape
    if (h, w) == (height, width):
        return flow
    columns, rows = positions(h, w)
    shift_x = cv2.resize(flow.x - columns, (width, height)) * np.float32(width / w)
    shift_y = cv2.resize(flow.y - rows, (width, height)) * np.float32(height / h)
    certain = cv2.resize(
        flow.certain.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
    )
    columns, rows = positions(height, width)
    return Motion(columns + shift_x, rows + shift_y, certain > 0)


@cache
def positions(height: int, width: int) -> tuple[Floats, Floats]:
    """Return column and row of each pixel, (H, W) float32 each. They are not to be written to.

    Parameters
    ----------
    height, width : int, pixels
    """
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    columns.flags.writeable = rows.flags.writeable = False
    return columns, rows


def _quarter(places: Floats, size: tuple[int, int]) -> Floats:
    """Return places in a picture that was enlarged four times, for the picture itself."""
    import cv2

    small = cv2.resize(places, size, interpolation=cv2.INTER_AREA)
    # The centers of four pixels lie 1.5 of them behind the first one's.
    return np.asarray((small - np.float32(1.5)) * np.float32(0.25), np.float32)


def _dis() -> Any:
    cv2: Any = importlib.import_module("cv2")  # its stubs lack DIS

    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    dis.setFinestScale(FINEST_SCALE)
    dis.setPatchStride(PATCH_STRIDE)
    dis.setGradientDescentIterations(ITERATIONS)
    dis.setVariationalRefinementIterations(0)
    return dis
