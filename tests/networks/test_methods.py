"""The methods that ask a network: from a checkpoint on disk to what a node gives."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook

from matting_nodes import Cancelled, Job, alpha_matte, estimate_foreground, make_trimap, segment
from matting_nodes.errors import EmptyRegionError, MissingInputError, ParameterError, WeightsError
from matting_nodes.framework.run import run
from matting_nodes.models.catalog import model
from matting_nodes.models.inputs import normalized
from matting_nodes.models.pool import POOL
from matting_nodes.nodes import all_nodes

from .conftest import ALL, fill, image_and_trimap, rgb, rgb_and_one_hot

NODES = {spec.name: spec for spec in all_nodes()}


@pytest.fixture(scope="module")
def scene():
    return image_and_trimap(64, 96)


def golden(name, output=0):
    published = next(p for p in ALL if p.name == name)
    return published.outputs()[output][0].numpy()


METHODS = [
    ("indexnet", "indexnet", {}, 0),
    ("dim_vgg16", "deep_image_matting", {"network": "vgg16", "refinement": False}, 0),
    ("dim_vgg16", "deep_image_matting", {"network": "vgg16", "refinement": True}, 1),
    ("dim_segnet", "deep_image_matting", {"network": "segnet"}, 0),
    ("fba", "fba", {}, 0),
]


@pytest.mark.parametrize(("name", "method", "settings", "output"), METHODS)
def test_the_published_alpha_where_it_is_unknown(checkpoint, scene, name, method, settings, output):
    image, trimap = scene
    weights = checkpoint(name)
    alpha = alpha_matte(image, trimap, method=method, weights=weights, **settings)
    raw = golden(name, output).reshape(-1, 64, 96)[0]
    unknown = trimap == 128
    difference = (alpha - raw.clip(0, 1))[unknown]
    # IndexNet amplifies rounding: with these weights float32 is 3e-4 from float64 by itself.
    limit = 1e-3 if name == "indexnet" else 1e-4
    assert np.linalg.norm(difference) <= limit * np.linalg.norm(raw[unknown])
    np.testing.assert_array_equal(alpha[~unknown], (trimap == 255)[~unknown])


def test_gca_sees_a_reflected_border(checkpoint, scene):
    image, trimap = scene
    alpha = alpha_matte(image, trimap, method="gca", weights=checkpoint("gca"))
    padded = [np.pad(part, ((32, 32), (32, 32), (0, 0))[: part.ndim], "reflect") for part in scene]
    network = next(p for p in ALL if p.name == "gca").network()
    # Unknown is not reflected there: the border is no part of the picture.
    planes = rgb_and_one_hot(*padded)[None]
    with torch.no_grad():
        expected = network(planes)[0, 0, 32:-32, 32:-32].numpy()
    unknown = trimap == 128
    np.testing.assert_allclose(alpha[unknown], expected[unknown], atol=1e-4)


@pytest.mark.parametrize("size", [(61, 90), (20, 17)])
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("indexnet", "indexnet"),
        ("gca", "gca"),
        ("dim_segnet", "deep_image_matting"),
        ("fba", "fba"),
    ],
)
def test_any_size(checkpoint, name, method, size):
    image, trimap = image_and_trimap(*size)
    settings = {"network": name.removeprefix("dim_")} if name.startswith("dim") else {}
    weights = checkpoint(name)
    alpha = alpha_matte(image, trimap, method=method, weights=weights, **settings)
    assert alpha.shape == size
    assert np.isfinite(alpha).all()
    np.testing.assert_array_equal(alpha[trimap == 255], 1)
    np.testing.assert_array_equal(alpha[trimap == 0], 0)


def test_fbas_colors_are_its_own_where_unknown_and_the_pictures_elsewhere(checkpoint, scene):
    image, trimap = scene
    colors = estimate_foreground(
        image, trimap / np.float32(255), trimap, method="fba", weights=checkpoint("fba")
    )
    unknown = trimap == 128
    expected = golden("fba").reshape(7, 64, 96)
    # As its authors' demo has it: F is the picture where alpha is 1, and B where it is 0.
    pictures = image.transpose(2, 0, 1)
    for found, part, value in zip(colors, (slice(1, 4), slice(4, 7)), (1, 0), strict=True):
        planes = np.where(expected[0] == value, pictures, expected[part])
        np.testing.assert_allclose(found[unknown], planes[:, unknown].T, atol=1e-4)
        np.testing.assert_array_equal(found[~unknown], image[~unknown])


def test_where_nothing_is_unknown_fbas_colors_are_the_pictures(checkpoint, scene):
    image, trimap = scene
    known = np.where(trimap == 128, 0, trimap).astype(np.uint8)
    alpha = known / np.float32(255)
    for found in estimate_foreground(image, alpha, known, method="fba", weights=checkpoint("fba")):
        np.testing.assert_array_equal(found, image)


def test_fba_needs_the_trimap(scene):
    with pytest.raises(MissingInputError, match="got no trimap"):
        estimate_foreground(scene[0], scene[1] / np.float32(255), method="fba")


def test_tnet_draws_the_class_of_every_pixel(checkpoint, scene):
    trimap = make_trimap(image=scene[0], method="tnet", cleanup=0, weights=checkpoint("tnet"))
    classes = golden("tnet").argmax(axis=0)
    np.testing.assert_array_equal(trimap, np.uint8([0, 128, 255])[classes])


def test_tnets_cleanup_leaves_only_what_an_ellipse_fits_into(checkpoint, scene):
    weights = checkpoint("tnet")
    plain = make_trimap(image=scene[0], method="tnet", cleanup=0, weights=weights)
    cleaned = make_trimap(image=scene[0], method="tnet", cleanup=1, weights=weights)
    assert ((cleaned == plain) | (cleaned == 128)).all()
    assert (cleaned == 128).sum() > (plain == 128).sum()
    with pytest.raises(EmptyRegionError, match="T-Net finds no"):
        make_trimap(image=scene[0], method="tnet", cleanup=20, weights=weights)


def test_tnet_looks_at_a_smaller_picture_and_enlarges_its_trimap(checkpoint, scene):
    settings = {"method": "tnet", "cleanup": 0, "weights": checkpoint("tnet")}
    small = make_trimap(image=scene[0], **settings)
    doubled = np.repeat(np.repeat(scene[0], 2, 0), 2, 1)
    large = make_trimap(image=doubled, longer_side=96, **settings)
    np.testing.assert_array_equal(large, np.repeat(np.repeat(small, 2, 0), 2, 1))


def test_the_portrait_network_gives_its_probabilities(checkpoint, scene):
    weights = checkpoint("unet_resnext50")
    soft = segment(scene[0], method="portrait", soft=True, weights=weights)
    expected = 1 / (1 + np.exp(-golden("unet_resnext50").reshape(64, 96).astype(np.float64)))
    np.testing.assert_allclose(soft, expected, atol=1e-4)
    hard = segment(scene[0], method="portrait", weights=weights)
    np.testing.assert_array_equal(hard, soft > 0.5)


@pytest.mark.parametrize("network", ["deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"])
def test_semantic_classes_are_torchvisions(tmp_path, scene, network):
    torch.manual_seed(0)
    reference = model(network).build().eval()
    torch.save(reference.state_dict(), tmp_path / "weights.pth")
    image = scene[0]
    with torch.no_grad():
        shares = reference(rgb(*scene)[None].float())["out"][0].softmax(dim=0).numpy()
    settings = {"method": "semantic", "network": network, "weights": str(tmp_path / "weights.pth")}
    anything = segment(image, soft=True, **settings)
    np.testing.assert_allclose(anything, 1 - shares[0], atol=1e-4)
    np.testing.assert_array_equal(segment(image, **settings), anything > 0.5)


def test_an_unknown_class_is_refused_with_those_that_there_are(scene):
    with pytest.raises(ParameterError, match=r"'unicorn'.*aeroplane"):
        segment(scene[0], method="semantic", classes="person, unicorn")


def test_the_provenance_names_model_checksum_and_tile(checkpoint, scene):
    weights = checkpoint("indexnet")
    image, trimap = scene
    settings = {"method": "indexnet", "weights": weights}
    provenance = run(NODES["alpha_matte"], {"image": image, "trimap": trimap}, settings).provenance
    assert provenance["model"] == "indexnet"
    assert provenance["tile"] == 0
    assert provenance["device"] == "cpu"
    assert provenance["checksum"] == hashlib.sha256(Path(weights).read_bytes()).hexdigest()


def test_gca_overflows_float16_with_fresh_weights_and_says_so(tmp_path, scene):
    torch.manual_seed(0)
    torch.save(model("gca").build().state_dict(), tmp_path / "weights.pth")
    inputs = dict(zip(("image", "trimap"), scene, strict=True))
    settings = {"method": "gca", "weights": str(tmp_path / "weights.pth")}
    told = []
    job = Job(lambda _, message: told.append(message))
    exact = run(NODES["alpha_matte"], inputs, settings)
    rough = run(NODES["alpha_matte"], inputs, settings | {"precision": "fp16"}, job)
    np.testing.assert_allclose(rough.values["alpha"], exact.values["alpha"], atol=1e-3)
    (notice,) = rough.provenance["notices"]
    assert notice == "The network's values overflow float16: computed in float32"
    assert notice in told
    assert exact.provenance["notices"] == []


def test_weights_that_give_no_numbers_are_refused(tmp_path, scene):
    network = model("indexnet").build()
    with torch.no_grad():
        network.pred[1].weight[0, 0, 2, 2] = torch.nan
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match=r"IndexNet Matting gave .* NaN or infinite"):
        alpha_matte(*scene, method="indexnet", weights=str(tmp_path / "weights.pth"))


def test_a_cancel_is_heard_in_the_middle_of_a_network(checkpoint, scene):
    """Of a run of some hundred layers only a part is done."""
    weights, done = checkpoint("gca"), []
    counted = register_module_forward_hook(lambda *_: done.append(1))
    try:
        alpha_matte(*scene, method="gca", weights=weights)
        all_of_them = len(done)
        done.clear()
        job = Job(cancelled=lambda: len(done) > all_of_them / 3)
        with pytest.raises(Cancelled):
            alpha_matte(*scene, method="gca", weights=weights, job=job)
        assert len(done) < all_of_them * 0.9
    finally:
        counted.remove()


def test_a_cancel_does_not_wait_for_the_preparation(monkeypatch, scene):
    """Nor for any operation that takes long: here one that does not end before the cancel."""
    entered, end = threading.Event(), threading.Event()

    def slow(image):
        entered.set()
        end.wait(60)
        return normalized(image)

    monkeypatch.setattr("matting_nodes.alpha.indexnet.normalized", slow)
    try:
        with pytest.raises(Cancelled):
            alpha_matte(*scene, method="indexnet", job=Job(cancelled=entered.is_set))
        assert not end.is_set()
    finally:
        end.set()


def test_a_second_call_loads_nothing(checkpoint, scene):
    POOL.free()  # of what other tests have loaded
    weights = checkpoint("indexnet")
    said = []
    for _ in range(2):
        said.append([])
        job = Job(lambda fraction, message: said[-1].append(message))
        alpha_matte(*scene, method="indexnet", weights=weights, job=job)
    assert not any("load" in message for message in said[1])
    assert [name for name, *_ in POOL.held()].count("indexnet") == 1


@pytest.fixture(scope="module")
def transformers():
    return pytest.importorskip("transformers")


def test_near_is_how_far_vitmattes_decoder_sees(transformers, made_up, finished_apart):
    network = made_up(model("vitmatte_small").build())
    enough, too_little = finished_apart(network, torch.rand(1, 4, 32, 256))
    assert enough < 1e-5
    assert too_little > 1e-5


@pytest.mark.parametrize("at_once", [1, 2**24], ids=["row by row", "all rows"])
def test_vitmatte_is_transformers(transformers, made_up, tmp_path, scene, at_once, monkeypatch):
    """Also where the sides are no multiples of 32: its own preparation fills up with zeros.

    The mean and deviation are not its own but those of the authors' configs/common/model.py: the
    script that made its weights of theirs renames them and changes none.
    """
    from transformers import VitMatteForImageMatting, VitMatteImageProcessor

    from matting_nodes.models import _attention

    monkeypatch.setattr(_attention, "AT_ONCE", at_once)
    reference = made_up(VitMatteForImageMatting(model("vitmatte_small").build().config))
    torch.save(reference.state_dict(), tmp_path / "weights.pth")
    image, trimap = (part[:50, :70] for part in scene)
    processor = VitMatteImageProcessor(
        image_mean=[123.675 / 255, 116.280 / 255, 103.530 / 255],
        image_std=[58.395 / 255, 57.120 / 255, 57.375 / 255],
    )
    prepared = processor(image, trimap, do_rescale=False, return_tensors="pt")
    # The processor rescales both or neither; the trimap comes in 0..255.
    prepared["pixel_values"][:, 3:] /= 255
    with torch.no_grad():
        expected = reference(**prepared).alphas[0, 0, :50, :70].numpy()
    alpha = alpha_matte(image, trimap, method="vitmatte", weights=str(tmp_path / "weights.pth"))
    unknown = trimap == 128
    np.testing.assert_allclose(alpha[unknown], expected[unknown], atol=1e-4)


@pytest.mark.parametrize(
    "prompts",
    [
        {"foreground_points": [[830.0, 420.0]]},
        {
            "box": (200, 150, 1100, 900),
            "foreground_points": [[830.0, 420.0], [500.0, 400.0]],
            "background_points": [[5.0, 5.0]],
        },
    ],
    ids=["a point", "a box and points"],
)
def test_sam2_is_transformers_from_its_processor_to_its_masks(sam2_weights, lemur, prompts):
    """On a picture larger than the network's square and full of hairs, which must be shrunk."""
    from transformers import Sam2ImageProcessor, Sam2Processor

    from matting_nodes import Prompts

    image = np.kron(lemur[100:380, 100:440], np.ones((4, 4, 1), np.float32))
    image[::2] *= 0.8
    reference, path = sam2_weights
    processor = Sam2Processor(Sam2ImageProcessor())
    points = [*prompts["foreground_points"], *prompts.get("background_points", [])]
    labels = [1] * len(prompts["foreground_points"]) + [0] * len(
        prompts.get("background_points", [])
    )
    prepared = processor(
        images=torch.from_numpy(image).permute(2, 0, 1),
        input_points=[[points]],
        input_labels=[[labels]],
        input_boxes=[[list(prompts["box"])]] if "box" in prompts else None,
        do_rescale=False,
        return_tensors="pt",
    )
    sizes = prepared.pop("original_sizes")
    with torch.no_grad():
        answer = reference(**prepared, multimask_output="box" not in prompts)
    masks = processor.post_process_masks(answer.pred_masks, sizes, binarize=False)
    logits = masks[0][0, answer.iou_scores[0, 0].argmax()]
    assert logits.sigmoid().std() > 0.05
    soft = "box" not in prompts
    mask = segment(image, prompts=Prompts(**prompts), method="sam2", weights=path, soft=soft)
    if soft:
        np.testing.assert_allclose(mask, logits.sigmoid().numpy(), atol=1e-3)
    else:
        assert ((mask > 0) == (logits > 0).numpy()).mean() > 0.999


@pytest.fixture(scope="module")
def sam2_weights(transformers, tmp_path_factory):
    reference = model("sam2_tiny").build().eval()
    state = reference.state_dict()
    reference.load_state_dict(fill({name: list(value.shape) for name, value in state.items()}))
    path = tmp_path_factory.mktemp("sam2") / "weights.pth"
    torch.save(reference.state_dict(), path)
    yield reference, str(path)
    POOL.free()
    path.unlink()


def test_sam2_needs_something_to_point_at(scene):
    with pytest.raises(MissingInputError, match="neither a box nor a foreground point"):
        segment(scene[0], method="sam2")
