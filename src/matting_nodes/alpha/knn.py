"""KNN: pixels of similar color and position have similar alpha."""

from __future__ import annotations

from typing import Annotated

from ..arrays import Alpha, Image, Trimap
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ._pymatting import estimate

TITLE = "KNN"


@method("alpha_matte", title=TITLE, bytes_per_pixel=3000)
def knn(
    image: Image,
    trimap: Trimap,
    *,
    neighbors: Annotated[int, Slider(2, 100), Advanced()] = 20,
    iterations: Annotated[int, Slider(1, 100_000), Advanced()] = 10_000,
    job: Job,
) -> Alpha:
    """Solve for an alpha that is similar in pixels of similar color and position.

    It bridges gaps that closed form cannot, such as holes of a net; slow, and needs much memory.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture, at least 3 × 3 pixels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    neighbors : int
        Neighbors of a pixel by color and position; half as many are found by color alone.
    iterations : int
        Maximum number of iterations of the solver (conjugate gradients).

    Returns
    -------
    (H, W) float32, 0..1

    Notes
    -----
    Chen, Li and Tang, "KNN Matting", PAMI 2013, in PyMatting's implementation.
    """
    return estimate(
        "knn",
        TITLE,
        image,
        trimap,
        job,
        laplacian_kwargs={"n_neighbors": [neighbors, neighbors // 2]},
        iterations=iterations,
    )
