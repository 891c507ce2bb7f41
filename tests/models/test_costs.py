"""What networks cost: measured by running them, kept in a file, told where one is chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from matting_nodes import Job
from matting_nodes.errors import FileError, ParameterError
from matting_nodes.job import Cancelled
from matting_nodes.models import available_devices, costs
from matting_nodes.models.catalog import MODELS, model
from matting_nodes.nodes import all_nodes

from .conftest import Tiny

NODES = {spec.name: spec for spec in all_nodes()}


def test_a_measured_cost_is_kept_with_the_device(cache, register):
    register()
    register(name="square", side=64)
    measured = {name: costs.measure(name) for name in ("tiny", "square")}
    assert costs.known() == {available_devices()[0]: measured}
    for cost in measured.values():
        assert cost.seconds > 0
        assert cost.gibibytes is None or cost.gibibytes >= 0
    assert costs.told(("tiny",)).endswith(f" s a megapixel on {available_devices()[0]}.")
    assert costs.told(("square",)).endswith(f" s a picture on {available_devices()[0]}.")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux counts the peak")
def test_the_peak_is_that_of_the_network_and_not_of_the_process(cache, register):
    class Wasteful(Tiny):
        def forward(self, x):
            waste = torch.ones(100 << 20, dtype=torch.uint8)
            return super().forward(x) + waste[0]

    # Freed, these stay with the process: the last of them keeps them from the system.
    *freed, last = [torch.ones(100 << 10, dtype=torch.uint8) for _ in range(4000)]
    del freed
    register(builder=Wasteful, side=64)
    assert costs.measure("tiny").gibibytes == pytest.approx(0.1, abs=0.05)
    assert last[0] == 1


def kept(cache, content):
    cache.mkdir()
    text = content if isinstance(content, str) else json.dumps(content)
    (cache / "costs.json").write_text(text)


def test_several_networks_of_a_method_cost_from_least_to_most(cache):
    on_gpu = {"dim_vgg16": {"seconds": 0.0312}, "dim_segnet": {"seconds": 0.5}}
    on_cpu = {"dim_vgg16": {"seconds": 12.34}, "indexnet": {"seconds": 3.0, "gibibytes": 1.5}}
    kept(cache, {"auto": "cuda (H)", "costs": {"cpu (2 threads)": on_cpu, "cuda (H)": on_gpu}})
    names = NODES["alpha_matte"].methods["deep_image_matting"].networks
    assert costs.told(names) == "About 0.031 to 0.5 s a megapixel on cuda (H)."
    assert costs.told(("indexnet",)) == "", "auto does not take the CPU here"
    assert list(costs.known()) == ["cuda (H)", "cpu (2 threads)"]
    method = NODES["alpha_matte"].methods["deep_image_matting"]
    assert costs.described(method).startswith(f"{method.summary} Downloads ")
    assert costs.described(method).endswith(f"{MODELS[names[0]].terms}. {costs.told(names)}")
    gca = NODES["alpha_matte"].methods["gca"]
    assert costs.described(gca).endswith(f"Downloads 101 MB; {MODELS['gca'].terms}.")


def test_what_follows_an_object_costs_by_the_frame(cache):
    """A picture of the same network costs something else."""
    measured = {"sam2_tiny": {"seconds": 2.0}, "sam2_tiny_video": {"seconds": 3.7}}
    kept(cache, {"auto": "cpu (2 threads)", "costs": {"cpu (2 threads)": measured}})
    methods = NODES["segment"].methods
    assert costs.described(methods["sam2"]).endswith("About 2 s a picture on cpu (2 threads).")
    assert costs.described(methods["sam2_video"]).endswith(
        "About 3.7 s a frame on cpu (2 threads)."
    )


@pytest.mark.slow
def test_a_frame_of_video_is_measured_by_following_an_object(cache):
    pytest.importorskip("transformers")
    cost = costs.measure("sam2_tiny_video", "cpu")
    assert cost.seconds > 0
    assert costs.known()[available_devices()[0]] == {"sam2_tiny_video": cost}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1, 2",
        "[]",
        '{"costs": 3, "auto": ""}',
        '{"auto": "cpu", "costs": {"cpu": {"indexnet": {"seconds": "3"}}}}',
        '{"auto": "cpu", "costs": {"cpu": {"indexnet": {"seconds": -1}}}}',
        '{"auto": "cpu", "costs": {"cpu": {"indexnet": {"seconds": NaN}}}}',
        '{"auto": "cpu", "costs": {"cpu": {"indexnet": {"minutes": 1}}}}',
        '{"auto": "cpu", "costs": {"cpu": {"indexnet": {"seconds": 1, "gibibytes": "2"}}}}',
        "\udcff",
    ],
)
def test_a_damaged_record_says_nothing_and_is_replaced(cache, register, content):
    cache.mkdir()
    (cache / "costs.json").write_bytes(content.encode(errors="surrogateescape"))
    assert costs.known() == {}
    assert costs.told(("indexnet",)) == ""
    register()
    costs.measure("tiny")
    assert list(costs.known()[available_devices()[0]]) == ["tiny"]


def test_a_network_that_left_the_catalog_is_not_told(cache):
    kept(cache, {"auto": "cpu", "costs": {"cpu": {"gone": {"seconds": 1}}}})
    assert costs.known() == {"cpu": {}}


def test_a_cancel_keeps_nothing(cache, register):
    register()
    with pytest.raises(Cancelled):
        costs.measure("tiny", job=Job(cancelled=lambda: True))
    assert not cache.exists()


def test_what_there_is_not_is_refused(cache):
    with pytest.raises(ParameterError, match="no model 'abacus'"):
        costs.measure("abacus")
    with pytest.raises(ParameterError, match="device is abacus"):
        costs.measure("indexnet", "abacus")


def test_a_folder_that_cannot_be_written_is_named(cache, register):
    cache.write_text("a file")
    register()
    with pytest.raises(FileError, match=r"costs\.json cannot be written"):
        costs.measure("tiny")


def test_every_network_method_names_networks_of_the_catalog_for_its_node():
    asked = {name for spec in NODES.values() for m in spec.methods.values() for name in m.networks}
    assert asked == set(MODELS)
    for spec in NODES.values():
        for method in spec.methods.values():
            assert method.is_network == any(p.name == "weights" for p in method.parameters)


WARNING = "non-commercial"


@pytest.mark.parametrize(
    ("node", "method"),
    [
        (spec.name, method.name)
        for spec in NODES.values()
        for method in spec.methods.values()
        if method.is_network
    ],
)
def test_who_chooses_a_network_reads_whether_its_weights_may_be_used(node, method):
    """In the summary, which every host shows; where a parameter chooses the network, there too."""
    spec = NODES[node].methods[method]
    restricted = [name for name in spec.networks if WARNING in model(name).terms.lower()]
    assert (WARNING in spec.summary.lower()) == bool(restricted)
    mixed = bool(restricted) and len({model(name).licence for name in spec.networks}) > 1
    chooses = [p for p in spec.parameters if p.name in ("network", "size")]
    if mixed:
        assert WARNING in chooses[0].help
