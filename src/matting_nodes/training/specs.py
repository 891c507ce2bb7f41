"""How each network of the catalog is trained: its inputs and its published parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Image, Trimap
from ..errors import ParameterError
from ..models.inputs import Planes, blue_first, grey_trimap, normalized, one_hot_trimap


@dataclass(frozen=True)
class TrainingSpec:
    """How a network is trained.

    Parameters
    ----------
    planes : callable(image, trimap) -> (C, H, W) float32
        The network's input, the same as at inference.
    defaults : mapping
        Its authors' parameters, table by table, where they differ from the general defaults.
    predicts_trimap : bool
        Whether its output is the logits of a trimap rather than an alpha.
    encoder : str
        The torchvision network whose ImageNet weights fit its encoder; empty if there is none.
    """

    planes: Callable[[Image, Trimap], Planes]
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    predicts_trimap: bool = False
    encoder: str = ""


def _picture(image: Image, trimap: Trimap) -> Planes:
    return blue_first(image)


def _picture_and_trimap(image: Image, trimap: Trimap) -> Planes:
    return np.concatenate([normalized(image), grey_trimap(trimap)])


def _picture_and_regions(image: Image, trimap: Trimap) -> Planes:
    return np.concatenate([normalized(image), one_hot_trimap(trimap)])


_DIM: Mapping[str, Mapping[str, Any]] = {
    "loss": {"alpha": 0.5, "composition": 0.5},
    "optimizer": {"learning_rate": 1e-5},
}

TRAINING_SPECS: Mapping[str, TrainingSpec] = {
    # github.com/lizhengwei1992/Semantic_Human_Matting and its pre-training of T-Net
    "tnet": TrainingSpec(
        _picture,
        {
            "augmentation": {"size": 400},
            "optimizer": {"learning_rate": 1e-4, "weight_decay": 5e-4},
            "run": {"batch": 8},
        },
        predicts_trimap=True,
        encoder="resnet50",
    ),
    "dim_vgg16": TrainingSpec(_picture_and_trimap, _DIM, encoder="vgg16"),
    "dim_segnet": TrainingSpec(_picture_and_trimap, _DIM, encoder="vgg16"),
    "dim_two_vgg16": TrainingSpec(_picture_and_trimap, _DIM, encoder="vgg16"),
    "dim_two_resnet50": TrainingSpec(_picture_and_trimap, _DIM, encoder="resnet50"),
    "indexnet": TrainingSpec(
        _picture_and_trimap,
        # The authors use 0.01, and a hundredth of it for the encoder; here there is one rate.
        {
            "loss": {"alpha": 0.5, "composition": 0.5},
            "optimizer": {"learning_rate": 1e-3},
            "run": {"batch": 16},
        },
        encoder="mobilenet_v2",
    ),
    "gca": TrainingSpec(
        _picture_and_regions,
        {
            "augmentation": {"size": 512, "joined": 0.5},
            "optimizer": {
                "learning_rate": 4e-4,
                "first_moment": 0.5,
                "schedule": "cosine",
                "warmup": 5000,
            },
            "run": {"steps": 200_000, "batch": 40},
        },
    ),
}


def training_spec(network: str) -> TrainingSpec:
    """Return how a network is trained.

    Raises
    ------
    ParameterError
        If the network cannot be trained.
    """
    if network not in TRAINING_SPECS:
        raise ParameterError(
            f"{network!r} cannot be trained",
            f"These can: {', '.join(TRAINING_SPECS)}",
            "Choose one",
        )
    return TRAINING_SPECS[network]
