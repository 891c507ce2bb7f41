"""Leases, sharing, eviction and fallbacks, with real networks and files."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
import torch

from matting_nodes.errors import MemoryLimitError, ParameterError, WeightsError
from matting_nodes.job import Cancelled, Job
from matting_nodes.models import weights
from matting_nodes.models._memory import TorchMemory, is_out_of_memory, size_of
from matting_nodes.models.catalog import model
from matting_nodes.models.pool import Pool

from .conftest import Tiny, tiny_network

PICTURE = torch.rand(1, 4, 24, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def built():
    """Counts how often a network is built."""
    return []


@pytest.fixture
def models(register, tmp_path, built, cache):
    """Three models of one size, each in a file of the cache."""
    cache.mkdir()

    def builder(**arguments):
        built.append(1)
        return Tiny(**arguments)

    for seed, name in enumerate("abc"):
        torch.save(tiny_network(seed).state_dict(), cache / f"{name}.pth")
        entry = register(name=name, title=f"Model {name}", file=f"{name}.pth", builder=builder)
        # Not their first use, at which it is seen whether they load.
        weights.fetch(entry)
    built.clear()
    return "abc"


def names(pool):
    return [name for name, _, _ in pool.held()]


def test_a_lease_gives_the_network_ready_to_use(models):
    with Pool().lease("b") as network, torch.inference_mode():
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())
        assert network.first.weight.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(network(PICTURE), tiny_network(1)(PICTURE))


def test_it_is_loaded_once_for_all_leases(models, built):
    pool = Pool()
    with pool.lease("a") as first, pool.lease("a", device="cpu") as second:
        assert first is second
    with pool.lease("a") as third:
        assert third is first
    assert built == [1]


def test_threads_that_ask_at_once_wait_for_one_load(models, built):
    pool, seen, start = Pool(), [], threading.Barrier(8)

    def use():
        start.wait()
        with pool.lease("a") as network:
            seen.append(network)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(map(id, seen))) == 1
    assert built == [1]


def test_another_file_is_another_copy_and_a_replaced_one_is_loaded_anew(models, tmp_path, cache):
    pool, mine = Pool(), tmp_path / "mine.pth"
    torch.save(tiny_network(5).state_dict(), mine)
    with pool.lease("a") as published, pool.lease("a", weights=mine) as own:
        assert not torch.equal(published(PICTURE), own(PICTURE))
    torch.save(tiny_network(6).state_dict() | {"epoch": 7}, mine)
    with pool.lease("a", weights=mine) as own:
        torch.testing.assert_close(own(PICTURE), tiny_network(6)(PICTURE))


def test_the_least_recently_used_leaves_when_the_budget_is_spent(models, built):
    pool = Pool(TorchMemory(budget=2 * size_of(Tiny())))
    for name in "aba":
        with pool.lease(name):
            pass
    with pool.lease("c"):
        assert names(pool) == ["a", "c"]
    assert len(built) == 3
    with pool.lease("a"):
        assert len(built) == 3, "switching between two that fit loads nothing"


def test_a_leased_network_is_never_evicted(models):
    pool = Pool(TorchMemory(budget=1))
    with pool.lease("a") as network, pool.lease("b"), pool.lease("c"):
        assert sorted(names(pool)) == ["a", "b", "c"]
        assert pool.free() == 0
        torch.testing.assert_close(network(PICTURE), tiny_network(0)(PICTURE))
    assert pool.free() == 3
    assert names(pool) == []


def test_the_lease_ends_with_an_exception_too(models):
    pool = Pool()
    with pytest.raises(KeyboardInterrupt), pool.lease("a"):
        raise KeyboardInterrupt
    assert pool.free() == 1


@pytest.mark.parametrize(("precision", "error"), [("bf16", 0.1), ("fp16", 0.01)])
def test_half_precision_answers_in_float_and_shares_the_weights(models, built, precision, error):
    pool = Pool()
    with (
        pool.lease("a") as full,
        pool.lease("a", precision=precision) as half,
        torch.inference_mode(),
    ):
        exact, rough = full(PICTURE), half(PICTURE)
        assert rough.dtype == torch.float32
        assert 0 < (rough - exact).abs().max() < error
        assert half.absent == frozenset()
    assert built == [1]


FREED = """
import os, torch
from matting_nodes.models import catalog
from matting_nodes.models._source import ByHand
from matting_nodes.models.catalog import model
from matting_nodes.models.pool import Pool

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20

def layers():
    return torch.nn.Sequential(*(torch.nn.Conv2d(256, 256, 3, padding=1) for _ in range(60)))

catalog.register(catalog.Model(name="large", title="", task="", builder=layers, source=ByHand(),
    file="", licence="", paper=""))
picture, pool = torch.rand(1, 256, 48, 48), Pool()
with torch.inference_mode():
    layers()[0](picture)
before = resident()
if not os.fork():
    torch.save(layers().state_dict(), {path!r})
    os._exit(0)
os.wait()
with pool.lease("large", weights={path!r}) as network, torch.inference_mode():
    network(picture)
del network
held = resident()
pool.free()
print(held - before, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the resident memory")
def test_what_is_freed_goes_back_to_the_system(tmp_path):
    """Of 135 MiB of weights and as much again that loading took, all but a rest; in MiB."""
    script = FREED.format(path=str(tmp_path / "large.pth"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    held, rest = map(float, done.stdout.split())
    assert held > 100
    assert rest < 50


def test_optional_tensors_that_the_file_lacks_are_told(models, register, cache):
    state = tiny_network(0).state_dict()
    torch.save({name: state[name] for name in state if "norm" not in name}, cache / "d.pth")
    register(name="d", file="d.pth", optional=("norm.",))
    with Pool().lease("d") as network:
        assert "norm.running_mean" in network.absent


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": "z"}, "no model 'z'"),
        ({"device": "abacus"}, "device is abacus. This machine has"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
    ],
)
def test_what_there_is_not_is_refused(models, given, told):
    pool = Pool()
    with pytest.raises(ParameterError, match=told), pool.lease(**{"name": "a"} | given):
        pass
    assert names(pool) == []


def test_an_absent_gpu_is_refused(models):
    absent = "mps" if torch.cuda.is_available() else "cuda"
    with (
        pytest.raises(ParameterError, match=f"device is {absent}"),
        Pool().lease("a", device=absent),
    ):
        pass


def test_a_failed_load_is_forgotten_and_the_next_one_may_succeed(models, cache):
    pool, good = Pool(), (cache / "a.pth").read_bytes()
    (cache / "a.pth").write_bytes(good[:500])
    with pytest.raises(WeightsError, match="has changed"), pool.lease("a"):
        pass
    with pytest.raises(WeightsError, match="cannot be read"):
        weights.verify(model("a"), accept=True)
    assert names(pool) == []
    (cache / "a.pth").write_bytes(good)
    with pool.lease("a"):
        assert names(pool) == ["a"]


def test_a_cancel_while_loading_leaves_nothing(models):
    pool = Pool()
    with pytest.raises(Cancelled), pool.lease("a", job=Job(cancelled=lambda: True)):
        pass
    assert names(pool) == []
    with pool.lease("a"):
        assert names(pool) == ["a"]


def test_who_is_cancelled_while_another_thread_loads_holds_nothing(register, models, cache):
    loads, asked = threading.Event(), threading.Event()

    def slow():
        loads.set()
        assert asked.wait(10)
        return Tiny()

    register(name="slow", file="a.pth", builder=slow)
    pool = Pool()

    def use():
        with pool.lease("slow"):
            pass

    first = threading.Thread(target=use)
    first.start()
    assert loads.wait(10)
    with pytest.raises(Cancelled), pool.lease("slow", job=Job(cancelled=lambda: True)):
        pass
    asked.set()
    first.join()
    assert pool.free() == 1


def test_a_changed_published_file_is_not_loaded(models, cache):
    with Pool().lease("a"):
        pass
    torch.save(tiny_network(9).state_dict(), cache / "a.pth")
    with pytest.raises(WeightsError, match=r"a\.pth has changed"), Pool().lease("a"):
        pass


def test_the_pool_fetches_what_is_missing(tiny, cache, network):
    with Pool().lease("tiny") as loaded:
        torch.testing.assert_close(loaded(PICTURE), network(PICTURE))
    assert weights.find(tiny) == cache / "tiny.pth"


class SmallDevice(TorchMemory):
    """PyTorch's meta device, as small as a test wants it."""

    def __init__(self, limit: int) -> None:
        super().__init__(budget=1 << 40)
        self.memory, self.placed = limit, 0

    def device(self, name):
        return torch.device("meta")

    def place(self, network, device):
        if device.type == "meta":
            if self.placed + size_of(network) > self.memory:
                raise torch.OutOfMemoryError("CUDA out of memory")
            self.placed += size_of(network)
        return network.to(device)

    def drop(self, placed):
        self.placed -= size_of(placed)


def test_when_the_device_is_full_the_others_leave_first(models):
    pool = Pool(SmallDevice(size_of(Tiny())))
    with pool.lease("a"):
        pass
    with pool.lease("b") as network:
        assert network.first.weight.device.type == "meta"
        assert names(pool) == ["b"]


def test_one_device_by_two_names_is_one(models):
    class Numbered(TorchMemory):
        def device(self, name):
            return torch.device("meta", 0)

    pool = Pool(Numbered())
    with pool.lease("a") as network:
        used = network.first.weight.device
    assert used != torch.device("meta", 0)
    assert pool.relieve(used)
    assert names(pool) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_that_is_full_is_relieved_of_other_networks(models):
    pool = Pool()
    with pool.lease("a", device="cuda"):
        pass
    with pool.lease("b", device="cuda") as network:
        assert pool.relieve(network.first.weight.device)
        assert names(pool) == ["b"]


def test_a_network_too_large_for_its_device_runs_on_the_cpu_and_says_so(models):
    pool, told = Pool(SmallDevice(100)), []
    with pool.lease("a", job=Job(lambda _, message: told.append(message))) as network:
        torch.testing.assert_close(network(PICTURE), tiny_network(0)(PICTURE))
    assert "Model a does not fit the memory of meta: on the CPU" in told


def test_a_network_too_large_for_the_cpu_is_a_clear_error(models):
    class FullCPU(TorchMemory):
        def place(self, network, device):
            raise MemoryError

    with pytest.raises(MemoryLimitError, match="The memory of cpu has no room"):
        Pool(FullCPU()).lease("a", device="cpu").__enter__()


def test_real_exhausted_memory_is_told_from_other_failures():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError())
    with pytest.raises(RuntimeError) as caught:
        torch.zeros(2) @ torch.zeros(3)
    assert not is_out_of_memory(caught.value)
