"""Semantic: torchvision's networks name what every pixel is, one of 21 classes."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from ..arrays import Image, Mask, as_rgb
from ..errors import EmptyRegionError, ParameterError
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ..models.inputs import Planes, in_8_bits, in_floats, normalized
from ..models.parameters import Precision, Recipe, Weights
from ..models.predict import predict
from ..resizing import resized, size_within

# The side of a picture that torchvision's transforms give it, in pixels
SHORTER = 520

# Classes of Pascal VOC; 0 is the background.
CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat"),
    *("chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant"),
    *("sheep", "sofa", "train", "tvmonitor"),
)


@method(
    "segment",
    title="Semantic (network)",
    networks=(
        "deeplabv3_resnet101",
        "deeplabv3_resnet50",
        "deeplabv3_mobilenet_v3_large",
        "lraspp_mobilenet_v3_large",
    ),
)
def semantic(
    image: Image,
    *,
    network: Literal[
        "deeplabv3_resnet101",
        "deeplabv3_resnet50",
        "deeplabv3_mobilenet_v3_large",
        "lraspp_mobilenet_v3_large",
    ] = "deeplabv3_resnet101",
    classes: str = "any",
    soft: bool = False,
    longer_side: Annotated[int, Slider(0, 8192, unit="px"), Advanced()] = 640,
    weights: Weights = "",
    precision: Precision = "auto",
    recipe: Recipe = "full",
    device: str,
    job: Job,
) -> Mask:
    """Find people, animals and things of 20 kinds by DeepLabV3 or LR-ASPP.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    network : str
        From the most exact to the fastest.
    classes : str
        What counts as foreground: any, or some of aeroplane, bicycle, bird, boat, bottle, bus,
        car, cat, chair, cow, diningtable, dog, horse, motorbike, person, pottedplant, sheep,
        sofa, train, tvmonitor, with commas between them.
    soft : bool
        Give probabilities rather than 0 and 1: for Make Trimap's soft thresholds.
    longer_side : int, pixels
        The network looks at the picture at this size; 0 is the picture's own. It knows objects
        that are some hundred pixels large.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    ParameterError
        If there is no such class.
    EmptyRegionError
        If nothing of these classes is found.
    WeightsError
        If the weights are not available or do not fit.

    Notes
    -----
    Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017
    (arXiv:1706.05587); Howard et al., "Searching for MobileNetV3", ICCV 2019. In torchvision's
    implementation, with its weights. Published: the shorter side becomes 520 pixels, whatever
    `longer_side` says, by a linear filter with antialiasing, in 8 bits; nothing is filled up.
    """
    wanted = class_numbers(classes)
    height, width = image.shape[:2]
    if recipe == "published":
        small = _as_torchvision(image)
    else:
        size = size_within(height, width, longer_side or max(height, width))
        small = resized(as_rgb(image), *size, "area")
    logits = predict(
        network,
        normalized(small),
        np.ones(small.shape[:2], bool),
        device=device,
        precision=precision,
        weights=weights,
        tile=0,
        stride=8,
        pick=lambda network, answer: answer["out"],
        in_one_piece=recipe == "published",
        job=job,
    )
    probability: Mask = _softmax(logits)[wanted].sum(axis=0)
    mask = resized(probability, height, width, "linear").clip(0, 1)
    if not (mask > 0.5).any():
        raise EmptyRegionError(
            f"The network finds nothing of {classes} in the picture",
            f"It knows {', '.join(CLASSES[1:])}",
            "Choose other classes, or another method such as GrabCut with a box",
            missing="foreground",
        )
    return mask if soft else (mask > 0.5).astype(np.float32)


def class_numbers(classes: str) -> list[int]:
    """Return the numbers of classes that are given by name, with commas between them.

    Raises
    ------
    ParameterError
        If there is no such class.

    Examples
    --------
    >>> class_numbers("cat, dog")
    [8, 12]
    """
    names = [name.strip().lower() for name in classes.split(",")]
    if names == ["any"]:
        return list(range(1, len(CLASSES)))
    for name in names:
        if name not in CLASSES[1:]:
            raise ParameterError(
                f"classes names {name!r}",
                f"It is any, or some of {', '.join(CLASSES[1:])}, with commas between them",
                "Choose among these",
            )
    return [CLASSES.index(name) for name in names]


def _as_torchvision(image: Image) -> Image:
    """Return a picture at the size that torchvision's own transforms give it."""
    from torch import from_numpy
    from torchvision.transforms import functional

    planes = from_numpy(in_8_bits(image).transpose(2, 0, 1))
    small = functional.resize(planes, [SHORTER], antialias=True)
    return in_floats(small.permute(1, 2, 0).numpy())


def _softmax(logits: Planes) -> Planes:
    powers = np.exp(logits - logits.max(axis=0))
    shares: Planes = powers / powers.sum(axis=0)
    return shares
