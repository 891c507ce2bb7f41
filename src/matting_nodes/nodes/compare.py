"""Compare: how far a matte is from another, in numbers and as a picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .. import metrics
from ..arrays import Alpha, Image, Table, Trimap, unknown
from ..errors import EmptyRegionError
from ..framework.register import node


class Comparison(NamedTuple):
    """The difference of two mattes."""

    picture: Image
    table: Table


def has_unknown(trimap: Trimap | None) -> None:
    """Refuse a trimap without unknown pixels: there would be nothing to measure."""
    if trimap is not None and not unknown(trimap).any():
        raise EmptyRegionError(
            "The trimap has no unknown pixels",
            "With a trimap, only its unknown pixels are measured",
            "Leave out the trimap to measure the whole picture",
        )


@node(
    title="Compare",
    command="compare",
    step=6,
    aliases=("metrics", "SAD", "MSE", "Grad", "Conn", "evaluate", "difference"),
    check=has_unknown,
)
def compare(alpha: Alpha, reference: Alpha, *, trimap: Trimap | None = None) -> Comparison:
    """Measure a matte against a reference as the Composition-1k evaluation does.

    Parameters
    ----------
    alpha : (H, W) float32, 0..1
        The matte.
    reference : (H, W) float32, 0..1
        What it should be.
    trimap : (H, W) uint8, optional
        Measure its unknown pixels only, as the field's tables do; else the whole picture.

    Returns
    -------
    picture : (H, W, 3) float32, 0..1
        White where they agree, red where the matte is too high, blue where it is too low.
    table : dict
        SAD, Grad and Conn in thousands, MSE and MAD as means, and the number of pixels.
    """
    region = np.ones(alpha.shape, bool) if trimap is None else unknown(trimap)
    table = {
        "SAD": metrics.sad(alpha, reference, region),
        "MSE": metrics.mse(alpha, reference, region),
        "MAD": metrics.mad(alpha, reference, region),
        "Grad": metrics.grad(alpha, reference, region),
        "Conn": metrics.conn(alpha, reference, region),
        "pixels": float(region.sum()),
    }
    return Comparison(_difference(alpha, reference, region), table)


def _difference(alpha: Alpha, reference: Alpha, region: np.ndarray) -> Image:
    difference = np.where(region, alpha - reference, 0)
    high, low = difference.clip(0, 1), (-difference).clip(0, 1)
    return np.dstack([1 - low, 1 - high - low, 1 - high]).astype(np.float32)
