"""The whole pipeline at once: a photo becomes its object on a transparent background."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Alpha, Image, Mask, Trimap
from ..errors import ParameterError
from ..job import Job
from ..models import weights
from ..models.catalog import MODELS
from .alpha_matte import alpha_matte
from .composite import composite
from .estimate_foreground import estimate_foreground
from .make_trimap import make_trimap
from .segment import segment

GRABCUT, GIVEN = "grabcut", "mask"
NETWORKS: dict[str, dict[str, Any]] = {
    "birefnet": {"method": "birefnet", "network": "general"},
    "birefnet_hr": {"method": "birefnet", "network": "hr"},
    "birefnet_dynamic": {"method": "birefnet", "network": "dynamic"},
    "birefnet_matting": {"method": "birefnet", "network": "matting"},
    "birefnet_hr_matting": {"method": "birefnet", "network": "hr_matting"},
    "birefnet_lite": {"method": "birefnet", "network": "lite"},
    "birefnet_lite_matting": {"method": "birefnet", "network": "lite_matting"},
    "birefnet_portrait": {"method": "birefnet", "network": "portrait"},
    "ben2": {"method": "ben2"},
    "modnet": {"method": "modnet"},
    "unet_resnext50": {"method": "portrait"},
}
"""Networks that need no prompt, by their names in the catalog; Segment's parameters for each."""
PORTRAITS = ("birefnet_portrait", "modnet", "unet_resnext50")
"""Those that know people only: never taken unasked."""
MASK_BAND, NETWORK_BAND = 4.0, 1.5
"""How far the unknown band reaches to either side, in percent of the object's size: around
GrabCut's mask, and around what a network is in doubt about."""


class Cutout(NamedTuple):
    """An object without its background, and how it was found."""

    picture: NDArray[np.float32]
    """(H, W, 4), straight RGBA, 0..1."""
    alpha: Alpha
    network: str
    """The name of the network that found it, "grabcut", or "mask" where one was given."""
    foreground: Image
    """(H, W, C): the object's color, opaque."""
    background: Image
    """(H, W, C): what was behind it, as far as that can be estimated."""


def proposed() -> str:
    """Return the first network that is on disk and knows all kinds of objects, else "grabcut"."""
    there = (n for n in NETWORKS if n not in PORTRAITS and weights.find(MODELS[n]))
    return next(there, GRABCUT)


def cutout(
    image: Image,
    *,
    mask: Mask | None = None,
    network: str = "auto",
    device: str = "auto",
    job: Job | None = None,
) -> Cutout:
    """Cut the object of a photo out: Segment, Make Trimap, Alpha Matte, Estimate Foreground.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) array
        The picture, in any numbers.
    mask : (H, W) float32, 0..1, optional
        A rough mask of the object, which then is not looked for.
    network : str
        Which network finds the object: a name of `NETWORKS`, whose weights are fetched if they
        are not there; "grabcut" for none; "auto" for the first that is on disk, else GrabCut.
    device : {"auto", "cpu", "cuda", "mps"}
        Where networks compute.
    job : Job, optional
        Takes progress and cancel.

    Raises
    ------
    ParameterError
        If there is no such network.
    EmptyRegionError
        If no object, or nothing but object, is found.
    WeightsError
        If the weights are not available or do not fit.
    """
    job = job or Job()
    name = GIVEN if mask is not None else _known(network)
    trimap = cutout_trimap(image, mask=mask, network=name, device=device, job=job.part(0, 0.35))
    alpha = alpha_matte(image, trimap, job=job.part(0.35, 0.85))
    foreground, background = estimate_foreground(image, alpha, job=job.part(0.85, 0.98))
    picture = composite(
        image, alpha, foreground=foreground, color="transparent", job=job.part(0.98, 1)
    )
    return Cutout(picture, alpha, name, foreground, background)


def cutout_trimap(
    image: Image,
    *,
    mask: Mask | None = None,
    network: str = "auto",
    device: str = "auto",
    job: Job | None = None,
) -> Trimap:
    """Return a trimap of the object of a photo: Segment and Make Trimap.

    Parameters
    ----------
    image, mask, network, device, job
        As for `cutout`.

    Raises
    ------
    MattingError
        As `cutout` does.
    """
    job = job or Job()
    name = GIVEN if mask is not None else _known(network)
    if name == GRABCUT:
        mask = segment(image, job=job.part(0, 0.85))
    elif mask is None:
        mask = segment(image, soft=True, device=device, job=job.part(0, 0.85), **NETWORKS[name])
    reach = NETWORK_BAND if name in NETWORKS else MASK_BAND
    return make_trimap(mask, inner=reach, outer=reach, unit="percent", job=job.part(0.85, 1))


def _known(network: str) -> str:
    """Return the network that is meant.

    Raises
    ------
    ParameterError
    """
    name = proposed() if network == "auto" else network
    if name != GRABCUT and name not in NETWORKS:
        raise ParameterError(
            f"network is {name!r}",
            f"It is auto, {GRABCUT}, or one of {', '.join(NETWORKS)}",
            "Choose one of these",
        )
    return name
