"""Sampled propagation: color samples estimate alpha, the matting Laplacian propagates it."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..arrays import Alpha, AnyChannels, Image, Trimap, unknown
from ..framework.register import method
from ..job import Job
from ..models import torch_device
from ..solvers.boxes import whole
from ._checks import check_window, full_contrast
from .propagation import TITLE


@method("alpha_matte", title=TITLE)
def sampled_propagation(
    image: Annotated[Image, AnyChannels()], trimap: Trimap, *, device: str, job: Job
) -> Alpha:
    """Estimate alpha from the known colors nearby, and propagate it along the picture.

    Time and memory grow with the number of unknown pixels.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture, at least 3 × 3 pixels, of any number of channels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    ShapeError
        If the image is smaller than 3 × 3.

    Notes
    -----
    α minimizes αᵀLα + Σ w (α − α̂)² plus links between pixels of similar color. L is the matting
    Laplacian (Levin, Lischinski and Weiss, PAMI 2008), α̂ the estimate from color samples and w its
    weight, as in Wang and Cohen, "Optimized Color Sampling for Robust Matting", CVPR 2007. α is
    solved for twice: in the second solve the weights are lower where α̂, or the other end of a link,
    disagrees with the first (iteratively reweighted least squares with Cauchy's weights). Solved
    by conjugate gradients, beginning with α̂ and preconditioned by a multigrid whose coarse vectors
    are linear functions of color. If a GPU is chosen, the equations are solved on it; colors are
    sampled on the CPU. Both agree within 0.01.
    """
    check_window(image, 3, TITLE)
    image = full_contrast(image)
    # By default the CPU, so that every host gives the same pixels; and torch is not loaded.
    where = "cpu" if device in ("auto", "cpu") else torch_device(device).type
    job.step(0, message=TITLE)
    from ..solvers.compiling import compiled

    def solve_for(job: Job) -> Alpha:
        from ..solvers.laplacian import laplacian_rows
        from .propagation.color_links import ColorLinks
        from .propagation.data_term import gather_unknowns
        from .propagation.solve import EPSILON, propagate, sample_colors

        samples, term = sample_colors(image, trimap, job.part(0, 0.5))
        solve, start = unknown(trimap), term[0].copy()  # a view would keep the weights
        colors, term = gather_unknowns(samples.colors, term, solve, whole(solve.shape))
        links = ColorLinks(samples.colors).links_of(solve, start, whole(solve.shape), trimap, start)
        del samples
        rows = laplacian_rows(image, solve, EPSILON, np.float32)
        _, values = propagate(
            rows,
            colors,
            solve,
            (links, links),
            term,
            (start, start),
            job.part(0.5, 1),
            device=where,
        )
        return values

    values = compiled(solve_for, job, TITLE)
    return values.clip(0, 1, out=values)
