"""Reading checkpoints: every form that is published, and every way they can be wrong."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from matting_nodes.errors import WeightsError
from matting_nodes.models.catalog import model
from matting_nodes.models.weights import load_into, load_state

from .conftest import tiny_network


def prefixed(state):
    return {f"module.{name}": tensor for name, tensor in state.items()}


FORMS = {
    "bare": lambda state, path: torch.save(state, path),
    "prefixed": lambda state, path: torch.save(prefixed(state), path),
    "entry": lambda state, path: torch.save({"epoch": 3, "state_dict": prefixed(state)}, path),
    "own entry": lambda state, path: torch.save({"net": state, "model": {}}, path),
    "old format": lambda state, path: torch.save(
        {"state_dict": state}, path, _use_new_zipfile_serialization=False
    ),
    "safetensors": lambda state, path: save_file(state, path),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_network_back(register, network, tmp_path, form):
    path = tmp_path / "weights"
    FORMS[form](network.state_dict(), path)
    other = tiny_network(seed=1)
    load_into(other, path, register(state_key="net" if form == "own entry" else ""))
    picture = torch.rand(1, 4, 16, 16)
    assert torch.equal(other(picture), network(picture))


def test_parts_that_the_catalog_ignores_are_left_out(register, network, tmp_path):
    extra = network.state_dict() | {"auxiliary.weight": torch.zeros(3)}
    torch.save(extra, tmp_path / "a.pth")
    load_into(tiny_network(1), tmp_path / "a.pth", register(ignored=("auxiliary.",)))


def test_torchvisions_checkpoints_fit_although_they_hold_a_second_head(tmp_path):
    """With weights=None and saved here, as torchvision's own are: aux_loss, then saved."""
    from torchvision.models.segmentation import deeplabv3_mobilenet_v3_large

    torch.manual_seed(0)
    published = deeplabv3_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=21, aux_loss=True
    ).eval()
    torch.save(published.state_dict(), tmp_path / "a.pth")
    entry = model("deeplabv3_mobilenet_v3_large")
    ours = entry.build().eval()
    load_into(ours, tmp_path / "a.pth", entry)
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(ours(picture)["out"], published(picture)["out"])


def test_batch_counters_may_be_missing_as_in_old_files(register, network, tmp_path):
    state = network.state_dict()
    del state["norm.num_batches_tracked"]
    torch.save(dict(state), tmp_path / "a.pth")
    load_into(tiny_network(1), tmp_path / "a.pth", register())


def test_missing_unexpected_and_misshapen_tensors_are_all_told(register, network, tmp_path):
    state = dict(network.state_dict())
    state["first.wieght"] = state.pop("first.weight")
    state["last.weight"] = torch.zeros(1, 6, 5, 5)
    torch.save(state, tmp_path / "a.pth")
    before = tiny_network(1)
    with pytest.raises(WeightsError) as caught:
        load_into(before, tmp_path / "a.pth", register())
    for told in (
        "a.pth does not fit Tiny",
        "1 missing (first.weight)",
        "1 unexpected (first.wieght)",
        "last.weight has shape (1, 6, 5, 5), not (1, 6, 3, 3)",
    ):
        assert told in str(caught.value)
    for name, tensor in tiny_network(1).state_dict().items():
        assert torch.equal(before.state_dict()[name], tensor), "a refused file changes nothing"


def test_another_networks_checkpoint_is_recognised(register, network, tmp_path):
    entry = model("lraspp_mobilenet_v3_large")
    torch.save(entry.build().state_dict(), tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="It looks like lraspp_mobilenet_v3_large: choose that"):
        load_into(network, tmp_path / "a.pth", register())


@pytest.mark.parametrize("form", ["bare", "old format", "safetensors"])
@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused_by_name(register, network, tmp_path, form, part):
    whole, cut = tmp_path / "whole", tmp_path / "cut.pth"
    FORMS[form](network.state_dict(), whole)
    data = whole.read_bytes()
    cut.write_bytes(data[: int(part * len(data))])
    with pytest.raises(WeightsError, match=r"cut\.pth cannot be read as a checkpoint"):
        load_state(cut, register())


@pytest.mark.parametrize(
    "data", [b"no checkpoint at all", b"\x89PNG\r\n\x1a\n" * 9, b"<html>", os.urandom(999)]
)
def test_what_is_no_checkpoint_is_refused_by_name(register, tmp_path, data):
    (tmp_path / "a.pth").write_bytes(data)
    with pytest.raises(WeightsError, match=r"a\.pth cannot be read as a checkpoint"):
        load_state(tmp_path / "a.pth", register())


@pytest.mark.parametrize("held", [{}, {"state_dict": {}}, {"epoch": 3}, [1, 2], torch.zeros(3)])
def test_a_checkpoint_without_tensors_by_name_is_refused(register, tmp_path, held):
    torch.save(held, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="holds no tensors that Tiny could use"):
        load_state(tmp_path / "a.pth", register())


class Malice:
    """Would make a folder if it was unpickled by anything that trusts it."""

    def __init__(self, folder) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("name", ["tiny", "dim_segnet"])
@pytest.mark.parametrize("new", [True, False])
def test_a_pickle_with_code_is_refused_and_nothing_runs(register, tmp_path, network, name, new):
    register()
    path, trace = tmp_path / "evil.pth", tmp_path / "trace"
    torch.save(
        {"state_dict": network.state_dict(), "model": Malice(trace)},
        path,
        _use_new_zipfile_serialization=new,
    )
    with pytest.raises(WeightsError, match=r"names .*mkdir.*would run code from the file"):
        load_state(path, model(name))
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists(), "the file is as malicious as it should be"


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_torchscript_is_refused_for_it_is_a_program(register, tmp_path, network):
    torch.jit.trace(network, torch.rand(1, 4, 8, 8)).save(tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"names TorchScript.*would run code from the file"):
        load_state(tmp_path / "a.pth", register())


def test_a_plain_pickle_with_code_is_refused_and_nothing_runs(register, tmp_path):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Malice(tmp_path / "trace"), protocol=2))
    with pytest.raises(WeightsError, match=r"evil\.pth"):
        load_state(tmp_path / "evil.pth", register())
    assert not (tmp_path / "trace").exists()


# As the authors' train.py does, in 2019: the whole module, with its optimizer.
TRAINING = """
import sys, types, torch
sys.path.insert(0, {folder!r})
from models import DIMModel
# PyTorch 1.1 left this in every module.
thnn = types.ModuleType("torch.nn.backends.thnn")
def _get_thnn_function_backend(): ...
class Backend:
    def __reduce__(self):
        return _get_thnn_function_backend, ()
_get_thnn_function_backend.__module__ = thnn.__name__
thnn._get_thnn_function_backend = _get_thnn_function_backend
sys.modules[thnn.__name__] = thnn
for name, optimizer, new in {files!r}:
    torch.manual_seed(0)
    network = torch.nn.DataParallel(DIMModel())
    optimizer = getattr(torch.optim, optimizer)(network.parameters(), lr=0.01)
    network(torch.rand(2, 4, 8, 8)).sum().backward()
    optimizer.step()
    state = {{"epoch": 1, "epochs_since_improvement": 0, "loss": 0.5, "model": network,
        "optimizer": optimizer}}
    for module in network.modules():
        module._backend = Backend()
    torch.save(state, name, _use_new_zipfile_serialization=new)
    torch.save(network.module.state_dict(), name + ".state")
"""
MODELS_PY = """
import torch
print("the file's own code runs")
class conv2DBatchNormRelu(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.cbr_unit = torch.nn.Sequential(
            torch.nn.Conv2d(4, 2, 3, padding=1), torch.nn.BatchNorm2d(2), torch.nn.ReLU())
    def forward(self, x):
        return self.cbr_unit(x)
class DIMModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = conv2DBatchNormRelu()
        self.pool = torch.nn.MaxPool2d(2, 2)
        self.sigmoid = torch.nn.Sigmoid()
    def forward(self, x):
        return self.sigmoid(self.pool(self.down1(x)))
"""


WHOLE = [(f"{name}_{new}", name, new) for name in ("Adam", "SGD") for new in (True, False)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Checkpoints saved by a process that has the authors' classes."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "models.py").write_text(MODELS_PY)
    script = TRAINING.format(folder=str(folder), files=WHOLE)
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, cwd=folder, capture_output=True, text=True
    )
    assert "code runs" in done.stdout
    return folder


@pytest.mark.parametrize("name", [name for name, *_ in WHOLE])
def test_a_whole_pickled_module_gives_its_tensors_and_runs_no_code(whole, capfd, name):
    """Loaded by a process that does not have them."""
    state = load_state(whole / name, model("dim_segnet"))
    expected = torch.load(whole / f"{name}.state", weights_only=True)
    assert list(state) == list(expected)
    assert all(torch.equal(state[key], expected[key]) for key in expected)
    assert "code runs" not in capfd.readouterr().out
    assert "models" not in sys.modules


def test_a_whole_pickled_module_is_refused_for_any_other_model(register, tmp_path, network):
    torch.save(network, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"it names .*Tiny.*save the bare state dict"):
        load_state(tmp_path / "a.pth", register())
