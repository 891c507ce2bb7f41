"""Costs of the networks on this machine: measured once, shown where one is selected."""

from __future__ import annotations

import ctypes
import gc
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FileError
from ..framework.spec import MethodSpec
from ..io.images import make_folder_for
from ..job import Job
from ._devices import available_devices, torch_device
from ._folder import model_folder
from ._records import replace_record
from ._source import ByHand, Packaged
from .catalog import FOR_VIDEO, MODELS, Model
from .catalog import model as find_model
from .weights import find

if TYPE_CHECKING:
    import torch

# Side of the square that is measured, for networks that take a picture as it is: small, but
# large enough that a megapixel costs as much in it as in a whole picture.
_SIDE = 512
_CPU_PEAK, _CPU_RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Cost:
    """What one network takes on one device.

    Parameters
    ----------
    seconds : float
        For a megapixel; for a network that looks at a picture of one size, for a picture; for one
        that follows an object through a video, for a frame.
    gibibytes : float or None
        Peak memory beyond the weights, for the same picture; None if it cannot be measured.
    """

    seconds: float
    gibibytes: float | None = None


def measure(name: str, device: str = "auto", job: Job | None = None) -> Cost:
    """Run a network with random weights, which cost the same as trained ones, and keep its cost.

    Parameters
    ----------
    name : str
        Name of a model in the catalog; nothing is fetched.
    device : {"auto", "cpu", "cuda", "mps"}
        Where it runs.
    job : Job, optional
        Takes progress; asked for a cancel between runs. What was kept before stays.

    Returns
    -------
    Cost

    Raises
    ------
    ParameterError
        If there is no such model or device.
    ImportError
        If a package that it needs is not installed.
    FileError
        If the model folder cannot be written.
    """
    model, job, where = find_model(name), job or Job(), torch_device(device)
    cost = _measured(model, where, job)
    _keep(name, _full_name(where), cost, is_best=device == "auto")
    return cost


def known() -> dict[str, dict[str, Cost]]:
    """Return costs by device and model, the device that auto takes first.

    A record that is damaged, or not there, is one that says nothing: listing never fails.
    """
    record = _read()
    costs: dict[str, dict[str, Cost]] = {}
    for device in sorted(record["costs"], key=lambda name: name != record["auto"]):
        entries = record["costs"][device].items()
        costs[device] = {n: Cost(**entry) for n, entry in entries if n in MODELS | FOR_VIDEO}
    return costs


def described(method: MethodSpec) -> str:
    """Return a method's summary, for hosts to show; of a network also what it takes.

    That is its download or that it is on disk, its licence and, where it was measured, its cost.

    Examples
    --------
    >>> from matting_nodes import make_trimap
    >>> print(described(make_trimap.methods["band"]))
    Mark a band along a mask's edge as unknown.
    """
    asked = tuple(f"{n}_video" for n in method.networks) if method.sees_stack else method.networks
    return " ".join(filter(None, (method.summary, offered(method.networks), told(asked))))


def about(name: str) -> str:
    """Return in words what a model is, how it is obtained, its licence, and what it costs here.

    Parameters
    ----------
    name : str
        Its name in the catalog.
    """
    return f"{MODELS[name].title}. {offered((name,))} {told((name,))}".strip()


def offered(names: tuple[str, ...]) -> str:
    """Return in words how the first of these models is obtained, and its licence; "" for none."""
    if not names:
        return ""
    model = MODELS[names[0]]
    if find(model):
        there = "Comes with the package" if isinstance(model.source, Packaged) else "On disk"
    elif isinstance(model.source, (ByHand, Packaged)):
        there = "Weights by hand"
    else:
        there = f"Downloads {model.size / 1e6:.0f} MB"
    return f"{there}; {model.terms}."


def told(names: tuple[str, ...]) -> str:
    """Return in words what the models of these names cost where auto runs them; "" if unknown."""
    device, costs = next(iter(known().items()), ("", {}))
    seconds = sorted(costs[name].seconds for name in names if name in costs)
    if not seconds:
        return ""
    span = " to ".join(dict.fromkeys(map(_rounded, (seconds[0], seconds[-1]))))
    return f"About {span} s {unit(find_model(names[0]))} on {device}."


def _rounded(seconds: float) -> str:
    return f"{seconds:.2g}" if seconds < 10 else f"{seconds:.0f}"


def unit(model: Model) -> str:
    """Return what a model's cost is for."""
    if model.name in FOR_VIDEO:
        return "a frame"
    return "a picture" if model.side else "a megapixel"


def record_path() -> Path:
    """Return the file that keeps the costs."""
    return model_folder() / "costs.json"


def _measured(model: Model, device: torch.device, job: Job) -> Cost:
    import torch

    job.step(0, message=f"measure {model.title}")
    side = model.side or _SIDE
    megapixels = 1.0 if model.side else side**2 / 1e6
    network: Any = model.build().eval().to(memory_format=torch.channels_last).to(device)
    picture = torch.rand(1, model.channels, side, side, device=device)
    if model.name in FOR_VIDEO:
        network = _following(network, picture)
    seconds, peaks = [], []
    # The first run also chooses kernels and touches memory for the first time.
    for run in (1, 2):
        with torch.inference_mode(), _peak(device) as peak:
            seconds.append(_timed(network, picture, device))
        peaks += peak
        job.step(run, 2, f"measure {model.title}")
    return Cost(min(seconds) / megapixels, max(peaks) / megapixels if peaks else None)


def _following(network: Any, picture: torch.Tensor) -> Callable[[torch.Tensor], Any]:
    """Return a call that follows an object, pointed at in the middle, into a next frame."""
    import torch
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    session = Sam2VideoInferenceSession(inference_device=picture.device, dtype=torch.float32)
    middle = torch.full((1, 1, 1, 2), picture.shape[-1] / 2)
    point = {"point_coords": middle, "point_labels": torch.ones(1, 1, 1, dtype=torch.int32)}
    object_ = session.obj_id_to_idx(1)
    session.add_point_inputs(object_, 0, point)
    session.obj_with_new_inputs = [1]

    def follow(frame: torch.Tensor) -> Any:
        number = session.add_new_frame(frame)
        return network(inference_session=session, frame_idx=number)

    with torch.inference_mode():
        follow(picture)
    session.obj_with_new_inputs = []
    return follow


def _timed(network: Any, picture: torch.Tensor, device: torch.device) -> float:
    began = time.perf_counter()
    answer = network(picture)
    del answer
    _wait_for(device)
    return time.perf_counter() - began


def _wait_for(device: torch.device) -> None:
    """Let a device finish: what it is told to do, it does later."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def _peak(device: torch.device) -> Iterator[list[float]]:
    """Give a list that at the end holds the GiB that were in use at most; empty if unknown."""
    import torch

    found: list[float] = []
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        yield found
        found.append((torch.cuda.max_memory_allocated(device) - before) / 2**30)
    elif device.type == "cpu" and _reset_cpu_peak():
        before = _cpu_memory("VmRSS")
        yield found
        # Linux counts each entry a little late, so that the peak may seem to lie below.
        found.append(max(0, _cpu_memory("VmHWM") - before) / 2**20)
    else:
        yield found


def _reset_cpu_peak() -> bool:
    """Reset Linux's count of this process's peak memory; return whether that worked."""
    if not _CPU_RESET.exists():
        return False
    # Memory that is free, but that the process still holds, would be used without being counted.
    gc.collect()
    getattr(ctypes.CDLL(None), "malloc_trim", int)(0)
    try:
        _CPU_RESET.write_text("5")
    except OSError:
        return False
    return True


def _cpu_memory(entry: str) -> int:
    """Return an entry of Linux's account of this process, in KiB."""
    lines = dict(line.split(":", 1) for line in _CPU_PEAK.read_text().splitlines())
    return int(lines[entry].split()[0])


def _full_name(device: torch.device) -> str:
    """Return a device with what tells it from another machine's."""
    names = {name.split()[0]: name for name in available_devices()}
    return names[device.type]


def _keep(name: str, device: str, cost: Cost, *, is_best: bool) -> None:
    record = _read()
    record["costs"].setdefault(device, {})[name] = asdict(cost)
    if is_best or not record["auto"]:
        record["auto"] = device
    try:
        replace_record(make_folder_for(record_path()), record)
    except FileError as error:
        raise FileError(
            error.found,
            "What networks cost is kept there",
            "Make room, or choose another folder with MATTING_NODES_CACHE",
        ) from error


def _read() -> dict[str, Any]:
    """Return the record, or an empty one in place of one that cannot be used."""
    try:
        record = json.loads(record_path().read_text(encoding="utf-8"))
        for entries in record["costs"].values():
            for entry in entries.values():
                cost = Cost(**entry)
                if not (cost.seconds > 0 and (cost.gibibytes or 0) >= 0):
                    raise ValueError(entry)
        return {"auto": str(record["auto"]), "costs": record["costs"]}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {"auto": "", "costs": {}}
