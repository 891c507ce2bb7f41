"""Shared sampling: the pair of known colors that explains a pixel best."""

from __future__ import annotations

from ..arrays import Alpha, Image, Trimap
from ..framework.register import method
from ..job import Job
from ._pymatting import estimate

TITLE = "Shared sampling"


@method("alpha_matte", title=TITLE)
def shared_sampling(image: Image, trimap: Trimap, *, job: Job) -> Alpha:
    """Explain each pixel by the best pair of a foreground and a background color nearby.

    Fast, and good where both sides have clear colors.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture, at least 3 × 3 pixels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.

    Returns
    -------
    (H, W) float32, 0..1

    Notes
    -----
    Gastal and Oliveira, "Shared Sampling for Real-Time Alpha Matting", Eurographics 2010, in
    PyMatting's implementation.
    """
    return estimate("sm", TITLE, image, trimap, job)
