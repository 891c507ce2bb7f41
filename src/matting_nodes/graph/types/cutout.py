"""Cutout: the whole pipeline as one node."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np

from ...arrays import check_same_size
from ...framework.parameters import Color
from ...job import Job
from ...nodes._cutout import NETWORKS
from ...nodes._cutout import cutout as cut_out
from ...nodes.composite import composite
from ..node_types import ImageBatch, MaskBatch, node_type

Finder = Literal["auto", "grabcut", *NETWORKS]  # type: ignore[valid-type]


class Pieces(NamedTuple):
    """The object without its background, over another one, and its opacity."""

    cutout: ImageBatch
    image: ImageBatch
    alpha: MaskBatch


@node_type(
    title="Cutout",
    aliases=("remove background", "background removal", "cut out", "transparent", "rembg"),
)
def cutout(
    image: ImageBatch,
    mask: MaskBatch | None = None,
    background: ImageBatch | None = None,
    *,
    network: Finder = "auto",
    color: Annotated[str, Color()] = "white",
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    job: Job,
) -> Pieces:
    """Take the object off its background: the whole pipeline in one node.

    Segment, Make Trimap, Alpha Matte, Estimate Foreground and Composite, as the separate nodes
    do it; use those to see and to correct what is between.

    Parameters
    ----------
    image : (B, H, W, C) float32, 0..1
        The pictures.
    mask : (B, H, W) float32, 0..1
        A rough mask of the object; without one it is looked for.
    background : (B, H, W, C) float32, 0..1
        What comes behind it, of any size; without one, the color.
    network : str
        Which network looks for the object. auto takes the first that is on disk and knows all
        kinds of objects, else GrabCut, and fetches nothing; one that is chosen by name is fetched.
    color : str
        What comes behind the object where no background is wired.
    device : {"auto", "cpu", "cuda", "mps"}
        Where networks compute.

    Returns
    -------
    cutout : (B, H, W, 4) float32, 0..1
        Straight colors with their opacity.
    image : (B, H, W, 3 or 4) float32, 0..1
        The object over the background.
    alpha : (B, H, W) float32, 0..1
        1 is opaque.
    """
    count, (height, width) = len(image), image.shape[1:3]
    pieces = Pieces(
        np.empty((count, height, width, 4), np.float32),
        np.empty((count, height, width, 4 if color == "transparent" else 3), np.float32),
        np.empty((count, height, width), np.float32),
    )
    for index, part in job.each(range(count)):
        given = _frame(mask, index)
        if given is not None:
            check_same_size({"image": image[index], "mask": given})
        found = cut_out(image[index][..., :3], mask=given, network=network, device=device, job=part)
        picture, alpha = found.picture, found.alpha
        pieces.cutout[index], pieces.alpha[index] = picture, alpha
        behind = _frame(background, index)
        laid = composite(
            image[index][..., :3],
            alpha,
            foreground=picture[..., :3],
            background=None if behind is None else behind[..., :3],
            color=color,
        )
        pieces.image[index] = laid[..., : pieces.image.shape[3]]
    return pieces


def _frame(batch: np.ndarray | None, index: int) -> np.ndarray | None:
    """Return a frame of a batch, whose only one serves all; None of none."""
    return None if batch is None else batch[index if len(batch) > 1 else 0]
