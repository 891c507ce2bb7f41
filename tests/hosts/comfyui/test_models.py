"""Networks under ComfyUI's memory manager: its stand-in, and the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from matting_nodes.errors import MemoryLimitError
from matting_nodes.models import catalog, weights
from matting_nodes.models._source import Address
from matting_nodes.models.pool import POOL

from .test_nodes import comfy as comfy

COMFYUI = os.environ.get("COMFYUI_PATH", "")


def layer(seed: int) -> torch.nn.Conv2d:
    torch.manual_seed(seed)
    return torch.nn.Conv2d(4, 1, 3, padding=1)


@pytest.fixture
def installed(comfy, monkeypatch):
    """The stand-in with the pool under it, and two models in its models/matting."""
    import comfy.model_management as management
    import folder_paths

    from matting_nodes.hosts.comfyui._models import install

    monkeypatch.delenv("MATTING_NODES_CACHE", raising=False)
    install()
    install()
    folder = Path(folder_paths.models_dir) / "matting"
    folder.mkdir()
    undo = []
    for seed, name in enumerate("ab"):
        torch.save(layer(seed).state_dict(), folder / f"{name}.pth")
        model = catalog.Model(
            name=name,
            title=name.upper(),
            task="alpha_matte",
            builder=lambda: torch.nn.Conv2d(4, 1, 3, padding=1),
            source=Address(""),
            file=f"{name}.pth",
            licence="CC0",
            paper="none",
        )
        undo.append(catalog.register(model))
    yield management
    POOL.free()
    for take_back in undo:
        take_back()


def test_weights_live_in_comfyuis_model_folder(installed):
    import folder_paths

    folder = Path(folder_paths.models_dir) / "matting"
    assert weights.find(catalog.model("a")) == folder / "a.pth"
    assert weights.target(catalog.model("sam2_tiny")).parent == folder
    assert folder_paths.get_folder_paths("matting") == [str(folder)]
    assert ".safetensors" in folder_paths.folder_names_and_paths["matting"][1]


def test_folders_of_extra_model_paths_are_searched_and_come_first(installed, tmp_path):
    import folder_paths

    folder_paths.folder_names_and_paths["matting"][0].insert(0, str(tmp_path))
    (tmp_path / "a.pth").write_bytes(b"elsewhere")
    assert weights.find(catalog.model("a")) == tmp_path / "a.pth"


def test_a_leased_network_is_loaded_by_comfyui(installed):
    picture = torch.rand(1, 4, 8, 8)
    with POOL.lease("a") as network:
        (loaded,) = installed.current_loaded_models
        assert loaded.model.model is network
        torch.testing.assert_close(network(picture), layer(0)(picture))
    assert installed.current_loaded_models, "it stays until ComfyUI needs the room"


def test_a_network_that_comfyui_moved_away_is_brought_back_without_reading_it(installed):
    with POOL.lease("a") as first:
        pass
    installed.free_memory(1e30, torch.device("cpu"))
    assert installed.current_loaded_models == []
    with POOL.lease("a") as second:
        assert second is first
        assert len(installed.current_loaded_models) == 1


def test_a_dropped_network_leaves_comfyui_too(installed):
    with POOL.lease("a"), POOL.lease("b"):
        assert len(installed.current_loaded_models) == 2
    assert POOL.free() == 2
    assert installed.current_loaded_models == []


def test_on_short_memory_all_models_but_the_leased_ones_are_unloaded(installed):
    from comfy.model_patcher import ModelPatcher

    other = ModelPatcher(torch.nn.Linear(9, 9), torch.device("cpu"), torch.device("cpu"))
    installed.load_models_gpu([other], force_full_load=True)
    with POOL.lease("a") as network, POOL.lease("b"):
        pass
    with POOL.lease("a"):
        assert POOL.relieve(torch.device("cpu"))
        assert [m.model.model for m in installed.current_loaded_models] == [network]


def test_a_device_that_comfyui_cannot_fit_it_on_is_a_clear_error(installed, monkeypatch):
    monkeypatch.setattr(installed, "capacity", 10)
    with pytest.raises(MemoryLimitError, match="memory of cpu has no room"), POOL.lease("a"):
        pass


REAL = """
import sys
sys.path[:0] = [{comfyui!r}, {source!r}]
sys.argv = ["main.py", "--cpu", "--base-directory", {base!r}]
import comfy.options
comfy.options.enable_args_parsing()
import comfy.model_management as management, folder_paths, torch
from pathlib import Path
from matting_nodes.hosts.comfyui._models import install
from matting_nodes.models import catalog, weights
from matting_nodes.models._source import Address
from matting_nodes.models.pool import POOL

install()
folder = Path(folder_paths.models_dir) / "matting"
assert folder.is_relative_to({base!r}), folder
folder.mkdir(parents=True)
build = lambda: torch.nn.Conv2d(4, 1, 3, padding=1)
expected = build()
torch.save(expected.state_dict(), folder / "a.pth")
catalog.register(catalog.Model(name="a", title="A", task="", builder=build, file="a.pth",
                               source=Address(""), licence="", paper=""))
assert folder_paths.get_filename_list("matting") == ["a.pth"]
picture = torch.rand(1, 4, 8, 8)
with POOL.lease("a") as network:
    torch.testing.assert_close(network(picture), expected(picture))
    (loaded,) = management.current_loaded_models
    assert loaded.model.model is network
management.free_memory(1e30, torch.device("cpu"))
assert not management.current_loaded_models
with POOL.lease("a") as again:
    assert again is network
    torch.testing.assert_close(again(picture), expected(picture))
    assert not POOL.relieve(torch.device("cpu"))
    assert len(management.current_loaded_models) == 1
assert POOL.free() == 1
assert not management.current_loaded_models
print("all is well")
"""


@pytest.mark.skipif(not COMFYUI, reason="COMFYUI_PATH names no ComfyUI checkout")
def test_the_real_memory_manager_loads_moves_and_forgets_networks(tmp_path):
    script = REAL.format(
        comfyui=COMFYUI,
        source=str(Path(catalog.__file__).parents[2]),
        base=str(tmp_path),
    )
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip().endswith("all is well"), done.stderr
