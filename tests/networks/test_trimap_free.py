"""BiRefNet, MODNet and BEN2 give what their authors' modules gave with the same made-up weights."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from torchvision.ops import deform_conv2d

from matting_nodes import Job, alpha_matte, segment
from matting_nodes.errors import WeightsError
from matting_nodes.models.catalog import MODELS
from matting_nodes.models.pool import POOL
from matting_nodes.networks import BEN2, BiRefNet, MODNet
from matting_nodes.networks.birefnet import DeformableConvolution

from .conftest import GOLDEN, fill, image_and_trimap, rgb

SHARED = "lr_branch."
"""MODNet's files hold its backbone a second time, under this."""


def keys(name):
    return json.loads((GOLDEN / f"{name}_keys.json").read_text())


def golden(name, array):
    with np.load(GOLDEN / f"{name}_seed0.npz") as arrays:
        return torch.from_numpy(arrays[array])


@pytest.fixture(scope="module")
def birefnet():
    """The lite network and its weights; the index of relative positions is the module's own."""
    network = BiRefNet("tiny").eval()
    index = {k: v for k, v in network.state_dict().items() if k.endswith("position_index")}
    return network, fill(keys("birefnet_lite"), bn=(0.7, 1.3)) | index


@pytest.mark.parametrize(("array", "columns"), [("logits", False), ("logits_columns", True)])
def test_birefnet_gives_the_published_logits_in_either_order_of_patches(
    birefnet, array, columns, relative_error
):
    network, state = birefnet
    network.load_state_dict(state, strict=True)
    with torch.no_grad():
        logits = network(rgb(*image_and_trimap(128, 160))[None], columns)
    assert relative_error(logits, golden("birefnet_lite", array)) < 1e-4


def test_the_large_birefnet_has_the_published_tensors():
    with torch.device("meta"):
        shapes = {k: list(v.shape) for k, v in BiRefNet("large").state_dict().items()}
    assert shapes == keys("birefnet")


@pytest.fixture(scope="module")
def modnet_state():
    shapes = keys("modnet")
    state = fill({k: v for k, v in shapes.items() if not k.startswith(f"{SHARED}backbone.")})
    return state | {k: state[k.removeprefix(SHARED)] for k in shapes if k not in state}


@pytest.fixture(scope="module")
def files(birefnet, modnet_state, tmp_path_factory):
    """Files of weights as they are published."""
    folder = tmp_path_factory.mktemp("weights")
    torch.save(birefnet[1], folder / "birefnet.pth")
    torch.save({f"module.{k}": v for k, v in modnet_state.items()}, folder / "modnet.ckpt")
    yield {path.stem: str(path) for path in folder.iterdir()}
    POOL.free()


def test_modnet_gives_the_published_matte(modnet_state, relative_error):
    network = MODNet().eval()
    network.load_state_dict(modnet_state, strict=True)
    image = image_and_trimap(128, 160)[0]
    with torch.no_grad():
        matte = network(torch.from_numpy((image - 0.5) / 0.5).permute(2, 0, 1)[None])
    assert relative_error(matte, golden("modnet", "raw")) < 1e-4


def test_segment_by_modnet_gives_the_published_matte(files):
    image = image_and_trimap(128, 160)[0]
    given = {"method": "modnet", "weights": files["modnet"], "shorter_side": 128}
    soft = segment(image, soft=True, recipe="full", **given)
    np.testing.assert_allclose(soft, golden("modnet", "raw")[0, 0].numpy(), atol=1e-4)
    # The published recipe rounds to 8 bits.
    np.testing.assert_allclose(segment(image, soft=True, **given), soft, atol=0.03)
    np.testing.assert_array_equal(segment(image, recipe="full", **given), soft > 0.5)


@pytest.mark.parametrize("columns", [False, True])
def test_segment_by_birefnet_squashes_the_picture_and_brings_the_mask_back(
    birefnet, files, columns
):
    image = (image_and_trimap(40, 90)[0] * 255).round() / np.float32(255)
    small = Pillow.fromarray((image * 255).astype(np.uint8)).resize((64, 64), Pillow.BILINEAR)
    network, state = birefnet
    network.load_state_dict(state)
    with torch.no_grad():
        logits = network(rgb(np.asarray(small) / np.float32(255), None)[None], columns)
    mask = Pillow.fromarray(logits[0, 0].sigmoid().numpy()).resize((90, 40), Pillow.BICUBIC)
    soft = segment(
        image,
        method="birefnet",
        network="lite",
        soft=True,
        side=64,
        patch_order="columns" if columns else "rows",
        weights=files["birefnet"],
    )
    np.testing.assert_allclose(soft, np.asarray(mask).clip(0, 1), atol=1e-3)


def test_where_the_order_of_patches_is_not_known_both_are_tried(files):
    image = image_and_trimap(64, 64)[0]
    given = {"method": "birefnet", "network": "lite", "soft": True, "side": 64}
    given |= {"weights": files["birefnet"]}
    told = []
    job = Job(lambda _, message: told.append(message))
    found = segment(image, patch_order="check", job=job, **given)
    by_order = [segment(image, patch_order=order, **given) for order in ("columns", "rows")]
    doubts = [((mask > 0.1) & (mask < 0.9)).mean() for mask in by_order]
    np.testing.assert_array_equal(found, by_order[int(np.argmin(doubts))])
    assert any("two orders of patches differ by" in message for message in told)


def test_alpha_matte_needs_no_trimap_and_keeps_what_one_says(files):
    image, trimap = image_and_trimap(64, 96)
    by = {
        "modnet": {"weights": files["modnet"], "shorter_side": 64},
        "birefnet": {"network": "lite_matting", "weights": files["birefnet"], "side": 64},
    }
    for method, given in by.items():
        network = {"network": "lite_matting"} if method == "birefnet" else {}
        whole = alpha_matte(image, method=method, **given)
        soft = segment(image, method=method, soft=True, **(given | network))
        np.testing.assert_array_equal(whole, soft)
        guided = alpha_matte(image, trimap, method=method, **given)
        unknown = trimap == 128
        np.testing.assert_array_equal(guided[unknown], whole[unknown])
        np.testing.assert_array_equal(guided[~unknown], (trimap == 255)[~unknown])
        assert not np.array_equal(guided, whole)


def test_a_lite_file_does_not_fit_the_large_network(files):
    with pytest.raises(WeightsError, match=r"does not fit BiRefNet.*looks like birefnet_lite"):
        segment(image_and_trimap(32, 32)[0], method="birefnet", side=32, weights=files["birefnet"])


@pytest.mark.parametrize("shape", [(1, 1), (3, 300)])
def test_a_picture_of_any_shape(files, shape):
    image = image_and_trimap(*shape)[0]
    given = {"method": "modnet", "weights": files["modnet"], "shorter_side": 32}
    for recipe in ("published", "full"):
        assert segment(image, recipe=recipe, **given).shape == shape


@pytest.mark.parametrize("offset", [1e30, float("inf"), float("nan")])
def test_an_offset_without_end_reads_nothing(offset):
    """Beyond the picture all is 0; what is no number shows in the result."""
    layer = DeformableConvolution(2, 3, 7)
    torch.nn.init.constant_(layer.offset_conv.bias, offset)
    with torch.no_grad():
        result = layer(torch.rand(1, 2, 9, 8))
    assert result.isnan().all() if math.isnan(offset) else (result == 0).all()


@pytest.mark.parametrize("offset", [-13.4, -3.5, 0.0, 2.25, 12.0])
def test_offsets_within_reach_are_taken_as_they_are(offset):
    layer = DeformableConvolution(2, 3, 7)
    torch.nn.init.constant_(layer.offset_conv.bias, offset)
    x = torch.rand(1, 2, 3, 2)
    moved, ones = torch.full((1, 98, 3, 2), offset), torch.ones(1, 49, 3, 2)
    with torch.no_grad():
        expected = deform_conv2d(x, moved, layer.regular_conv.weight, padding=3, mask=ones)
        torch.testing.assert_close(layer(x), expected, rtol=0, atol=0)


@pytest.fixture(scope="module")
def ben2():
    """BEN2 and its weights; the index of relative positions is the module's own."""
    network = BEN2().eval()
    state = network.state_dict()
    index = {k: v for k, v in state.items() if k.endswith("position_index")}
    shapes = {k: list(v.shape) for k, v in state.items()}
    assert shapes == keys("ben2")
    made_up = {k: shape for k, shape in shapes.items() if k not in index}
    network.load_state_dict(fill(made_up, bn=(0.7, 1.3)) | index)
    return network


def test_ben2_gives_the_published_logits(ben2, relative_error):
    with torch.no_grad():
        logits = ben2(rgb(*image_and_trimap(384, 512))[None])
    assert relative_error(logits[..., ::4, ::4], golden("ben2", "every_4th_logit")) < 1e-4


def test_segment_by_ben2_is_the_published_recipe(ben2, tmp_path, monkeypatch):
    """A square by Lanczos' filter, the matte back by the linear one and stretched to 0..1."""
    monkeypatch.setitem(MODELS, "ben2", replace(MODELS["ben2"], side=512))
    # So large that progress is by the work done.
    image = (image_and_trimap(90, 120)[0] * 255).round() / np.float32(255)
    torch.save({"model_state_dict": ben2.state_dict()}, tmp_path / "BEN2_Base.pth")
    picture = Pillow.fromarray((image * 255).round().astype(np.uint8))
    square = np.asarray(picture.resize((512, 512), Pillow.LANCZOS)) / np.float32(255)
    with torch.no_grad():
        matte = ben2(rgb(square, None)[None]).sigmoid()
    matte = torch.nn.functional.interpolate(matte, (90, 120), mode="bilinear")[0, 0].numpy()
    expected = (matte - matte.min()) / (matte.max() - matte.min())
    soft = segment(image, method="ben2", soft=True, weights=str(tmp_path / "BEN2_Base.pth"))
    POOL.free()
    np.testing.assert_allclose(soft, expected, atol=1e-4)
