"""What travels between the nodes of a graph: batches of frames, placeholders, texts.

A graph's wires carry what ComfyUI's do: IMAGE (B, H, W, C) and MASK (B, H, W), float32 in
0..1, boxes and texts. Nodes work on single frames of the core's own kinds; here one becomes
the other, in every host alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import UNKNOWN, Kind
from ..errors import MissingInputError, ParameterError, article, shown
from ..framework.run import Frames, Result
from ..framework.spec import Input, NodeSpec
from ..framework.tables import as_csv, has_rows
from ..memory import check_memory
from .document import parsed

IMAGE, MASK, BOUNDING_BOX, STRING = "IMAGE", "MASK", "BOUNDING_BOX", "STRING"
VIDEO = "VIDEO"
WIRE_TYPES = {
    Kind.IMAGE: IMAGE,
    Kind.MASK: MASK,
    Kind.LABELS: MASK,
    Kind.TRIMAP: MASK,
    Kind.ALPHA: MASK,
    Kind.BOX: BOUNDING_BOX,
    Kind.POINTS: STRING,
    Kind.TABLE: STRING,
}

# Inputs of which only what is painted says something.
STROKES = ("foreground_scribbles", "background_scribbles")
# What Load Image gives as the mask of a picture without transparency, whatever its size.
PLACEHOLDER = (1, 64, 64)
# Pixels: no place that is farther away is in a picture.
LARGEST = 2**31


def node_id(spec: NodeSpec) -> str:
    """Return the id that workflows store; it never changes."""
    return id_of(spec.title)


def id_of(title: str) -> str:
    """Return the id of the node of ours with this title."""
    return "MattingNodes" + title.replace(" ", "")


def stored_parameters(spec: NodeSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node's parameters by the names that workflows store: "method.inner" for a method's.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    values : mapping
        "method", if it has any, the method's parameters and the node's own.
    """
    own = {"method", *(parameter.name for parameter in spec.parameters)}
    return {name if name in own else f"method.{name}": value for name, value in values.items()}


class BatchFrames:
    """The frames of an IMAGE or MASK batch, read one at a time.

    Parameters
    ----------
    batch : (B, H, W, C) or (B, H, W) array or tensor
        A single mask without a batch axis is taken too.
    kind : Kind
        What its frames are.
    read : callable
        Returns a frame as a NumPy array; hosts with tensors bring their own.
    """

    def __init__(self, batch: Any, kind: Kind, read: Callable[[Any], Any] = np.asarray) -> None:
        axes = 4 if kind is Kind.IMAGE else 3
        self.batch = batch if batch.ndim == axes else batch[None]
        self.kind = kind
        self.read = read

    def __len__(self) -> int:
        return len(self.batch)

    def __getitem__(self, index: int) -> NDArray[Any]:
        # Samplers leave values a little outside 0..1.
        values: NDArray[Any] = self.read(self.batch[index]).clip(0, 1)
        return np.round(values * 255).astype(np.int32) if self.kind is Kind.LABELS else values


class StrokeFrames(BatchFrames):
    """Masks of strokes: a frame in which nothing was painted has None, as one without a box."""

    def __getitem__(self, index: int) -> NDArray[Any] | None:  # type: ignore[override]
        strokes = super().__getitem__(index)
        return strokes if strokes.any() else None


def frames(
    spec: NodeSpec,
    given: Mapping[str, Any],
    read: Callable[[Any], Any] = np.asarray,
    remarks: list[str] | None = None,
) -> dict[str, Frames | None]:
    """Return a node's wired inputs as frames; those that are not wired are None.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    given : mapping
        What its wires carry, by input name.
    read : callable
        Returns a frame of a batch as a NumPy array; hosts with tensors bring their own.
    remarks : list of str, optional
        What users should know of the inputs is added to it.

    Raises
    ------
    MissingInputError
        If a wire carries the placeholder that Load Image gives for no transparency, or no box.
    ParameterError
        If a text does not hold points.
    """
    wired = {wire: given.get(wire.name) for wire in spec.inputs}
    sizes = [b.shape[:3] for w, b in wired.items() if w.kind is Kind.IMAGE and b is not None]
    remarks = [] if remarks is None else remarks
    return {w.name: _frames(w, value, sizes, read, remarks) for w, value in wired.items()}


def _frames(
    wire: Input, value: Any, sizes: list[Any], read: Callable[[Any], Any], remarks: list[str]
) -> Frames | None:
    if value is None:
        return None
    if wire.kind is Kind.POINTS:
        return _points(value) if value.strip() else None
    if wire.kind is Kind.BOX:
        return _boxes(value, sizes, remarks)
    if wire.kind is not Kind.IMAGE and _is_placeholder(value, sizes):
        if wire.group:
            return None
        raise MissingInputError(
            f"The {wire.name} is 0 throughout and of 64 × 64 pixels, as Load Image gives it for a "
            "picture without transparency",
            f"{article(wire.kind.value).capitalize()} that shows an object is needed",
            f"Wire {article(wire.kind.value)} made by another node, or load a picture with "
            "transparency",
        )
    if wire.kind is Kind.MASK and wire.name in STROKES:
        # Nothing painted at all is no prompt.
        return StrokeFrames(value, wire.kind, read) if value.any() else None
    return BatchFrames(value, wire.kind, read)


def _is_placeholder(value: Any, sizes: list[Any]) -> bool:
    return (
        tuple(value.shape) == PLACEHOLDER
        and PLACEHOLDER[1:] not in [tuple(size[1:]) for size in sizes]
        and not value.any()
    )


def _points(text: str) -> list[list[tuple[float, ...]] | None]:
    """Return the points of all frames, or a list of each frame's, None where it is empty."""
    try:
        entries = parsed(text)
        by_frame = bool(entries) and all(isinstance(entry, list) for entry in entries)
        frames = entries if by_frame else [entries]
        listed = [[_numbers(point, "x", "y") for point in frame] for frame in frames]
        return [frame if frame or not by_frame else None for frame in listed]
    except (ValueError, TypeError, KeyError) as error:
        raise ParameterError(
            f"The points are {shown(text[:200])}",
            'They must be a JSON text such as [{"x": 10, "y": 20}], or a list of such lists, '
            "one a frame",
            "Wire a points editor, or write them so",
        ) from error


def _boxes(value: Any, sizes: list[Any], remarks: list[str]) -> list[tuple[float, ...] | None]:
    """Return one box a frame, whether one box, a list, or a list of lists was wired.

    A frame whose list is empty, where a detector found nothing, has None. Boxes are core's, the
    SEGS of the Impact Pack, or four numbers as the BBOX lists of other packages have them: left,
    top, right, bottom. Some packages give left, top, width, height by the same name: where the
    numbers could be either, a remark says how they were read.
    """
    if _is_segs(value):
        value = [[segment.bbox for segment in value[1]]]
    value = _plain(value)
    entries = [value] if isinstance(value, Mapping) or _is_corners(value) else value
    if isinstance(entries, list | tuple) and not entries:
        raise MissingInputError(
            "The box holds no box: none was drawn or detected",
            "The object lies inside one",
            "Draw one, or remove the wire to find the object without a box",
        )
    try:
        for index, entry in enumerate(entries):
            if isinstance(entry, list | tuple) and len(entry) > 1 and not _is_corners(entry):
                remarks.append(f"Frame {index} has {len(entry)} boxes: the first is used")
        found = [_box(entry) for entry in entries]
    except (TypeError, KeyError, ValueError) as error:
        raise ParameterError(
            f"The boxes are {shown(value)}",
            'A box is {"x": …, "y": …, "width": …, "height": …} in pixels, or left, top, right and '
            "bottom; several are a list of them, or of lists, one a frame",
            "Wire a box, or a node that detects them",
        ) from error
    _check_corners([box for box in map(_corners, entries) if box], sizes, remarks)
    if len(found) > 1 and sizes and all(count == 1 for count, *_ in sizes):
        remarks.append(f"{len(found)} boxes for one picture: each gives a frame of its own")
    return found


def _is_segs(value: Any) -> bool:
    """Return whether this is what the Impact Pack's detectors give: a size, and segments in it."""
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and isinstance(value[0], list | tuple)
        and len(value[0]) == 2
        and isinstance(value[1], list | tuple)
        and all(hasattr(segment, "bbox") for segment in value[1])
    )


def _plain(value: Any) -> Any:
    """Return arrays, tensors and NumPy's numbers, in lists too, as Python's own."""
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value.tolist() if hasattr(value, "tolist") else value


def _box(entry: Any) -> tuple[float, ...] | None:
    """Return a box, or the first of a frame's, as (left, top, right, bottom)."""
    if _is_corners(entry):
        return tuple(_place(number) for number in entry)
    if isinstance(entry, list | tuple):
        return _box(entry[0]) if entry else None
    x, y, width, height = _numbers(entry, "x", "y", "width", "height")
    return x, y, x + width, y + height


def _corners(entry: Any) -> list[float] | None:
    """Return the four numbers that a frame's box was given as, if it was."""
    if _is_corners(entry):
        return list(entry)
    return _corners(entry[0]) if isinstance(entry, list | tuple) and entry else None


def _check_corners(boxes: list[list[float]], sizes: list[Any], remarks: list[str]) -> None:
    """Refuse four numbers that can only be a place and a size, and tell where they may be."""
    for left, top, right, bottom in boxes:
        if (right <= left or bottom <= top) and right > 0 and bottom > 0:
            raise ParameterError(
                f"The box is {left:g}, {top:g}, {right:g}, {bottom:g}",
                "Four numbers are left, top, right, bottom; these can only be left, top, width, "
                "height",
                "Let the node give xyxy, or make a bounding box of them with width and height",
            )
    height, width = sizes[0][-2:] if sizes else (0, 0)
    if boxes and all(x + right <= width and y + bottom <= height for x, y, right, bottom in boxes):
        left, top, right, bottom = boxes[0]
        remarks.append(
            f"The box was read as left {left:g}, top {top:g}, right {right:g}, bottom {bottom:g}"
        )


def _numbers(entry: Any, *names: str) -> tuple[float, ...]:
    """Return the numbers of an object by their names.

    Raises
    ------
    TypeError, KeyError, ValueError
        If it lacks one, or one is no finite number.
    """
    return tuple(_place(entry[name]) for name in names)


def _place(value: Any) -> Any:
    if isinstance(value, bool | str) or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"{shown(value)} is no place")
    return value


def _is_corners(entry: Any) -> bool:
    """Return whether this is a box as four numbers."""
    return (
        isinstance(entry, list | tuple)
        and len(entry) == 4
        and all(isinstance(number, int | float) for number in entry)
    )


def collect(spec: NodeSpec, results: Iterable[Result], count: int, remarks: list[str]) -> list[Any]:
    """Return the node's outputs: (count, …) float32 batches, and tables as texts.

    What users should know of single frames is added to `remarks`.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    results : iterable of Result
        One a frame.
    count : int
        How many there are.
    remarks : list of str
        Remarks on single frames are added to it.
    """
    gathered: dict[str, Any] = {}
    for index, result in enumerate(results):
        named = f"Frame {index}: " if count > 1 else ""
        told = [f"{named}{notice}" for notice in result.provenance.get("notices", [])]
        remarks += [remark for remark in (*told, result.remark) if remark]
        for output in spec.outputs:
            value = result.values[output.name]
            if output.kind is Kind.TABLE:
                gathered.setdefault(output.name, []).append(_text(value))
                continue
            frame = _floats(value, output.kind)
            if output.name not in gathered:
                check_memory(4 * count * frame.size, f"{output.name} of {count} frames")
                gathered[output.name] = np.empty((count, *frame.shape), np.float32)
            gathered[output.name][index] = frame
    return ["\n\n".join(v) if isinstance(v, list) else v for v in gathered.values()]


def _floats(value: NDArray[Any], kind: Kind) -> NDArray[Any]:
    if kind is Kind.TRIMAP:
        return np.where(value == UNKNOWN, np.float32(0.5), value / np.float32(255))
    if kind is Kind.IMAGE and value.shape[2] == 1:
        return np.broadcast_to(value, (*value.shape[:2], 3))
    return value


def _text(table: Mapping[str, Any]) -> str:
    if has_rows(table):
        return as_csv(table)
    return "\n".join(f"{name} {number:.6g}" for name, number in table.items())
