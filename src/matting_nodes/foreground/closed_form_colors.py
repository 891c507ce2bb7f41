"""Closed-form colors: the smoothest colors of both sides that explain the picture."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from ..arrays import Alpha, Image, as_rgb
from ..errors import MattingError
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job


@method("estimate_foreground", title="Closed form")
def closed_form_colors(
    image: Image,
    alpha: Alpha,
    *,
    regularization: Annotated[float, Slider(1e-9, 1.0), Advanced()] = 1e-5,
    job: Job,
) -> tuple[Image, Image]:
    """Solve for the smoothest foreground and background that explain the picture.

    The reference that faster methods approximate; slow.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    alpha : (H, W) float32, 0..1
        Its matte.
    regularization : float
        Weight of smoothness against I = αF + (1 − α)B.

    Returns
    -------
    foreground, background : like image

    Notes
    -----
    Levin, Lischinski and Weiss, PAMI 2008, section 7, in PyMatting's implementation.
    """
    from pymatting import estimate_foreground_cf

    if max(alpha.shape) == 1:
        # A single pixel has no neighbors.
        return image, image
    iterations = 0

    def callback(*_state: Any) -> None:
        nonlocal iterations
        iterations += 1
        # The number of iterations is not known: the bar approaches its end ever more slowly.
        job.step(1 - 0.99**iterations, message="Closed form: colors")

    try:
        colors = estimate_foreground_cf(
            as_rgb(image).astype(np.float64),
            alpha.astype(np.float64),
            regularization=regularization,
            return_background=True,
            cg_kwargs={"callback": callback},
        )
    except (ValueError, ArithmeticError) as error:
        raise MattingError(
            f"Closed form found no colors: {error}",
            "Smooth colors must explain the picture",
            "Choose a larger regularization, or multilevel",
        ) from error
    foreground, background = (part[..., : image.shape[2]].astype(np.float32) for part in colors)
    return foreground, background
