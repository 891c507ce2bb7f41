"""Encoders begin with the numbers of torchvision's networks: made up here, but in their files."""

from __future__ import annotations

import pytest
import torch
from torchvision import models

from matting_nodes.errors import ParameterError, WeightsError
from matting_nodes.models.catalog import model
from matting_nodes.training._start import begin, freeze
from matting_nodes.training.parameters import Run
from matting_nodes.training.specs import training_spec


@pytest.fixture
def imagenet(tmp_path):
    """Writes a file of torchvision's network with random numbers."""

    def write(name):
        torch.manual_seed(3)
        network = getattr(models, name)(weights=None)
        # Without VGG's classifier, which is nine tenths of it.
        state = {k: v for k, v in network.state_dict().items() if not k.startswith("classifier")}
        path = tmp_path / f"{name}-0123abcd.pth"
        torch.save(state, path)
        return path, state

    return write


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("tnet", "backbone.feats.layer3.2.conv2.weight", "layer3.2.conv2.weight"),
        ("dim_vgg16", "conv3_2.weight", "features.12.weight"),
        ("dim_segnet", "down3.conv2.cbr_unit.0.weight", "features.12.weight"),
        ("indexnet", "layer2.1.conv.3.weight", "features.3.conv.1.0.weight"),
    ],
)
def test_an_encoder_takes_imagenets_weights(imagenet, name, ours, theirs):
    path, state = imagenet(training_spec(name).encoder)
    network = model(name).build()
    told = begin(network, model(name), training_spec(name), Run(encoder=str(path)))
    assert str(path) in told
    assert torch.equal(network.state_dict()[ours], state[theirs])


def test_the_trimaps_channel_begins_at_0(imagenet):
    path, state = imagenet("vgg16")
    network = model("dim_vgg16").build()
    begin(network, model("dim_vgg16"), training_spec("dim_vgg16"), Run(encoder=str(path)))
    first = network.state_dict()["conv1_1.weight"]
    assert torch.equal(first[:, :3], state["features.0.weight"])
    assert not first[:, 3].any()


def test_auto_finds_the_file_in_the_model_folder_or_begins_at_random(imagenet, monkeypatch):
    path, state = imagenet("mobilenet_v2")
    for folder, found in ((path.parent, True), (path.parent / "empty", False)):
        monkeypatch.setenv("MATTING_NODES_CACHE", str(folder))
        monkeypatch.setenv("TORCH_HOME", str(path.parent / "none"))
        network = model("indexnet").build()
        told = begin(network, model("indexnet"), training_spec("indexnet"), Run())
        assert (str(path) in told) == found
        taken = torch.equal(
            network.state_dict()["layer0.0.weight"][:, :3], state["features.0.0.weight"]
        )
        assert taken == found


def test_another_networks_file_is_refused(imagenet):
    path, _ = imagenet("mobilenet_v2")
    network = model("dim_vgg16").build()
    with pytest.raises(WeightsError, match="does not fit the encoder"):
        begin(network, model("dim_vgg16"), training_spec("dim_vgg16"), Run(encoder=str(path)))
    with pytest.raises(WeightsError, match=r"no\.pth is not a file"):
        begin(network, model("dim_vgg16"), training_spec("dim_vgg16"), Run(encoder="no.pth"))


def test_random_weights_depend_on_the_seed_alone():
    def weights(seed):
        torch.rand(seed + 1)
        network = model("indexnet").build()
        begin(network, model("indexnet"), training_spec("indexnet"), Run(seed=seed, encoder="none"))
        return network.state_dict()["layer3.0.conv.0.weight"]

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_random_weights_carry_signals_through_the_plain_stack():
    """torch's own would fade: VGG-16 has no norms."""
    network = model("dim_vgg16").build()
    begin(network, model("dim_vgg16"), training_spec("dim_vgg16"), Run(encoder="none"))
    torch.manual_seed(0)
    with torch.no_grad():
        alpha = network(torch.randn(1, 4, 64, 64))[0]
    assert 0.01 < float(alpha.std()) < 0.4


def test_stages_train_their_own_part():
    network = model("dim_vgg16").build()
    names = {id(part): name for name, part in network.named_parameters()}

    def trained(stage):
        return {names[id(part)].startswith("refine_") for part in freeze(network, stage)}

    assert trained("first") == {False}
    assert trained("refinement") == {True}
    assert trained("joint") == {False, True}
    with pytest.raises(ParameterError, match="has no refinement"):
        freeze(model("indexnet").build(), "joint")
