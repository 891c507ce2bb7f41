"""Trimaps painted on some planes of a stack, carried to the planes between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import BACKGROUND, FOREGROUND, UNKNOWN, Trimap, as_trimap, unknown
from ..errors import MissingInputError, ParameterError, SizeMismatchError
from ..job import Job

Floats = NDArray[np.float32]
REACH = 0.05
"""How far from edges distances align two planes, relative to the longer side."""
LONGEST_SHIFT = 0.5
"""Regions move by at most this share of the plane's sides from one painted plane to the next."""


@dataclass(frozen=True)
class CarriedTrimaps:
    """A trimap for each plane of a stack.

    Parameters
    ----------
    trimaps : (N, H, W) uint8
        The trimaps.
    carried : (N,) bool
        Whether a plane's trimap was carried to it, not painted.
    """

    trimaps: NDArray[np.uint8]
    carried: NDArray[np.bool_]


def carry_between(
    painted: Mapping[int, ArrayLike],
    count: int,
    *,
    moves: bool = True,
    job: Job | None = None,
) -> CarriedTrimaps:
    """Carry trimaps painted on some planes of a stack to all others.

    Parameters
    ----------
    painted : mapping of int to (H, W) array
        Trimaps by their plane, counted from 0.
    count : int
        How many planes the stack has.
    moves : bool
        Whether the object may move from plane to plane: painted planes are then aligned by the
        affine motion that lays one's distances on the other's (Evangelidis and Psarakis, PAMI 30,
        2008), or by their centres if none is found.
    job : Job, optional
        Reports progress, and stops the work when it is cancelled.

    Returns
    -------
    CarriedTrimaps
        Painted planes are unchanged. A plane depends on the nearest painted ones before and after
        it only, so that a correction changes nothing beyond its neighbors. Planes before the first
        and after the last painted one have its trimap.

    Raises
    ------
    MissingInputError
        If no plane is painted.
    ParameterError
        If a painted plane is not in the stack.
    SizeMismatchError
        If the trimaps differ in size.

    Notes
    -----
    Shape-based interpolation (Raya and Udupa, IEEE Transactions on Medical Imaging 9, 1990): the
    signed distances to the foreground's and to the background's edge are interpolated linearly;
    where both are claimed, or neither is, the plane is unknown.

    Examples
    --------
    >>> first, last = np.full((2, 3, 9), 0, np.uint8)
    >>> first[:, 2:4] = last[:, 2:8] = 255
    >>> carry_between({0: first, 2: last}, 3, moves=False).trimaps[1, 1].tolist()
    [0, 0, 255, 255, 255, 255, 0, 0, 0]
    """
    job = job or Job()
    known = {plane: as_trimap(np.asarray(trimap)) for plane, trimap in sorted(painted.items())}
    _check(known, count)
    planes = sorted(known)
    trimaps = np.empty((count, *known[planes[0]].shape), np.uint8)
    trimaps[: planes[0]] = known[planes[0]]
    trimaps[planes[-1] :] = known[planes[-1]]
    for plane in planes:
        trimaps[plane] = known[plane]
    pairs = list(pairwise(planes))
    for number, (first, last) in enumerate(pairs):
        job.step(number, len(pairs), "Carrying trimaps")
        ends = _Between(known[first], known[last], moves) if last - first > 1 else None
        for plane in range(first + 1, last):
            job.check()
            assert ends is not None
            trimaps[plane] = ends.at((plane - first) / (last - first))
    carried = np.ones(count, bool)
    carried[planes] = False
    return CarriedTrimaps(trimaps, carried)


def _check(known: Mapping[int, Trimap], count: int) -> None:
    if not known:
        raise MissingInputError(
            "No plane has a painted trimap",
            "Trimaps are carried from painted planes to the others",
            "Paint the trimap of one plane at least",
        )
    for plane, trimap in known.items():
        if not 0 <= plane < count:
            raise ParameterError(
                f"Plane {plane} has a trimap, and the stack has {count} planes",
                f"Planes are counted from 0 to {count - 1}",
                "Leave it out, or give the whole stack",
            )
        first = next(iter(known.values()))
        if trimap.shape != first.shape:
            raise SizeMismatchError(
                f"The trimap of plane {plane} has shape {trimap.shape}, another {first.shape}",
                "All planes of a stack have one size",
                "Paint the trimaps on planes of one stack",
            )


class _Between:
    """The planes between two painted ones."""

    def __init__(self, first: Trimap, last: Trimap, moves: bool) -> None:
        self._motion = _motion(first, last) if moves else np.eye(3)
        self._distances = [
            [signed_distance(trimap == side) for side in (BACKGROUND, FOREGROUND)]
            for trimap in (first, last)
        ]

    def at(self, share: float) -> Trimap:
        """Return the trimap at a share of the way from the first to the last."""
        # Half a turn would be no turn on the way: between painted planes objects turn little.
        there = np.eye(3) + share * (self._motion - np.eye(3))
        distances = []
        for side in range(2):
            first = _moved(self._distances[0][side], there)
            last = _moved(self._distances[1][side], there @ np.linalg.inv(self._motion))
            distances.append((1 - share) * first + share * last)
        background, foreground = (distance > 0 for distance in distances)
        result = np.full(background.shape, UNKNOWN, np.uint8)
        result[background & ~foreground] = BACKGROUND
        result[foreground & ~background] = FOREGROUND
        return result


def _motion(first: Trimap, last: Trimap) -> NDArray[np.float64]:
    """Return the affine motion (x, y, 1) of one trimap to another: the identity if none fits."""
    import cv2

    motion = np.eye(3)
    centers = [_center(trimap) for trimap in (first, last)]
    if centers[0] is None or centers[1] is None:
        return motion
    shift = (centers[1] - centers[0])[::-1]
    if (abs(shift) > LONGEST_SHIFT * np.array(first.shape[::-1])).any():
        return motion
    motion[:2, 2] = shift
    # Near the edges distances say where they are; farther away they would only add noise.
    reach = np.float32(REACH * max(first.shape))
    planes = [
        (signed_distance(t > BACKGROUND) + signed_distance(t == FOREGROUND)).clip(-reach, reach)
        for t in (first, last)
    ]
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-5)
    try:
        _, found = cv2.findTransformECC(
            planes[0],
            planes[1],
            motion[:2].astype(np.float32),
            cv2.MOTION_AFFINE,
            stop,
            np.ones(first.shape, np.uint8),
            1,
        )
    except cv2.error:  # does not converge: the shapes are too different
        return motion
    motion[:2] = found
    return motion


def _center(trimap: Trimap) -> NDArray[np.float64] | None:
    """Return the centroid of what is not background, unknown pixels counted as one half."""
    weight = np.where(unknown(trimap), 0.5, trimap == FOREGROUND)
    total = weight.sum()
    if total == 0:
        return None
    rows, columns = (np.arange(side) for side in trimap.shape)
    sums = [weight.sum(axis=1) @ rows, weight.sum(axis=0) @ columns]
    return np.array(sums, np.float64) / float(total)


def signed_distance(region: NDArray[np.bool_]) -> Floats:
    """Return the distance of each pixel to a region's edge, in pixels: positive within it.

    Examples
    --------
    >>> signed_distance(np.array([[False, True, True, True]])).tolist()
    [[-0.5, 0.5, 1.5, 2.5]]
    """
    import cv2

    # Where there is no edge, it is as far away as the plane is large.
    far = np.float32(sum(region.shape))
    if region.all() or not region.any():
        return np.full(region.shape, far if region.any() else -far, np.float32)
    inside, outside = (
        cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for side in (region, ~region)
    )
    half = np.float32(0.5)
    result: Floats = np.where(region, inside - half, half - outside).astype(np.float32)
    return result


def _moved(distance: Floats, motion: NDArray[np.float64]) -> Floats:
    import cv2

    if (motion == np.eye(3)).all():
        return distance
    size = distance.shape[::-1]
    moved = cv2.warpAffine(
        distance, motion[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.float32)
