"""Where each pixel of a frame was in the frame before: dense optical flow, checked both ways."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..resizing import size_within
from ..solvers.parallel import in_parallel

Floats = NDArray[np.float32]
Booleans = NDArray[np.bool_]

LONGEST = 640
"""Longer side of the pictures between which flow is computed, in pixels."""
FINEST_SCALE, PATCH_STRIDE, ITERATIONS = 1, 5, 12
"""Of DIS. With scale 2, as its preset FAST has it, more failed the check, and bands widened."""
TRACK_CELL, TRACK_WINDOW = 8, 15
"""One corner of each square of such a side is tracked, with such a window, in pixels."""
MIN_CORNER = 2e-5
"""Smaller eigenvalue of the gradients' covariance below which a corner is none."""
TRACK_TOLERANCE = 2.0
"""How far a track may lie from DIS, in pixels."""
EDGE_MARGIN = 3
"""How far from an object's edge tracks may be mixed with the background's, in pixels."""
FIT_RADIUS = 24.0
"""Standard deviation of the window of the local affine fits, in pixels."""
FIT_STEP = 8
"""Side of the squares of the grid on which motion is fitted, in pixels."""
FIT_PRIOR, FIT_RIDGE = 0.1, 0.02
"""What the affine motion of the whole counts in a local fit, in tracks; and what pulls a local fit
towards a mere shift, in squared radii."""
FIT_ROUNDS, FIT_SPREAD = 2, 0.1
"""Rounds of reweighting, by Cauchy's weights, squared, with at least such a spread, in pixels."""


class Tracks(NamedTuple):
    """Points of a frame, and the same in another one."""

    now: Floats
    """(N, 2), pixels, x first."""
    other: Floats


class Motion(NamedTuple):
    """Where each pixel was in another frame."""

    x: Floats
    """(H, W), pixels."""
    y: Floats
    certain: Booleans
    """(H, W), whether forward and backward flow agree."""
    tracks: Tracks | None = None
    """What moved how, exactly."""


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
    Sundaram, Brox and Keutzer, ECCV 2010. Corners (Shi and Tomasi, CVPR 1994) are tracked from
    there by Lucas and Kanade's method, as in Bouguet, "Pyramidal Implementation", 2000.
    """
    import cv2

    from .flow_check import check

    if min(now.shape) < 32:  # too small for DIS
        size = now.shape[::-1]
        now, other = (np.asarray(cv2.resize(g, None, fx=4, fy=4), np.uint8) for g in (now, other))
        x, y, certain, tracks = motion(now, other)
        x, y = (_quarter(p, size) for p in (x, y))
        small = cv2.resize(certain.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        assert tracks is not None
        return Motion(
            x, y, small > 0, Tracks(*((p - np.float32(1.5)) / np.float32(4) for p in tracks))
        )
    dis = _dis()
    back, forth = dis.calc(now, other, None), dis.calc(other, now, None)
    height, width = now.shape
    columns, rows = positions(height, width)
    x, y = columns + back[..., 0], rows + back[..., 1]
    certain = np.empty((height, width), bool)
    in_parallel(check, height, back, forth, certain, smallest=64)
    return Motion(x, y, certain, _tracks(now, other, back, certain))


def _tracks(
    now: NDArray[np.uint8], other: NDArray[np.uint8], flow: Floats, certain: Booleans
) -> Tracks:
    """Return the corners of a frame that are found in another one, beginning with its flow."""
    import cv2

    height, width = now.shape
    h, w = height // TRACK_CELL, width // TRACK_CELL
    strength = cv2.cornerMinEigenVal(now, 5)[: h * TRACK_CELL, : w * TRACK_CELL]
    cells = strength.reshape(h, TRACK_CELL, w, TRACK_CELL).swapaxes(1, 2).reshape(h, w, -1)
    best = cells.argmax(axis=2)
    rows, columns = np.nonzero(cells.max(axis=2) > MIN_CORNER)
    place = best[rows, columns]
    y, x = rows * TRACK_CELL + place // TRACK_CELL, columns * TRACK_CELL + place % TRACK_CELL
    keep = certain[y, x]
    y, x = y[keep], x[keep]
    if not len(x):
        return Tracks(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32))
    points = np.stack([x, y], axis=1).astype(np.float32)
    guess = points + flow[y, x]
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        now,
        other,
        points[:, None],
        guess[:, None].copy(),
        winSize=(TRACK_WINDOW, TRACK_WINDOW),
        maxLevel=1,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 12, 0.01),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    found = found[:, 0]
    near = np.abs(found - guess).max(axis=1) < TRACK_TOLERANCE
    keep = near & (status[:, 0] > 0)
    return Tracks(points[keep], np.asarray(found[keep], np.float32))


def object_motion(flow: Motion, inside: Booleans) -> Motion:
    """Return the motion of an object, carried on beyond its edge.

    Hair and other soft edges show two things that move; they move with what they grow on. So local
    affine fits to the tracks within the object say where its edge and its surroundings were.

    Parameters
    ----------
    flow : Motion
    inside : (h, w) bool
        Where the frame shows nothing but the object.
    """
    assert flow.tracks is not None
    shifts = fitted_shifts(flow.tracks.now, flow.tracks.other, inside)
    if shifts is None:
        return flow
    return Motion(*places(shifts, *flow.x.shape), flow.certain, flow.tracks)


def fitted_shifts(points: Floats, others: Floats, inside: Booleans) -> Floats | None:
    """Return the smooth motion of what lies in a part of a frame, for all of the frame.

    Parameters
    ----------
    points, others : (N, 2) float32, pixels
        Places in the frame and in another one.
    inside : (h, w) bool
        The part.

    Returns
    -------
    (2, h / FIT_STEP, w / FIT_STEP) float32, pixels, or None
        Columns and rows to go from each square to the other frame. None if nothing is tracked.

    Notes
    -----
    An affine motion of the whole, and local affine fits to what it leaves; both are least squares,
    reweighted so that what moves otherwise counts less.
    """
    import cv2

    margin = 2 * EDGE_MARGIN + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin, margin))
    core = cv2.erode(inside.astype(np.uint8), disc)
    height, width = inside.shape
    nearest = np.rint(points).astype(int)
    columns, rows = nearest[:, 0].clip(0, width - 1), nearest[:, 1].clip(0, height - 1)
    kept = core[rows, columns] > 0
    if kept.sum() < 3:
        kept = inside[rows, columns]
    if not kept.any():
        return None
    rows, columns = rows[kept] // FIT_STEP, columns[kept] // FIT_STEP
    center = np.array([width / 2, height / 2], np.float32)
    place, shift = points[kept] - center, (others - points)[kept]
    weight = np.ones(len(place), np.float32)
    size = -(-height // FIT_STEP), -(-width // FIT_STEP)
    grid_y, grid_x = (np.float32(FIT_STEP) * (np.indices(size, np.float32) + np.float32(0.5))) - (
        center[::-1, None, None] + np.float32(0.5)
    )
    columns_of_fit = np.column_stack([np.ones_like(weight), place])
    for _ in range(2 * FIT_ROUNDS):
        scale = np.sqrt(weight)[:, None]
        ridge = np.diag(np.array([0, 1, 1], np.float32) * np.float32(1e-3 * (1 + (place**2).sum())))
        matrix = (scale * columns_of_fit).T @ (scale * columns_of_fit)
        whole = np.linalg.lstsq(
            matrix + ridge, (scale * columns_of_fit).T @ (scale * shift), rcond=None
        )[0].astype(np.float32)
        left = shift - columns_of_fit @ whole
        weight = _cauchy(left)
    index = rows * size[1] + columns

    def pooled(values: Floats) -> Floats:
        plane = np.bincount(index, weight * values, size[0] * size[1]).reshape(size)
        return np.asarray(
            cv2.GaussianBlur(plane.astype(np.float32), (0, 0), FIT_RADIUS / FIT_STEP)
        ) * np.float32(2 * np.pi * (FIT_RADIUS / FIT_STEP) ** 2)

    x, y = place.T
    for _ in range(FIT_ROUNDS):
        # Weighted least squares: v = v̄ + J (p − p̄), from the moments of each window.
        total = pooled(np.ones_like(x)) + np.float32(1e-6)
        mean_x, mean_y = pooled(x) / total, pooled(y) / total
        ridge_of_fit = np.float32(FIT_RIDGE * FIT_RADIUS**2) * (1 + np.float32(1) / total)
        xx = pooled(x * x) / total - mean_x**2 + ridge_of_fit
        yy = pooled(y * y) / total - mean_y**2 + ridge_of_fit
        xy = pooled(x * y) / total - mean_x * mean_y
        share = total / (total + np.float32(FIT_PRIOR))
        determinant = xx * yy - xy * xy
        fits = []
        for values in left.T:
            mean = pooled(values) / total
            vx = pooled(values * x) / total - mean_x * mean
            vy = pooled(values * y) / total - mean_y * mean
            down, across = (xx * vy - xy * vx) / determinant, (yy * vx - xy * vy) / determinant
            # Linear functions do not reach farther than their window.
            dx = (grid_x - mean_x).clip(-2 * FIT_RADIUS, 2 * FIT_RADIUS)
            dy = (grid_y - mean_y).clip(-2 * FIT_RADIUS, 2 * FIT_RADIUS)
            fits.append(share * (mean + across * dx + down * dy))
        weight = _cauchy(left - np.stack([fit[rows, columns] for fit in fits], axis=1))
    affine = whole[0][:, None, None] + whole[1][:, None, None] * grid_x
    affine += whole[2][:, None, None] * grid_y
    return np.asarray(affine + np.stack(fits), np.float32)


def _cauchy(residual: Floats) -> Floats:
    length = np.hypot(*residual.T)
    spread = max(FIT_SPREAD, 1.5 * float(np.median(length)))
    return np.asarray(1 / np.square(1 + np.square(length / spread)), np.float32)


def places(shifts: Floats, height: int, width: int) -> tuple[Floats, Floats]:
    """Return where each pixel of a frame is, (H, W) each, for shifts on a grid.

    Parameters
    ----------
    shifts : (2, h, w) float32, pixels
        As `fitted_shifts` returns them, for a frame of this size.
    height, width : int, pixels
    """
    import cv2

    # The grid's last squares may lie partly beyond the frame.
    size = shifts.shape[2] * FIT_STEP, shifts.shape[1] * FIT_STEP
    columns, rows = positions(height, width)
    x, y = (cv2.resize(plane, size)[:height, :width] for plane in shifts)
    return columns + x, rows + y


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
    return Motion(columns + shift_x, rows + shift_y, certain > 0, flow.tracks)


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
