from __future__ import annotations

import json
import subprocess
import sys
import types

import pytest
import torch

from matting_nodes.errors import ParameterError
from matting_nodes.models import catalog
from matting_nodes.models._checkpoint import fitting
from matting_nodes.models.catalog import MODELS, model

# Published in float16; as many bytes fewer.
IN_HALVES = {
    *("birefnet", "birefnet_hr", "birefnet_dynamic"),
    *("birefnet_lite_matting", "birefnet_hr_matting"),
    "refiner",
}


def test_every_network_of_the_papers_is_there():
    assert set(MODELS) >= {
        *("indexnet", "gca", "fba", "vitmatte_small", "vitmatte_base"),
        *("dim_vgg16", "dim_segnet", "dim_two_vgg16", "dim_two_resnet50"),
        *("tnet", "unet_resnext50"),
        *("sam2_tiny", "sam2_small", "sam2_base_plus", "sam2_large"),
        *("birefnet", "birefnet_lite", "birefnet_hr", "birefnet_dynamic", "birefnet_portrait"),
        *("birefnet_matting", "birefnet_lite_matting", "birefnet_hr_matting", "modnet"),
        "ben2",
        *("deeplabv3_resnet101", "deeplabv3_resnet50"),
        *("deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"),
    }


@pytest.mark.parametrize("entry", MODELS.values(), ids=lambda entry: entry.name)
def test_an_entry_says_what_a_user_must_know(entry):
    assert entry.title
    assert entry.licence
    assert entry.paper
    assert entry.task in ("segment", "make_trimap", "alpha_matte")
    assert entry.terms.startswith("NON-COMMERCIAL") == entry.non_commercial
    assert entry.source.url() or entry.source.note
    assert len(entry.sha256) in (0, 8, 64)
    assert len(entry.git_sha1) in (0, 40)


@pytest.mark.parametrize("entry", MODELS.values(), ids=lambda entry: entry.name)
def test_its_size_is_that_of_its_tensors_and_what_upstream_stores_beside_them(entry):
    if entry.name.startswith(("vitmatte", "sam2")):
        pytest.importorskip("transformers")
    with torch.device("meta"):
        state = entry.build().state_dict(keep_vars=True)
    optional = entry.optional or ("none",)
    # MODNet has its backbone under two names.
    held_once = {id(t): t.nbytes for name, t in state.items() if not name.startswith(optional)}
    held = sum(held_once.values())
    if entry.name in IN_HALVES:
        held //= 2
    # A second head and SAM 2's memory are a quarter at most; SegNet's file has its optimizer's.
    beside = 2.01 if entry.name == "dim_segnet" else 1.25
    assert held <= entry.size <= beside * held


def test_weights_trained_on_non_commercial_data_say_so():
    """The licence of Adobe's set, or of the repository, is the reason, and is told."""
    flagged = {entry.name for entry in MODELS.values() if entry.non_commercial}
    assert flagged == {
        *("indexnet", "gca", "dim_vgg16", "dim_segnet", "fba"),
        *("vitmatte_small", "vitmatte_base"),
    }
    assert all("Adobe" in MODELS[name].licence for name in flagged)
    assert all(entry.name in flagged for entry in MODELS.values() if "Adobe" in entry.licence)


def test_a_checksum_is_published_for_every_file_whose_content_is_known():
    known = {entry.name for entry in MODELS.values() if entry.sha256 or entry.git_sha1}
    by_download = {entry.name for entry in MODELS.values() if entry.source.url()}
    assert by_download - known == {"gca", "dim_vgg16", "dim_segnet", "fba", "modnet"}


def test_files_do_not_overwrite_each_other():
    files = [entry.file for entry in MODELS.values()]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize(
    "name", ["deeplabv3_resnet101", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large"]
)
def test_torchvisions_own_address_holds_our_name_and_checksum(name):
    url = model(name).source.url()
    assert url.startswith("https://download.pytorch.org/")
    assert url.endswith(f"-{model(name).sha256}.pth")


def test_hugging_face_files_are_pinned_to_a_revision():
    assert "/resolve/6a58ad7646403c1df626fbd746900aec7361ea1d/" in (
        model("vitmatte_small").source.url()
    )


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("vitmatte_small", 25.81),
        ("sam2_tiny", 31.44),
        ("lraspp_mobilenet_v3_large", 3.22),
        ("deeplabv3_mobilenet_v3_large", 11.03),
    ],
)
def test_published_architectures_have_their_published_size(name, millions):
    if name.startswith(("vitmatte", "sam2")):
        pytest.importorskip("transformers")
    network = model(name).build()
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.01)
    assert name in fitting(network.state_dict())


def test_an_unknown_model_is_refused_with_the_names_that_there_are():
    with pytest.raises(ParameterError, match=r"no model 'indexnett'.*dim_vgg16.*indexnet"):
        model("indexnett")


def test_a_model_is_registered_once_and_taken_back(register):
    register()
    with pytest.raises(ParameterError, match="already registered"):
        register()
    undo = catalog.register(catalog.Model(**vars(model("tiny")) | {"name": "tiny2"}))
    assert "tiny2" in MODELS
    undo()
    assert "tiny2" not in MODELS


def test_a_builder_as_text_is_a_class_below_networks(register, tmp_path, monkeypatch):
    """The class is imported when the network is built, and not before."""
    (tmp_path / "toy.py").write_text("import torch\nclass Toy(torch.nn.Linear): pass\n")
    home = types.ModuleType("matting_nodes.networks")
    home.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "matting_nodes.networks", home)
    entry = register(builder="toy:Toy", arguments={"in_features": 2, "out_features": 3})
    assert "matting_nodes.networks.toy" not in sys.modules
    assert entry.build().weight.shape == (3, 2)
    monkeypatch.delitem(sys.modules, "matting_nodes.networks.toy")


def test_listing_imports_and_fetches_nothing(tmp_path):
    script = (
        "import json, sys; from matting_nodes.models import weights; "
        "from matting_nodes.models.catalog import MODELS; "
        "[weights.find(m) for m in MODELS.values()]; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"MATTING_NODES_CACHE": str(tmp_path / "none"), "PYTHONPATH": ":".join(sys.path)},
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    heavy = "torch torchvision transformers safetensors filelock requests onnx cv2 scipy"
    assert not loaded & set(heavy.split())
    assert not (tmp_path / "none").exists()
