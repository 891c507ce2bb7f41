"""Sampled propagation: color samples estimate alpha, the matting Laplacian propagates it."""

from __future__ import annotations

from typing import Annotated

from ..arrays import Alpha, AnyChannels, Image, Trimap
from ..framework.register import method
from ..job import Job
from ..models import torch_device
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
    # By default the CPU, so that every host gives the same pixels; and torch is not loaded.
    where = "cpu" if device in ("auto", "cpu") else torch_device(device).type
    job.step(0, message=TITLE)
    from ..solvers.compiling import compiled

    def solve(job: Job) -> Alpha:
        from .propagation.solve import propagated

        return propagated(full_contrast(image), trimap, job, device=where)

    return compiled(solve, job, TITLE)
