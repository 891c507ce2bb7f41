"""SAM 2: a network that cuts out what points and a box point at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Box, Image, Mask, Points
from ..errors import MissingInputError, ValueRangeError
from ..framework.register import method
from ..job import Job
from ..models.inputs import normalized
from ..models.parameters import Precision, Weights

if TYPE_CHECKING:
    import torch

# The network looks at squares of this side.
SIDE = 1024
# Multiply-adds for that, as `models._watch` counts them
WORK = {"tiny": 1.40e11, "small": 1.77e11, "base_plus": 3.34e11, "large": 9.49e11}


@method(
    "segment",
    title="SAM 2 (network)",
    networks=("sam2_tiny", "sam2_small", "sam2_base_plus", "sam2_large"),
)
def sam2(
    image: Image,
    box: Box | None = None,
    foreground_points: Points | None = None,
    background_points: Points | None = None,
    *,
    size: Literal["tiny", "small", "base_plus", "large"] = "tiny",
    soft: bool = False,
    weights: Weights = "",
    precision: Precision = "auto",
    device: str,
    job: Job,
) -> Mask:
    """Cut out the object that points and a box mark, by Segment Anything 2.1.

    It needs the package transformers: pip install "matting-nodes[networks]".

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    box : (left, top, right, bottom), pixels, optional
        Around the object.
    foreground_points, background_points : (N, 2) float, pixels, optional
        x and y of places on the object and beside it.
    size : {"tiny", "small", "base_plus", "large"}
        Size of the network.
    soft : bool
        Give probabilities rather than 0 and 1: for Make Trimap's soft thresholds.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    MissingInputError
        If neither a box nor a foreground point is given.
    ValueRangeError
        If a point lies outside the picture.
    WeightsError
        If the weights are not available or do not fit.
    DependencyError
        If transformers is not installed.

    Notes
    -----
    Ravi et al., "SAM 2: Segment Anything in Images and Videos", 2024 (arXiv:2408.00714), in
    transformers' implementation.
    """
    height, width = image.shape[:2]
    if box is None and foreground_points is None:
        raise MissingInputError(
            "SAM 2 got neither a box nor a foreground point",
            "It cuts out what is pointed at",
            "Draw a box around the object, or set a point on it",
        )
    prompts = scaled_prompts(height, width, box, foreground_points, background_points)
    from scipy.special import expit

    from ..models.pool import POOL
    from ..models.predict import check_finite, note_network, watched

    name = f"sam2_{size}"
    with POOL.lease(
        name, device=device, precision=precision, weights=weights, job=job.part(0, 0.2)
    ) as network:
        with watched(job.part(0.2, 1), WORK[size], "SAM 2"):
            logits = _answer(network, image, prompts)
        note_network(job, name, network)
    check_finite(name, logits)
    # Enlarged are the logits, as published: probabilities would give blurred steps.
    mask = expit(logits) if soft else logits > 0
    return mask.astype(np.float32)


def scaled_prompts(
    height: int,
    width: int,
    box: Box | None,
    foreground: Points | None,
    background: Points | None,
) -> dict[str, NDArray[Any]]:
    """Return points, their labels and the box on the network's square.

    Parameters
    ----------
    height, width : int, pixels
        Size of the picture.
    box : (left, top, right, bottom), pixels, optional
        Around the object.
    foreground, background : (N, 2) float, pixels, optional
        x and y of places on the object and beside it.

    Raises
    ------
    ValueRangeError
        If a point lies outside the picture.
    """
    scale = np.array([SIDE / width, SIDE / height])
    prompts: dict[str, NDArray[Any]] = {}
    pointed = [(p, label) for p, label in ((foreground, 1), (background, 0)) if p is not None]
    if pointed:
        points = np.concatenate([p for p, _ in pointed])
        if (points < -0.5).any() or (points >= np.array([width, height]) - 0.5).any():
            raise ValueRangeError(
                f"A point lies outside the picture of {width} × {height}",
                "Points lie in the picture",
                "Move it, or take it away",
            )
        # The network itself moves points by half a pixel, to the center.
        prompts["input_points"] = points * scale
        prompts["input_labels"] = np.concatenate([np.full(len(p), label) for p, label in pointed])
    if box is not None:
        prompts["input_boxes"] = np.array(box) * np.tile(scale, 2)
    return prompts


def _answer(network: Any, image: Image, prompts: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Return the logits of the mask that the network trusts most, (H, W).

    The picture is shrunk and the logits are enlarged as transformers' Sam2Processor does.
    """
    import torch
    from torch.nn.functional import interpolate

    where = next(network.parameters()).device

    def tensor(values: NDArray[Any]) -> torch.Tensor:
        kind = torch.int64 if values.dtype.kind == "i" else torch.float32
        return torch.from_numpy(values).to(where, kind)

    given = {name: tensor(values)[None, None] for name, values in prompts.items()}
    if "input_boxes" in given:
        given["input_boxes"] = given["input_boxes"][:, 0][:, None]
    square = interpolate(
        tensor(normalized(image))[None], (SIDE, SIDE), mode="bilinear", antialias=True
    )
    # One point leaves open what is meant: of three masks, the one that the network trusts most.
    several = prompts.get("input_labels", np.zeros(2)).size == 1 and "input_boxes" not in prompts
    with torch.inference_mode():
        answer = network(pixel_values=square, multimask_output=several, **given)
    masks, scores = answer.pred_masks[0, 0], answer.iou_scores[0, 0]
    best = masks[scores.argmax()].float()[None, None]
    enlarged = interpolate(best, image.shape[:2], mode="bilinear")[0, 0]
    logits: NDArray[np.float32] = enlarged.cpu().numpy()
    return logits
