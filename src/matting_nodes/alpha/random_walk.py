"""Random walk: alpha is the probability of reaching foreground first."""

from __future__ import annotations

from typing import Annotated, Any

from ..arrays import Alpha, Image, Trimap
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ._pymatting import estimate

TITLE = "Random walk"
TOLERANCE = 1e-7
"""Of the relative residual, as PyMatting has it."""


@method("alpha_matte", title=TITLE, bytes_per_pixel=400)
def random_walk(
    image: Image,
    trimap: Trimap,
    *,
    sigma: Annotated[float, Slider(0.001, 1.0)] = 0.033,
    iterations: Annotated[int, Slider(1, 100_000), Advanced()] = 10_000,
    job: Job,
) -> Alpha:
    """Compute the probability that a random walk, which avoids edges, reaches foreground first.

    Smooth and stable; soft edges become too hard.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture, at least 3 × 3 pixels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    sigma : float
        Difference of color, for colors in 0..1, that counts as an edge.
    iterations : int
        Maximum number of iterations of the solver (conjugate gradients).

    Returns
    -------
    (H, W) float32, 0..1

    Notes
    -----
    Grady et al., "Random Walks for Interactive Alpha-Matting", VIIP 2005, in PyMatting's
    implementation; solved by our conjugate gradients.
    """
    return estimate(
        _random_walk,
        TITLE,
        image,
        trimap,
        job,
        sigma=sigma,
        iterations=iterations,
    )


def _random_walk(colors: Any, trimap: Any, *, sigma: float, cg_kwargs: dict[str, Any]) -> Any:
    """Do what PyMatting's estimator does, without BLAS.

    Thousands of short scalar products by BLAS, whose threads spin between them, would take five
    times as long as soon as another program is busy.
    """
    from pymatting import make_linear_system, rw_laplacian

    from ..solvers.cg import conjugate_gradients

    system, b = make_linear_system(rw_laplacian(colors, sigma=sigma), trimap)
    diagonal, watch = system.diagonal(), cg_kwargs["callback"]
    x, error = conjugate_gradients(
        system.dot,
        b,
        lambda r: r / diagonal,
        tolerance=TOLERANCE,
        iterations=cg_kwargs["maxiter"],
        flexible=False,
        callback=lambda residual: watch(system, None, b, 1.0, None, residual),
    )
    if error > TOLERANCE:
        raise ValueError(f"it did not converge within {cg_kwargs['maxiter']} iterations")
    return x.clip(0, 1).reshape(trimap.shape)
