"""The pool: one copy of a network for the whole process, whichever node or thread asked."""

from __future__ import annotations

import gc
import importlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MemoryLimitError
from ..job import Job, in_background
from . import weights as files
from ._devices import numbered
from ._fingerprints import sha256
from ._memory import MemoryBackend, TorchMemory, is_out_of_memory, size_of
from .catalog import Model
from .catalog import model as find_model
from .onnx_files import free_onnx

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

_WAIT = 0.05


@dataclass(frozen=True)
class Key:
    """What makes two requests ask for the same copy."""

    name: str
    path: Path
    stamp: tuple[int, int]
    """Time of change and size of the file: a file that was replaced is another one."""
    device: str
    """Numbered, as its tensors tell it."""


@dataclass
class Entry:
    """A network that is there, or is being loaded."""

    key: Key
    network: Any = None
    placed: Any = None
    size: int = 0
    leases: int = 0
    used: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)
    failed: bool = False


class Pool:
    """Networks on devices, each loaded once and lent to whoever asks.

    Parameters
    ----------
    backend : MemoryBackend, optional
        Who looks after the devices' memory: PyTorch, or a host.
    """

    def __init__(self, backend: MemoryBackend | None = None) -> None:
        self.backend: MemoryBackend = backend or TorchMemory()
        self._entries: dict[Key, Entry] = {}
        self._lock = threading.RLock()

    @contextmanager
    def lease(
        self,
        name: str,
        *,
        device: str = "auto",
        precision: str = "auto",
        weights: str | Path = "",
        job: Job | None = None,
    ) -> Iterator[Module]:
        """Lend a network for as long as the `with` block lasts; it is not evicted meanwhile.

        Parameters
        ----------
        name : str
            Name of the model in the catalog.
        device : {"auto", "cpu", "cuda", "mps"}
            Where it computes.
        precision : {"auto", "fp32", "fp16", "bf16"}
            In what; auto is fp32. The halves compute by autocast and answer in float32, and all
            precisions share one copy of the weights.
        weights : path
            A file of your own; empty for the published one, fetched if it must be.
        job : Job, optional
            Takes the progress of a download, and the notice if a device's memory is short.

        Yields
        ------
        Module
            In eval mode, channels last, on the device. Its attribute `absent` holds the names
            of optional tensors that the file lacks, `checksum` the file's SHA-256.

        Raises
        ------
        ParameterError
            If there is no such model, device or precision.
        WeightsError
            If the file is not available or does not fit.
        MemoryLimitError
            If it fits the memory of no device.
        """
        job = (job or Job()).forward()
        # The first import of PyTorch takes seconds.
        torch = in_background(lambda _: importlib.import_module("torch"), job)
        from ._precision import check_precision, in_precision

        model, preferred = find_model(name), self.backend.device(device)
        check_precision(precision, preferred)
        entry = self._acquire(model, preferred, weights, job)
        try:
            where = torch.device(entry.key.device)
            yield in_precision(entry.network, where, precision, job.announce)
        finally:
            with self._lock:
                entry.leases -= 1
                entry.used = time.monotonic()

    def free(self, device: str | torch.device | None = None) -> int:
        """Drop every network that is not on lease, of one device or all; return how many."""
        with self._lock:
            here = device and str(numbered(device))
            idle = [entry for entry in self._idle() if here in (None, entry.key.device)]
            for entry in idle:
                self._drop(entry)
            # Those of onnxruntime are on the CPU, and end with their last run.
            return len(idle) + (free_onnx() if here in (None, "cpu") else 0)

    def relieve(self, device: torch.device) -> bool:
        """Memory ran out: drop what is idle on a device, and tell whether anything was freed."""
        dropped = self.free(device)
        return self.backend.relieve(device) or bool(dropped)

    def held(self) -> list[tuple[str, str, int]]:
        """Return name, device and bytes of each network that is there, least recent first."""
        with self._lock:
            there = sorted(self._entries.values(), key=lambda entry: entry.used)
            return [(e.key.name, e.key.device, e.size) for e in there if e.done.is_set()]

    def _acquire(self, model: Model, device: torch.device, weights: str | Path, job: Job) -> Entry:
        """Return an entry that is loaded and leased, on the CPU if its device is too small."""
        try:
            return self._leased(model, str(numbered(device)), weights, job)
        except MemoryLimitError:
            if device.type == "cpu":
                raise
        job.announce(f"{model.title} does not fit the memory of {device}: on the CPU")
        return self._leased(model, "cpu", weights, job)

    def _leased(self, model: Model, device: str, weights: str | Path, job: Job) -> Entry:
        while True:
            entry, mine = self._entry(self._key(model, device, weights, job.part(0, 0.9)))
            try:
                if mine:
                    self._load(entry, model, weights, job)
                while not entry.done.wait(_WAIT):
                    job.check()
                if entry.failed:
                    continue
                self._ready(entry)
            except BaseException:
                with self._lock:
                    entry.leases -= 1
                raise
            return entry

    def _ready(self, entry: Entry) -> None:
        try:
            self.backend.ready(entry.placed)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise _no_room(entry) from error

    def _key(self, model: Model, device: str, weights: str | Path, job: Job) -> Key:
        """Return the key of a request, without reading the file if it is there already."""
        named = Path(weights).expanduser() if weights else files.find(model)
        path = named if named and named.is_file() else files.fetch(model, weights, job)
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        return Key(model.name, path.resolve(), stamp, device)

    def _entry(self, key: Key) -> tuple[Entry, bool]:
        """Return the entry of a key, leased, and whether it is ours to load."""
        with self._lock:
            entry, mine = self._entries.get(key), False
            if entry is None:
                entry, mine = Entry(key), True
                self._entries[key] = entry
            entry.leases += 1
            return entry, mine

    def _load(self, entry: Entry, model: Model, weights: str | Path, job: Job) -> None:
        def load(job: Job) -> None:
            # Here, where it is read, the file's checksum is asked for.
            path = files.fetch(model, weights, job.part(0, 0.3))
            network = _built(model, path, job.part(0.3, 1))
            job.check()
            self._place(entry, network)
            if job.cancelled():
                # Nobody has waited for it.
                self.backend.drop(entry.placed)

        try:
            in_background(load, job)
        except BaseException:
            with self._lock:
                entry.failed = True
                del self._entries[entry.key]
            raise
        finally:
            entry.done.set()

    def _place(self, entry: Entry, network: Module) -> None:
        """Bring a network to its device, after others if memory is short."""
        import torch

        device = torch.device(entry.key.device)
        entry.size = size_of(network)
        self._make_room(entry)
        try:
            entry.placed = self._retried(lambda: self.backend.place(network, device), device)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise _no_room(entry) from error
        entry.network = network

    def _retried(self, place: Callable[[], Any], device: torch.device) -> Any:
        try:
            return place()
        except Exception as error:
            if not is_out_of_memory(error) or not self.relieve(device):
                raise
        return place()

    def _make_room(self, new: Entry) -> None:
        """Evict the least recently used until the new one fits the budget, or none is idle."""
        import torch

        with self._lock:
            budget = self.backend.budget(torch.device(new.key.device))
            idle = [entry for entry in self._idle() if entry.key.device == new.key.device]
            for entry in sorted(idle, key=lambda entry: entry.used):
                if self._taken(new.key.device) <= budget:
                    return
                self._drop(entry)

    def _taken(self, device: str) -> int:
        return sum(e.size for e in self._entries.values() if e.key.device == device)

    def _idle(self) -> list[Entry]:
        return [e for e in self._entries.values() if e.done.is_set() and not e.leases]

    def _drop(self, entry: Entry) -> None:
        import torch

        del self._entries[entry.key]
        self.backend.drop(entry.placed)
        device = torch.device(entry.key.device)
        entry.network = entry.placed = None
        # Networks may refer to themselves.
        gc.collect()
        self.backend.release(device)


def _no_room(entry: Entry) -> MemoryLimitError:
    return MemoryLimitError(
        f"{entry.key.name} takes {entry.size / 2**20:.0f} MiB",
        f"The memory of {entry.key.device} has no room for it, even without other networks",
        "Close other programs, or choose a smaller model or the CPU",
    )


def _built(model: Model, path: Path, job: Job) -> Module:
    """Return a network on the CPU with its weights in it."""
    import torch

    from ._fusion import fuse_norms

    job.step(0, message=f"load {model.title}")
    network: Any = model.build()
    job.step(0.4, message=f"load {model.title}")
    network.absent = files.load_into(network, path, model)
    network.checksum = sha256(path, job.part(0.8, 1))
    fuse_norms(network.eval().requires_grad_(False))
    network.to(memory_format=torch.channels_last)
    built: Module = network
    return built


POOL = Pool()
"""The one pool of this process."""
