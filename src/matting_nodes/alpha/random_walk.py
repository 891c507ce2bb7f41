"""Random walk: alpha is the chance to meet foreground first."""

from __future__ import annotations

from typing import Annotated

from ..arrays import Alpha, Image, Trimap
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ._pymatting import estimate

TITLE = "Random walk"


@method("alpha_matte", title=TITLE)
def random_walk(
    image: Image,
    trimap: Trimap,
    *,
    sigma: Annotated[float, Slider(0.001, 1.0)] = 0.033,
    iterations: Annotated[int, Slider(1, 100_000), Advanced()] = 10_000,
    job: Job,
) -> Alpha:
    """Take the chance that a walk, which shuns color edges, meets foreground first.

    Smooth and stable; soft edges come out too hard.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture, at least 3 × 3 pixels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    sigma : float
        Difference of color, for colors in 0..1, that counts as an edge.
    iterations : int
        Give up after so many rounds of the solver (conjugate gradients).

    Returns
    -------
    (H, W) float32, 0..1

    Notes
    -----
    Grady et al., "Random Walks for Interactive Alpha-Matting", VIIP 2005, in PyMatting's
    implementation.
    """
    return estimate(
        "rw",
        TITLE,
        image,
        trimap,
        job,
        laplacian_kwargs={"sigma": sigma},
        iterations=iterations,
    )
