"""Networks in ONNX files of the user's: checked before they run, by onnxruntime on the CPU."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import (
    DependencyError,
    FileError,
    MemoryLimitError,
    ParameterError,
    WeightsError,
)
from ..job import Job, in_background
from ..solvers.parallel import thread_count
from ._fingerprints import sha256
from .inputs import Planes

DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
"""Those whose operators onnxruntime itself brings."""
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}

Key = tuple[Path, int, int]


@dataclass(frozen=True)
class OnnxFile:
    """A network that is loaded.

    Parameters
    ----------
    path : Path
        Where it came from.
    checksum : str
        The file's SHA-256.
    height, width : int, pixels
        Of the pictures that it takes; 0 is any.
    """

    path: Path
    checksum: str
    height: int
    width: int
    session: Any

    def run(self, planes: Planes, output: int, job: Job) -> NDArray[np.float32]:
        """Return one of the network's outputs without axes of length 1, (h, w).

        Parameters
        ----------
        planes : (3, h, w) float32
            What it looks at.
        output : int
            Which output, from 1.
        job : Job
            Stops the network when it is cancelled.

        Raises
        ------
        ParameterError
            If there is no such output, it is no mask, or the network cannot take this size.
        MemoryLimitError
            If memory runs out.
        WeightsError
            If it gives NaN or infinity.
        """
        outputs = self.session.get_outputs()
        if output > len(outputs):
            raise ParameterError(
                f"output_number is {output}",
                f"{self.path.name} has {len(outputs)}: {', '.join(o.name for o in outputs)}",
                "Choose one of these by its number, from 1",
            )
        wire = self.session.get_inputs()[0]
        given = {wire.name: planes[None].astype(TYPES[wire.type])}
        values = np.asarray(self._run(outputs[output - 1].name, given, job))
        if values.ndim < 2 or values.size != np.prod(values.shape[-2:]):
            raise ParameterError(
                f"Output {output} of {self.path.name} has the shape {list(values.shape)}",
                "A mask has a height and a width, and one channel",
                "Choose another output",
            )
        mask = values.reshape(values.shape[-2:])
        wrong = int((~np.isfinite(mask)).sum())
        if wrong:
            raise WeightsError(
                f"{self.path.name} gave {wrong} values of {mask.size} that are NaN or infinite",
                "A mask has numbers throughout",
                "Choose another file, or check mean, deviation and side",
            )
        return mask.astype(np.float32)

    def _run(self, name: str, given: dict[str, Any], job: Job) -> Any:
        import onnxruntime

        options = onnxruntime.RunOptions()
        # What a picture took goes back to the system after it.
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        height, width = next(iter(given.values())).shape[2:]

        def cancelled() -> bool:
            try:
                options.terminate = job.cancelled()
            except BaseException:
                options.terminate = True
                raise
            return bool(options.terminate)

        def work(_: Job) -> Any:
            try:
                return self.session.run([name], given, options)[0]
            except Exception as error:
                raise _no_memory(self.path, error) or ParameterError(
                    f"{self.path.name} cannot take {width} × {height} pixels: {_short(error)}",
                    "A graph that leaves its size open may still be made for one, or for multiples",
                    "Set side to what it was exported for, often 320, 512 or 1024",
                ) from error

        job.step(0, message=f"run {self.path.name}")
        return in_background(work, replace(job, cancelled=cancelled))


def open_onnx(file: str | Path, job: Job) -> OnnxFile:
    """Return the network in a file; the last one that was opened is kept.

    Parameters
    ----------
    file : path
        An ONNX file with a network that takes a picture and gives masks.
    job : Job
        Takes progress; a cancel does not wait for the file.

    Raises
    ------
    DependencyError
        If onnx or onnxruntime is not installed.
    FileError
        If there is no such file, or it cannot be used: it is no ONNX file, has operators that are
        not ONNX's own, keeps weights in other files, or takes something else than a picture.
    MemoryLimitError
        If memory runs out.
    """
    path = Path(file).expanduser()
    if not str(file).strip() or not path.is_file():
        raise FileError(
            f"{path} is not a file" if str(file).strip() else "No ONNX file was named",
            "The network is in a file of yours (.onnx)",
            "Give its path as file",
        )
    stat = path.stat()
    key = (path.resolve(), stat.st_mtime_ns, stat.st_size)
    with _LOCK:
        kept = _KEPT.get(key)
    return kept or in_background(lambda job: _opened(key, job), job)


def free_onnx() -> int:
    """Let go of the network that is kept, and return how many that are: 0 or 1."""
    with _LOCK:
        count = len(_KEPT)
        _KEPT.clear()
    return count


_LOCK = threading.Lock()
_KEPT: dict[Key, OnnxFile] = {}


def _opened(key: Key, job: Job) -> OnnxFile:
    _check_extra()
    path = key[0]
    job.step(0, message=f"check {path.name}")
    check_onnx(path)
    job.step(0.3, message=f"load {path.name}")
    session = _session(path)
    opened = OnnxFile(path, sha256(path, job.part(0.8, 1)), *_sides(path, session), session)
    with _LOCK:
        _KEPT.clear()
        _KEPT[key] = opened
    return opened


def _check_extra() -> None:
    import importlib.util

    missing = [n for n in ("onnx", "onnxruntime") if importlib.util.find_spec(n) is None]
    if missing:
        raise DependencyError(
            f"{' and '.join(missing)} cannot be imported",
            "ONNX files are checked with onnx and run by onnxruntime",
            'Run: pip install "matting-nodes[onnx]"',
        )


def check_onnx(path: Path) -> None:
    """Refuse what is no ONNX file, or needs more than itself and onnxruntime.

    Parameters
    ----------
    path : Path
        The file; nothing of it is run.

    Raises
    ------
    FileError
    """
    import onnx
    from google.protobuf.message import DecodeError
    from onnx.external_data_helper import uses_external_data

    try:
        model = onnx.load_model(path, format="protobuf", load_external_data=False)
    except OSError as error:
        raise FileError(f"{path}: {error}", "It must be readable", "Check the file") from error
    except (DecodeError, ValueError, RecursionError):
        model = onnx.ModelProto()
    if not model.graph.node:
        raise FileError(
            f"{path.name} is not an ONNX file, or is damaged",
            "It holds a network as ONNX writes it, with at least one operator",
            "Fetch or export it again",
        )
    own = {(f.domain, f.name) for f in model.functions}
    for node in _nodes(model):
        if node.domain not in DOMAINS and (node.domain, node.op_type) not in own:
            raise FileError(
                f"{path.name} has the operator {node.op_type} of {node.domain}",
                "Only ONNX's own operators are run: others need code from elsewhere",
                "Export the network without custom operators",
            )
    outside = sum(map(uses_external_data, _tensors(model)))
    if outside:
        raise FileError(
            f"{path.name} keeps {outside} of its tensors in other files",
            "One file must hold the whole network, so that it can be checked",
            "Save it in one piece: onnx.save_model(onnx.load(path), new_path)",
        )


def _nodes(model: Any) -> Iterator[Any]:
    """Yield every operator, those within loops, branches and functions too."""
    waiting = [model.graph.node, *(function.node for function in model.functions)]
    while waiting:
        for node in waiting.pop():
            yield node
            for attribute in node.attribute:
                waiting += [graph.node for graph in _graphs(attribute)]


def _graphs(attribute: Any) -> Iterable[Any]:
    return [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def _tensors(model: Any) -> Iterator[Any]:
    graphs = [model.graph]
    for node in _nodes(model):
        for a in node.attribute:
            graphs += _graphs(a)
            yield from (a.t, *a.tensors)
            for sparse in (a.sparse_tensor, *a.sparse_tensors):
                yield from (sparse.values, sparse.indices)
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = thread_count()
    options.inter_op_num_threads = 1
    # Threads that wait leave the cores to others.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Its log goes to the console; errors come as exceptions all the same.
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _no_memory(path, error) or FileError(
            f"onnxruntime {onnxruntime.__version__} cannot load {path.name}: {_short(error)}",
            "It must be a valid network of operators that onnxruntime knows",
            "Update onnxruntime, or export the network again, perhaps with an older opset",
        ) from error


def _sides(path: Path, session: Any) -> tuple[int, int]:
    """Return height and width that a network takes, 0 for any; it must take one picture."""
    wires = session.get_inputs()
    shapes = [f"{wire.name} {wire.type} {wire.shape}" for wire in wires]
    shape = wires[0].shape if len(wires) == 1 and wires[0].type in TYPES else []
    # What is open has a name, or none.
    sides = [side if isinstance(side, int) and side > 0 else 0 for side in shape]
    if len(sides) != 4 or sides[0] > 1 or sides[1] not in (0, 3):
        raise FileError(
            f"{path.name} takes {'; '.join(shapes) or 'nothing'}",
            "It must take one picture of floats, [1, 3, height, width]",
            "Choose another file, or export it so",
        )
    return sides[2], sides[3]


def _no_memory(path: Path, error: Exception) -> MemoryLimitError | None:
    if not isinstance(error, MemoryError) and not any(
        words in str(error) for words in ("Failed to allocate memory", "bad_alloc")
    ):
        return None
    return MemoryLimitError(
        f"{path.name} does not fit into main memory",
        "Its weights and all that it computes for a picture must",
        "Close other programs, choose a smaller side, or a smaller network",
    )


def _short(error: Exception) -> str:
    """Return the first line of an error, without onnxruntime's code for it."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", line)[:300]
