"""Initial weights for training: a file, ImageNet weights in the encoder, or random ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ParameterError, WeightsError
from ..models import search_folders, weights
from ..models.catalog import Model
from ..networks import DimSegNet, DimTwoEncoders, DimVgg16, IndexNet, TNet
from ..networks._refinement import Refinement
from ..networks._resnet import Bottleneck
from .parameters import Run
from .specs import TrainingSpec

State = Mapping[str, Tensor]


def begin(network: nn.Module, model: Model, spec: TrainingSpec, run: Run) -> str:
    """Initialize a network, and return a description of the weights.

    Parameters
    ----------
    network : Module
        A network that has just been built.
    model : Model
        Its catalog entry.
    spec : TrainingSpec
        Names the torchvision network whose ImageNet weights fit its encoder.
    run : Run
        Its `start` and `encoder` select the weights.

    Raises
    ------
    WeightsError
        If a given file does not exist or does not fit.
    """
    torch.manual_seed(run.seed)
    network.apply(_fresh)
    if run.start:
        path = weights.fetch(model, run.start)
        weights.load_into(network, path, model)
        return str(path)
    file = _imagenet_file(spec.encoder, run.encoder)
    if file is None:
        return "random weights"
    _load_imagenet(network, torch.load(file, map_location="cpu", weights_only=True), file)
    return f"ImageNet's weights in the encoder, {file}"


def _fresh(layer: nn.Module) -> None:
    """Initialize one layer.

    He et al., ICCV 2015 (arXiv:1502.01852): the variance stays through rectifiers. Goyal et
    al., 2017 (arXiv:1706.02677): residual blocks begin as the identity.
    """
    if isinstance(layer, Bottleneck):
        last: Any = layer.bn3
        nn.init.zeros_(last.weight)
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.out_channels == 1:
            # An alpha begins near ½, where the sigmoid is steep.
            layer.weight.data.mul_(0.1)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _imagenet_file(encoder: str, wanted: str) -> Path | None:
    """Return the file of ImageNet weights that was given or that is found."""
    if wanted == "none" or not encoder:
        return None
    if wanted != "auto":
        if not Path(wanted).is_file():
            raise WeightsError(
                f"{wanted} is not a file",
                f"The encoder's weights are torchvision's of {encoder}",
                'Check the path, or write encoder = "none"',
            )
        return Path(wanted)
    folders = [*search_folders(), Path(torch.hub.get_dir()) / "checkpoints"]
    found = (path for folder in folders for path in sorted(folder.glob(f"{encoder}-*.pth")))
    return next(found, None)


def _load_imagenet(network: nn.Module, state: State, path: Path) -> None:
    try:
        if isinstance(network, DimTwoEncoders):
            network.image_encoder.load_imagenet(state)
        elif isinstance(network, TNet):
            network.backbone.feats.load_state_dict(_trunk(state))
        elif isinstance(network, DimVgg16 | DimSegNet):
            _fill(_convolutions(network), _vgg_features(state))
        elif isinstance(network, IndexNet):
            _fill(_encoder(network), _trunk(state))
    except (KeyError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{path} does not fit the encoder: {error}",
            "It must be torchvision's file of that network",
            'Get it again, or write encoder = "none"',
        ) from error


def _trunk(state: State) -> dict[str, Tensor]:
    """Drop the classifier."""
    return {
        k: v for k, v in state.items() if not k.startswith(("fc.", "classifier.", "features.18"))
    }


def _vgg_features(state: State) -> dict[str, Tensor]:
    return {k: v for k, v in state.items() if k.startswith("features.")}


def _convolutions(network: nn.Module) -> list[Tensor]:
    """Return weight and bias of the thirteen convolutions that are VGG-16's, in its order."""
    layers = [
        layer
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d) and not name.startswith("refine_")
    ]
    return [tensor for layer in layers[:13] for tensor in layer.parameters()]


def _encoder(network: IndexNet) -> list[Tensor]:
    """Return the tensors of MobileNetV2's layers, in its order."""
    layers = [getattr(network, f"layer{number}") for number in range(8)]
    return [tensor for layer in layers for tensor in layer.state_dict().values()]


@torch.no_grad()
def _fill(places: list[Tensor], state: State) -> None:
    """Copy tensors one after the other; the trimap's input channel, which ImageNet lacks, is 0."""
    for place, tensor in zip(places, state.values(), strict=True):
        if place.dim() == 4 and place.shape[1] == tensor.shape[1] + 1:
            place.zero_()
            place = place[:, : tensor.shape[1]]
        if place.shape != tensor.shape:
            raise ValueError(f"{tuple(tensor.shape)} is not {tuple(place.shape)}")
        place.copy_(tensor)


def freeze(network: nn.Module, stage: str) -> list[nn.Parameter]:
    """Freeze all parameters but those of the stage, and return these.

    Raises
    ------
    ParameterError
        If the network has no such stage.
    """
    refinement = {n for n, _ in network.named_parameters() if n.startswith("refine_")}
    if stage != "first" and not (isinstance(network, Refinement) and refinement):
        raise ParameterError(
            f"stage is {stage!r}", "This network has no refinement", 'Write stage = "first"'
        )
    for name, part in network.named_parameters():
        part.requires_grad_(stage == "joint" or (name in refinement) == (stage == "refinement"))
    return [part for part in network.parameters() if part.requires_grad]
