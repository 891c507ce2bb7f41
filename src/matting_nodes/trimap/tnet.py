"""T-Net: a network that predicts the trimap of a person from the picture alone."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ..arrays import Image, Trimap, as_rgb, trimap_from
from ..errors import EmptyRegionError, Side
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ..models.inputs import blue_first, in_8_bits, in_floats
from ..models.parameters import Precision, Recipe, Weights
from ..models.predict import predict
from ..resizing import resized, size_within


@method("make_trimap", title="T-Net (network)", networks=("tnet",))
def tnet(
    image: Image,
    *,
    longer_side: Annotated[int, Slider(64, 4096, unit="px"), Advanced()] = 400,
    cleanup: Annotated[int, Slider(0, 20, unit="px")] = 2,
    weights: Weights = "",
    precision: Precision = "auto",
    recipe: Recipe = "full",
    device: str,
    job: Job,
) -> Trimap:
    """Predict a trimap of a person from the picture, without a mask; weights by hand.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    longer_side : int, pixels
        The network looks at the picture at this size; its trimap is enlarged.
    cleanup : int, pixels
        Radius of an ellipse at that size; parts of foreground and background that it does not
        fit into become unknown.

    Returns
    -------
    (H, W) uint8, {0, 128, 255}

    Raises
    ------
    WeightsError
        If the weights are not available or do not fit.
    EmptyRegionError
        If the network finds no foreground or no background.

    Notes
    -----
    Chen et al., "Semantic Human Matting", ACM MM 2018 (arXiv:1809.01354), section 3.1. The
    published recipe resizes the picture to a square by a cubic filter in 8 bits; full keeps its
    proportions.
    """
    height, width = image.shape[:2]
    if recipe == "published":
        small = in_floats(resized(in_8_bits(image), longer_side, longer_side, "cubic"))
    else:
        small = resized(as_rgb(image), *size_within(height, width, longer_side), "area")
    logits = predict(
        "tnet",
        blue_first(small),
        np.ones(small.shape[:2], bool),
        device=device,
        precision=precision,
        weights=weights,
        tile=0,
        job=job,
    )
    classes = logits.argmax(axis=0)
    background, foreground = (_opened(classes == side, cleanup) for side in (0, 2))
    sides: dict[Side, NDArray[np.bool_]] = {"foreground": foreground, "background": background}
    for name, region in sides.items():
        if not region.any():
            raise EmptyRegionError(
                f"T-Net finds no {name}",
                "It was trained on pictures of people, and needs both sides",
                "Choose a smaller cleanup, or segment the object and use a band",
                missing=name,
            )
    return resized(trimap_from(foreground, background), height, width, "nearest")


def _opened(region: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Return the parts of a region that an ellipse of this radius fits into."""
    import cv2

    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, element)) > 0
