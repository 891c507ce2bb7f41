"""KNN: pixels of like color and place have like alpha."""

from __future__ import annotations

from typing import Annotated

from ..arrays import Alpha, Image, Trimap
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ._pymatting import estimate

TITLE = "KNN"


@method("alpha_matte", title=TITLE)
def knn(
    image: Image,
    trimap: Trimap,
    *,
    neighbors: Annotated[int, Slider(2, 100), Advanced()] = 20,
    iterations: Annotated[int, Slider(1, 100_000), Advanced()] = 10_000,
    job: Job,
) -> Alpha:
    """Give pixels that are near each other in color and place the same alpha.

    It bridges gaps that closed form cannot, as in holes of a net; slower, and hungry for memory.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture, at least 3 × 3 pixels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    neighbors : int
        Neighbors of a pixel where place weighs much; half as many where color alone counts.
    iterations : int
        Give up after so many rounds of the solver (conjugate gradients).

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
