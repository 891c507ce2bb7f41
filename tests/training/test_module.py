"""What each network and stage learns from a batch."""

from __future__ import annotations

import pytest
import torch

from matting_nodes import networks
from matting_nodes.training.layouts import DataFolders, find_samples, pictures_in
from matting_nodes.training.parameters import checked
from matting_nodes.training.specs import TRAINING_SPECS

pytest.importorskip("lightning")

from matting_nodes.training._module import Training, classes
from matting_nodes.training._stream import SampleDataset, loader

NETWORKS = {
    "tnet": networks.TNet,
    "dim_vgg16": networks.DimVgg16,
    "dim_segnet": networks.DimSegNet,
    # As published they have hundreds of millions of parameters.
    "dim_two_vgg16": lambda: networks.DimTwoVgg16(channels=16),
    "dim_two_resnet50": lambda: networks.DimTwoResNet50(channels=16),
    "indexnet": networks.IndexNet,
    "gca": networks.GCA,
}


def test_all_recipes_are_tried():
    assert set(NETWORKS) == set(TRAINING_SPECS)


def module_and_batch(stars, name, stage="first"):
    spec = TRAINING_SPECS[name]
    given = {"augmentation": {"size": 64, "widest": 6}, "loss": {"stage": stage}}
    parameters = checked(given, spec.defaults, name)
    found = find_samples(stars, "composition1k", DataFolders(composites=1)).samples
    samples = SampleDataset(found, pictures_in(stars / "bg"), parameters.augmentation, spec, 0)
    batch = next(iter(loader(samples, [(0, 0), (0, 1)], 2, 0)))
    torch.manual_seed(0)
    return Training(NETWORKS[name](), spec, parameters), batch


@pytest.mark.parametrize("name", NETWORKS)
def test_every_part_of_every_network_learns(stars, name):
    module, batch = module_and_batch(stars, name)
    torch.stack(list(module.terms(batch).values())).sum().backward()
    for part, parameter in module.network.named_parameters():
        learns = parameter.grad is not None and bool(parameter.grad.isfinite().all())
        assert learns != part.startswith("refine_"), part


@pytest.mark.parametrize(
    ("stage", "terms"),
    [
        ("first", {"alpha", "composition"}),
        ("refinement", {"refined"}),
        ("joint", {"alpha", "composition", "refined"}),
    ],
)
def test_stages_have_their_losses(stars, stage, terms):
    module, batch = module_and_batch(stars, "dim_vgg16", stage)
    found = module.terms(batch)
    assert set(found) == terms
    sum(found.values()).backward()
    learned = {
        name.startswith("refine_")
        for name, p in module.network.named_parameters()
        if p.grad is not None
    }
    assert learned == {"first": {False}, "refinement": {True}, "joint": {False, True}}[stage]


def test_t_nets_classes_are_background_unknown_foreground():
    trimap = torch.tensor([[[[0, 128, 255, 77]]]], dtype=torch.uint8)
    assert classes(trimap).tolist() == [[[0, 1, 2, 1]]]


@pytest.mark.parametrize(
    ("step", "share"), [(0, 1 / 5000), (5000, 1), (102_500, 0.5), (200_000, 0)]
)
def test_gcas_rate_rises_then_sinks_along_a_cosine(stars, step, share):
    module, _ = module_and_batch(stars, "gca")
    assert module._share_of_rate(step) == pytest.approx(share)
