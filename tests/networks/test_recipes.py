"""The published recipes at odd sizes: each against a few lines that restate its authors' demo."""

from __future__ import annotations

import cv2
import numpy as np
import PIL.Image
import pytest
import torch
from torch.nn import functional
from torchvision.models import get_model_weights
from torchvision.transforms.functional import normalize, pad, to_tensor

from matting_nodes import alpha_matte, estimate_foreground, make_trimap, segment
from matting_nodes.models.catalog import model
from matting_nodes.networks import dim_segnet

from .conftest import ALL, MEAN, STD, image_and_trimap, rgb_and_trimap


@pytest.fixture(scope="module")
def scene():
    """A picture of 61 × 90 pixels in 8 bits, and its trimap."""
    image, trimap = image_and_trimap(61, 90)
    return np.round(255 * image).astype(np.uint8), trimap


def run(name, x):
    network = next(p for p in ALL if p.name == name).network()
    with torch.inference_mode():
        answer = network(torch.from_numpy(np.float32(x).transpose(2, 0, 1))[None])
    return answer


def alpha_of(scene, method, weights, **settings):
    image, trimap = scene
    image = image / np.float32(255)
    return alpha_matte(image, trimap, method=method, weights=weights, **settings)


def check(found, expected, trimap, tolerance=1e-3):
    unknown = trimap == 128
    assert expected[unknown].std() > 5 * tolerance, "a constant answer would prove nothing"
    np.testing.assert_allclose(found[unknown], expected[unknown], rtol=0, atol=tolerance)
    np.testing.assert_array_equal(found[~unknown], (trimap == 255)[~unknown])


def test_indexnets(checkpoint, scene):
    image, trimap = scene
    x = np.float32((image / 255 - MEAN) / STD)
    x = cv2.resize(x, (96, 64), interpolation=cv2.INTER_CUBIC)
    y = cv2.resize(trimap / np.float32(255), (96, 64), interpolation=cv2.INTER_NEAREST)
    raw = run("indexnet", np.dstack([x, y])).numpy()[0, 0]
    expected = cv2.resize(raw, (90, 61), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    # These made-up weights amplify rounding: the demo itself is 2e-3 from its result in float64.
    check(alpha_of(scene, "indexnet", checkpoint("indexnet")), expected, trimap, 3e-3)


def test_indexnets_border_is_computed_too(checkpoint):
    """Few unknown pixels, far from the rest: the filter back reads others around them."""
    image, trimap = image_and_trimap(61, 205)
    some = np.where(np.add.outer(np.arange(61), np.arange(205)) % 9 > 5, trimap, 0)
    some = np.where(np.arange(205) > 120, 0, some).astype(np.uint8)
    x = np.float32((image - MEAN) / STD)
    x = cv2.resize(x, (224, 64), interpolation=cv2.INTER_CUBIC)
    y = cv2.resize(some / np.float32(255), (224, 64), interpolation=cv2.INTER_NEAREST)
    raw = run("indexnet", np.dstack([x, y])).numpy()[0, 0]
    expected = cv2.resize(raw, (205, 61), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    found = alpha_of((255 * image, some), "indexnet", checkpoint("indexnet"))
    # These made-up weights amplify rounding a thousandfold.
    check(found, expected, some, 3e-3)


def test_gcas(checkpoint, scene):
    image, trimap = scene
    around = ((32, 35), (32, 38))
    image, marks = np.pad(image, (*around, (0, 0)), "reflect"), np.pad(trimap, around, "reflect")
    one_hot = np.dstack([marks < 85, (marks >= 85) & (marks < 170), marks >= 170])
    raw = run("gca", np.dstack([(image / 255 - MEAN) / STD, one_hot])).numpy()[0, 0]
    found = alpha_of(scene, "gca", checkpoint("gca"))
    check(found, raw[32:93, 32:122], trimap)


def test_vgg16s(checkpoint, scene):
    image, trimap = scene
    image, marks = cv2.resize(image, (64, 32)), cv2.resize(trimap, (64, 32))
    raw, _ = run("dim_vgg16", np.dstack([(image / 255 - MEAN) / STD, marks / 255]))
    expected = cv2.resize(raw.numpy()[0, 0], (90, 61))
    settings = {"network": "vgg16", "refinement": False, "recipe": "published"}
    weights = checkpoint("dim_vgg16")
    check(alpha_of(scene, "deep_image_matting", weights, **settings), expected, trimap)


def test_segnets(checkpoint, scene, monkeypatch):
    """The picture as it is: pooling drops an odd row, unpooling leaves it empty."""
    image, trimap = scene
    weights = checkpoint("dim_segnet")
    settings = {"network": "segnet", "recipe": "published"}
    found = alpha_of(scene, "deep_image_matting", weights, **settings)
    monkeypatch.setattr(
        dim_segnet, "pool", lambda x: functional.max_pool2d(x, 2, return_indices=True)
    )
    monkeypatch.setattr(
        dim_segnet,
        "unpool",
        lambda x, places, size: functional.max_unpool2d(x, places, 2, output_size=size),
    )
    network = next(p for p in ALL if p.name == "dim_segnet").network()
    with torch.inference_mode():
        raw = network(rgb_and_trimap(image / 255, trimap)[None].float())
    check(found, raw.numpy()[0, 0], trimap)


def fbas_demo(image, trimap):
    image = image / 255
    known = np.float64(np.dstack([trimap == 0, trimap == 255]))
    larger, marks = (
        cv2.resize(x, (96, 64), interpolation=cv2.INTER_LANCZOS4) for x in (image, known)
    )
    clicks = []
    for k in range(2):
        away = cv2.distanceTransform(((1 - marks[..., k]) * 255).astype(np.uint8), cv2.DIST_L2, 0)
        clicks += [np.exp(-(away**2) / (2 * (s * 320) ** 2)) for s in (0.02, 0.08, 0.16)]
    raw = run("fba", np.dstack([(larger - MEAN) / STD, *clicks, marks])).numpy()[0]
    output = cv2.resize(raw.transpose(1, 2, 0), (90, 61))
    alpha, foreground, background = output[..., 0], output[..., 1:4], output[..., 4:]
    alpha[trimap == 0], alpha[trimap == 255] = 0, 1
    foreground[alpha == 1], background[alpha == 0] = image[alpha == 1], image[alpha == 0]
    return alpha, foreground, background


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_fbas(checkpoint, scene):
    image, trimap = scene
    alpha, *colors = fbas_demo(image, trimap)
    found = alpha_of(scene, "fba", checkpoint("fba"))
    check(found, alpha, trimap)
    given = estimate_foreground(
        image / np.float32(255), found, trimap, method="fba", weights=checkpoint("fba")
    )
    unknown = trimap == 128
    for ours, theirs in zip(given, colors, strict=True):
        np.testing.assert_allclose(ours[unknown], theirs[unknown], rtol=0, atol=1e-3)


@pytest.mark.parametrize("size", [(161, 193), (193, 161)])
def test_the_portrait_networks(checkpoint, size):
    image = np.round(255 * image_and_trimap(*size)[0]).astype(np.uint8)
    small = PIL.Image.fromarray(image)
    small.thumbnail((96, 96))
    x = to_tensor(small)
    high, wide = x.shape[1] % 32, x.shape[2] % 32
    left, top, right, bottom = (wide + 1) // 2, high // 2, wide // 2, (high + 1) // 2
    x = pad(x, [left, top, right, bottom], padding_mode="reflect")
    network = next(p for p in ALL if p.name == "unet_resnext50").network()
    with torch.inference_mode():
        raw = network(normalize(x, MEAN, STD)[None])[0, 0].sigmoid().numpy()
    expected = raw[top : raw.shape[0] - bottom, left : raw.shape[1] - right]
    settings = {"recipe": "published", "longer_side": 96, "soft": True}
    weights = checkpoint("unet_resnext50")
    found = segment(image / np.float32(255), method="portrait", weights=weights, **settings)
    np.testing.assert_allclose(found, cv2.resize(expected, size[::-1]), rtol=0, atol=1e-3)


def test_torchvisions(tmp_path, scene):
    network = "lraspp_mobilenet_v3_large"
    torch.manual_seed(0)
    reference = model(network).build().eval()
    torch.save(reference.state_dict(), tmp_path / "weights.pth")
    image, _ = scene
    transforms = get_model_weights(network).DEFAULT.transforms()
    x = transforms(torch.from_numpy(image).permute(2, 0, 1))[None]
    with torch.inference_mode():
        shares = reference(x)["out"].softmax(dim=1)
        shares = functional.interpolate(shares, (61, 90), mode="bilinear")[0].numpy()
    settings = {"network": network, "recipe": "published", "soft": True}
    weights = str(tmp_path / "weights.pth")
    found = segment(image / np.float32(255), method="semantic", weights=weights, **settings)
    np.testing.assert_allclose(found, 1 - shares[0], rtol=0, atol=1e-3)


def test_tnets(checkpoint, scene):
    image, _ = scene
    x = cv2.resize(image[..., ::-1], (64, 64), interpolation=cv2.INTER_CUBIC)
    classes = run("tnet", (x - (114, 121, 134)) / 255)[0].argmax(dim=0).numpy()
    expected = cv2.resize(
        np.uint8([0, 128, 255])[classes], (90, 61), interpolation=cv2.INTER_NEAREST
    )
    settings = {"recipe": "published", "longer_side": 64, "cleanup": 0}
    weights = checkpoint("tnet")
    found = make_trimap(image=image, method="tnet", weights=weights, **settings)
    assert len(np.unique(expected)) == 3
    assert (found != expected).mean() < 1e-3


@pytest.mark.parametrize(
    ("name", "method"),
    [("indexnet", "indexnet"), ("gca", "gca"), ("dim_vgg16", "deep_image_matting")],
)
def test_full_fills_up_by_reflection_and_leaves_the_pixels_alone(checkpoint, scene, name, method):
    image, trimap = scene
    weights = checkpoint(name)
    found = alpha_of(scene, method, weights, recipe="full")
    larger = np.pad(image, ((0, 3), (0, 6), (0, 0)), "reflect")
    marks = np.pad(trimap, ((0, 3), (0, 6)), "reflect")
    expected = alpha_of((larger, marks), method, weights, recipe="full")[:61, :90]
    check(found, expected, trimap)
