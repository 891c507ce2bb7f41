"""Deep Image Matting with two encoders: shapes, gradients, and ImageNet's weights."""

from __future__ import annotations

import pytest
import torch
import torchvision

from matting_nodes.networks import DimTwoResNet50, DimTwoVgg16
from matting_nodes.networks.dim_two_encoders import ResNetEncoder, VggEncoder


@pytest.fixture(scope="module", params=[DimTwoVgg16, DimTwoResNet50])
def network(request):
    torch.manual_seed(0)
    return request.param(channels=32)


def test_both_alphas_have_the_size_of_the_picture(network):
    with torch.no_grad():
        first, refined = network(torch.rand(2, 4, 64, 96))
    assert first.shape == refined.shape == (2, 1, 64, 96)
    assert 0 <= refined.min() < refined.max() <= 1
    assert not torch.equal(first, refined)


def test_gradients_reach_both_encoders(network):
    _, refined = network(torch.rand(2, 4, 64, 64))
    gradients = torch.autograd.grad(refined.mean(), list(network.parameters()))
    names = [name for name, _ in network.named_parameters()]
    for encoder in ("image_encoder.", "trimap_encoder."):
        reached = [
            g.abs().max() > 0
            for n, g in zip(names, gradients, strict=True)
            if n.startswith(encoder)
        ]
        assert all(reached)
        assert len(reached) > 25


def test_vgg16_of_imagenet_fits_the_first_fully_connected_layer_too():
    torch.manual_seed(0)
    theirs = torchvision.models.vgg16(weights=None).eval()
    ours = VggEncoder(3, 4096)
    ours.load_imagenet(theirs.state_dict())
    image = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        expected = theirs.classifier[:2](theirs.features(image).flatten(1))
        found = ours(image)
    assert found.shape == (1, 4096, 7, 7)
    # The kernel covers all of the 7 × 7 features where it is centered on them.
    torch.testing.assert_close(found[:, :, 3, 3], expected, rtol=1e-4, atol=1e-5)


def test_resnet50_of_imagenet_fits():
    torch.manual_seed(0)
    theirs = torchvision.models.resnet50(weights=None).eval()
    ours = ResNetEncoder(3, 8).eval()
    fc6 = ours.fc6.weight.clone()
    ours.load_imagenet(theirs.state_dict())
    image, seen = torch.rand(1, 3, 64, 64), []
    ours.fc6.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    theirs.avgpool.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        ours(image)
        theirs(image)
    torch.testing.assert_close(*seen)
    assert torch.equal(ours.fc6.weight, fc6)


def test_weights_of_something_else_are_refused():
    with pytest.raises(RuntimeError, match=r"conv1\.weight"):
        ResNetEncoder(3, 8).load_imagenet({"features.0.weight": torch.zeros(64, 3, 3, 3)})


def test_the_full_size_has_four_thousand_channels():
    with torch.device("meta"):
        network = DimTwoVgg16()
    assert network.trimap_encoder.fc6.weight.shape == (4096, 512, 7, 7)
    assert network.trimap_encoder.features[0].weight.shape == (64, 1, 3, 3)
