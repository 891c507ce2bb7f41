"""Matte and colors of an object that was taken before two known backgrounds.

Smith and Blinn, "Blue Screen Matting", SIGGRAPH 1996, section 6 (triangulation).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Alpha, Image
from ..errors import ValueRangeError
from ..job import Job

# Rows that are solved at a time: a few megabytes, and a cancel between them.
ROWS = 128
# Below this alpha the color is that of the nearest pixel above: 8 bits hold too little of it.
LEAST_ALPHA = np.float32(4 / 255)
# If one pixel in a thousand has more residual than this, its cause is looked for: rounding to
# 8 bits leaves up to 0.004. A mean would hide the edges of a large picture.
SUSPECT_RESIDUAL, SUSPECT_SHARE = 0.008, 0.001
# Pixels of a shift that counts, and the share of the squared residual that it must leave at most.
SHIFT_TOLERANCE, EXPLAINED = 0.1, 0.8
# Pixels: the side of the square in which a shift is measured.
WINDOW = 768


class Shift(NamedTuple):
    """How far the second picture lies from the first."""

    right: float
    down: float

    def __str__(self) -> str:
        return f"{self.right:+.2f} px to the right and {self.down:+.2f} px down"


class Shots(NamedTuple):
    """Two pictures of one object, and what was behind it; all (H, W, C) float32."""

    first: Image
    second: Image
    behind_first: Image
    behind_second: Image

    def cut(self, rows: slice, columns: slice = slice(None)) -> Shots:
        """Return a part of all four.

        Parameters
        ----------
        rows, columns : slice
            Which part.
        """
        return Shots(*(picture[rows, columns] for picture in self))

    def aligned(self, shift: Shift) -> Shots:
        """Return the shots with the second and its background moved back.

        Parameters
        ----------
        shift : Shift, pixels
            How far the second lies from the first.
        """
        return self._replace(
            second=moved_back(self.second, shift),
            behind_second=moved_back(self.behind_second, shift),
        )


class Matte(NamedTuple):
    """What two shots tell of an object."""

    alpha: Alpha
    foreground: Image
    residual: Alpha


def unmix(shots: Shots, least_difference: float, job: Job | None = None) -> Matte:
    """Solve I₁ = αF + (1 − α)B₁ and I₂ = αF + (1 − α)B₂ for α and F, by least squares.

    Subtracting the two leaves I₁ − I₂ = (1 − α)(B₁ − B₂) in every channel, so that

        α  = 1 − Σ (I₁ − I₂)(B₁ − B₂) / Σ (B₁ − B₂)²
        αF = ½ (I₁ − (1 − α)B₁ + I₂ − (1 − α)B₂)

    with sums over channels: one alpha, as of glass without color.

    Parameters
    ----------
    shots : Shots
        The pictures and their backgrounds.
    least_difference : float, 0..1
        Root mean square over channels of B₁ − B₂ below which a pixel cannot be solved. Such
        pixels have the values of the nearest one that can, and the residual 1.
    job : Job, optional
        Reports progress, and stops the work when it is cancelled.

    Returns
    -------
    Matte
        The residual is the root mean square of what α and F, within 0..1, leave of both pictures.

    Raises
    ------
    ValueRangeError
        If the backgrounds are too alike in most pixels.
    """
    job = job or Job()
    height, width, channels = shots.first.shape
    alpha = np.empty((height, width), np.float32)
    colors = np.empty((height, width, channels), np.float32)
    residual = np.empty((height, width), np.float32)
    solved = np.empty((height, width), bool)
    for top in range(0, height, ROWS):
        job.step(top / height)
        rows = slice(top, top + ROWS)
        alpha[rows], colors[rows], residual[rows], solved[rows] = _unmixed_rows(
            shots.cut(rows), np.float32(least_difference)
        )
    _check_alike(solved, least_difference)
    job.check()
    if not solved.all():
        nearest = _nearest(solved)
        alpha = alpha[nearest]
        colors = colors[nearest]
    certain = solved & (alpha >= LEAST_ALPHA)
    if certain.any() and not certain.all():
        colors = colors[_nearest(certain)]
    return Matte(alpha, colors, residual)


def _unmixed_rows(
    shots: Shots, least_difference: np.float32
) -> tuple[Alpha, Image, Alpha, NDArray[np.bool_]]:
    between = shots.behind_first - shots.behind_second
    squared = (between**2).sum(axis=2)
    solved = squared >= least_difference**2 * between.shape[2]
    seen = ((shots.first - shots.second) * between).sum(axis=2)
    clear = np.divide(seen, squared, out=np.zeros_like(seen), where=solved).clip(0, 1)
    alpha, clear = 1 - clear, clear[..., None]
    # αF, from both pictures
    premultiplied = (
        shots.first + shots.second - clear * (shots.behind_first + shots.behind_second)
    ) / 2
    part = alpha[..., None]
    colors = np.divide(premultiplied, part, out=np.zeros_like(premultiplied), where=part > 0)
    colors = colors.clip(0, 1)
    left = [
        picture - part * colors - clear * behind
        for picture, behind in (
            (shots.first, shots.behind_first),
            (shots.second, shots.behind_second),
        )
    ]
    residual = np.sqrt((left[0] ** 2 + left[1] ** 2).mean(axis=2) / 2).clip(0, 1)
    return alpha, colors, np.where(solved, residual, np.float32(1)), solved


def _nearest(known: NDArray[np.bool_]) -> tuple[NDArray[np.intp], ...]:
    """Return the index of the nearest known pixel of each."""
    from scipy.ndimage import distance_transform_edt

    index = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return tuple(index)


def _check_alike(solved: NDArray[np.bool_], least_difference: float) -> None:
    share = 1 - float(solved.mean())
    if share > 0.5:
        raise ValueRangeError(
            f"The two backgrounds differ by less than {least_difference:g} of 1 in "
            f"{share:.0%} of the pixels",
            "Alpha shows only where the backgrounds differ; at least half of the pixels must",
            "Give backgrounds that differ more, such as white and black, or lower least_difference",
        )


def check_order(shots: Shots) -> None:
    """Refuse pictures that differ the other way round than their backgrounds.

    Parameters
    ----------
    shots : Shots
        The pictures and their backgrounds.

    Raises
    ------
    ValueRangeError
    """
    change, between = shots.first - shots.second, shots.behind_first - shots.behind_second
    # Both are 0 for an object that is opaque and fills the picture.
    if float(np.vdot(change, between)) < -0.01 * float(np.vdot(between, between)):
        raise ValueRangeError(
            "The pictures differ the other way round than their backgrounds",
            "The first picture belongs to the first background, the second to the second",
            "Exchange the two pictures or the two backgrounds",
        )


def find_shift(
    shots: Shots, matte: Matte, least_difference: float, job: Job | None = None
) -> Shift | None:
    """Return the shift between the pictures if there is one that explains the residual.

    A first guess is the phase correlation of the pictures' gradients, which have the same sign
    before any background; then the shift with the least residual is searched.

    Parameters
    ----------
    shots : Shots
        The pictures and their backgrounds.
    matte : Matte
        What `unmix` made of them.
    least_difference : float, 0..1
        As for `unmix`.
    job : Job, optional
        Stops the search when it is cancelled.

    Returns
    -------
    Shift or None
        None if the residual is small, or no shift of more than a tenth of a pixel lowers it.
    """
    known = matte.residual[matte.residual < 1]
    if known.size == 0 or (float((known > SUSPECT_RESIDUAL).mean()) < SUSPECT_SHARE):
        return None
    window = shots.cut(*_window(matte.residual))

    job = job or Job()

    def error(shift: Shift) -> float:
        job.check()
        edge = int(max(map(abs, shift))) + 2
        inner = (slice(edge, -edge),) * 2
        if min(window.first.shape[:2]) <= 2 * edge + 8:
            return np.inf
        parts = window.aligned(shift).cut(*inner)
        residual, solved = _unmixed_rows(parts, np.float32(least_difference))[2:]
        return float(np.mean(residual[solved] ** 2)) if solved.any() else np.inf

    still = error(Shift(0, 0))
    starts = (Shift(0, 0), _correlated(window.first, window.second))
    best = min((_descended(error, start) for start in starts), key=error)
    return best if np.hypot(*best) > SHIFT_TOLERANCE and error(best) < EXPLAINED * still else None


def _window(residual: Alpha) -> tuple[slice, slice]:
    """Return the square of the picture that holds most of the residual."""
    import cv2

    height, width = residual.shape
    side_y, side_x = min(WINDOW, height), min(WINDOW, width)
    sums = cv2.integral(np.where(residual < 1, residual, 0) ** 2)
    totals = sums[side_y:, side_x:] - sums[:-side_y, side_x:]
    totals = totals - (sums[side_y:, :-side_x] - sums[:-side_y, :-side_x])
    top, left = np.unravel_index(int(totals.argmax()), totals.shape)
    return slice(int(top), int(top) + side_y), slice(int(left), int(left) + side_x)


def _correlated(first: Image, second: Image) -> Shift:
    import cv2

    def gradient(picture: Image) -> NDArray[np.float32]:
        grey = np.ascontiguousarray(picture.mean(axis=2))
        across, down = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
        return np.asarray(cv2.magnitude(across, down), np.float32)

    height, width = first.shape[:2]
    if min(height, width) < 4:
        return Shift(0, 0)
    weights = cv2.createHanningWindow((width, height), cv2.CV_32F)
    (right, down), _ = cv2.phaseCorrelate(gradient(first), gradient(second), weights)
    return Shift(right, down)


def _descended(error: Callable[[Shift], float], start: Shift) -> Shift:
    """Return the shift with the least error, by a pattern search from steps of a pixel down."""
    best, least, step = start, error(start), 1.0
    while step > 0.02:
        near = [
            Shift(best.right + step * x, best.down + step * y)
            for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
        ]
        errors = [error(shift) for shift in near]
        if min(errors) < least:
            least = min(errors)
            best = near[errors.index(least)]
        else:
            step /= 2
    return best


def moved_back(picture: Image, shift: Shift) -> Image:
    """Return a picture moved left and up by a shift; its border is repeated.

    Parameters
    ----------
    picture : (H, W, C) float32
    shift : Shift, pixels
    """
    import cv2

    matrix = np.array([[1, 0, shift.right], [0, 1, shift.down]], np.float64)
    height, width = picture.shape[:2]
    moved = cv2.warpAffine(
        np.ascontiguousarray(picture),
        matrix,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved.reshape(picture.shape).clip(0, 1), np.float32)
