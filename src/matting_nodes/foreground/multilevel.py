"""Multilevel: foreground and background colors, from coarse to fine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import numpy as np

from ..arrays import Alpha, Image
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ..models import torch_device

if TYPE_CHECKING:
    import torch

TITLE = "Multilevel"
# As published: levels of up to 32 pixels a side have ten iterations, larger ones two.
SMALL_SIZE, SMALL_ITERATIONS, LARGE_ITERATIONS = 32, 10, 2


@method("estimate_foreground", title=TITLE)
def multilevel(
    image: Image,
    alpha: Alpha,
    *,
    regularization: Annotated[float, Slider(1e-9, 1.0), Advanced()] = 1e-5,
    device: str,
    job: Job,
) -> tuple[Image, Image]:
    """Unmix colors that vary smoothly, from a coarse image to the full one.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    alpha : (H, W) float32, 0..1
        Its matte.
    regularization : float
        Weight of smoothness against I = αF + (1 − α)B. Larger is smoother.

    Returns
    -------
    foreground, background : like image

    Notes
    -----
    Germer et al., "Fast Multi-Level Foreground Estimation", ICPR 2020 (arXiv:2006.14970).
    Pixels are updated in red-black (checkerboard) order rather than row by row, so that the
    result depends neither on the number of threads nor on the device.
    """
    job.step(0, message=TITLE)
    from ..solvers.compiling import compiled

    def unmix(job: Job) -> tuple[Image, Image]:
        from ._multilevel import mean_colors

        first = mean_colors(image, alpha)
        # Loading torch takes 400 MB, which the CPU does not need.
        where = None if device == "cpu" else torch_device(device)
        if where is None or where.type == "cpu":
            return _unmix(image, alpha, *first, regularization, job)
        return unmix_on(where, image, alpha, *first, regularization, job)

    return compiled(unmix, job, TITLE, "some seconds")


def _levels(shape: tuple[int, ...], job: Job) -> Iterator[tuple[int, int, int]]:
    """Yield each level's height, width and iterations, from one pixel to the full size."""
    last = max(1, math.ceil(math.log2(max(shape))))
    for level in range(last + 1):
        # Each level has four times the pixels of the one before.
        job.step(4.0 ** (level - last), message=TITLE)
        h, w = (round(side ** (level / last)) for side in shape)
        yield h, w, SMALL_ITERATIONS if max(h, w) <= SMALL_SIZE else LARGE_ITERATIONS


def _unmix(
    image: Image,
    alpha: Alpha,
    foreground: Image,
    background: Image,
    regularization: float,
    job: Job,
) -> tuple[Image, Image]:
    from ._multilevel import resized, solve

    for h, w, iterations in _levels(alpha.shape, job):
        colors = resized(image, h, w)
        part = resized(alpha[..., None], h, w)[..., 0]
        foreground, background = resized(foreground, h, w), resized(background, h, w)
        solve(colors, part, foreground, background, regularization, iterations)
    return foreground, background


def unmix_on(
    device: torch.device,
    image: Image,
    alpha: Alpha,
    foreground: Image,
    background: Image,
    regularization: float,
    job: Job,
) -> tuple[Image, Image]:
    """Return the same colors, within rounding errors, computed on a torch device.

    Parameters
    ----------
    device : torch.device
    image : (H, W, C) float32, 0..1
        The picture.
    alpha : (H, W) float32, 0..1
        Its matte.
    foreground, background : (h, w, C) float32
        Colors of the first level, resized to one pixel.
    regularization : float
        Weight of smoothness.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    import torch

    from ._multilevel_torch import resized, solve

    planes = [image, alpha[..., None], foreground, background]
    mixed, part, front, back = (
        torch.from_numpy(plane).permute(2, 0, 1).to(device) for plane in planes
    )
    for h, w, iterations in _levels(alpha.shape, job):
        colors, a = resized(mixed, h, w), resized(part, h, w)
        front, back = resized(front, h, w), resized(back, h, w)
        front, back = solve(colors, a, front, back, regularization, iterations)
    return _array(front), _array(back)


def _array(picture: torch.Tensor) -> Image:
    return np.ascontiguousarray(picture.permute(1, 2, 0).cpu().numpy())
