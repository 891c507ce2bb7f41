from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...alpha.propagation import session as live
from ...arrays import UNKNOWN, Kind
from ...errors import MattingError, MissingInputError, ParameterError
from ...framework.run import complete_parameters, run
from ...framework.spec import NODES
from ...graph.types.mark_object import mark_object
from ...graph.types.picture_files import as_batches
from ...graph.wires import frames
from ...io import images
from ...job import Job
from ...solvers.boxes import Slices, bounds, is_empty, whole
from ...trimap.painting import Stroke, paint, strokes_from
from ._forms import read_parameters, read_picture
from ._limits import Limits
from ._specs import STEPS
from ._workflow import workflow

Bytes = NDArray[np.uint8]
Show = Callable[[str, Bytes, Slices], None]
"""Called with a picture's name, the picture, and the box outside of which it is as before."""

LIVE = "sampled_propagation"
PICTURES = ("image", "background")
STARTS = ("mask", "empty")
NAMES = {"mask": Kind.MASK, "trimap": Kind.TRIMAP, "alpha": Kind.ALPHA, "foreground": Kind.IMAGE}


@dataclass(frozen=True)
class State:
    """What a page wants to see: all of it, so that undo and a new connection are nothing special.

    Parameters
    ----------
    parameters : mapping
        By node.
    marks, strokes : str
        What was drawn on the picture and on the trimap, as the nodes keep it.
    start : {"mask", "empty"}
        What the strokes are painted on: the trimap of the mask, or one that is unknown throughout.
    """

    parameters: Mapping[str, Mapping[str, Any]]
    marks: str = ""
    strokes: str = ""
    start: str = "mask"

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> State:
        """Return the state that a message holds.

        Raises
        ------
        ParameterError
        """
        given = message.get("parameters", {})
        drawn = {name: message.get(name, "") for name in ("marks", "strokes")}
        start = message.get("start", "mask")
        if not (
            isinstance(given, dict)
            and all(isinstance(value, dict) for value in given.values())
            and given.keys() <= set(STEPS)
            and all(isinstance(text, str) for text in drawn.values())
            and start in STARTS
        ):
            raise ParameterError(
                f"The parameters are {str(given)[:60]!r}",
                f"They are values by name, for each of {', '.join(STEPS)}; a trimap starts from "
                f"{' or '.join(STARTS)}",
                "Load the page again",
            )
        read = {name: read_parameters(NODES[name], values) for name, values in given.items()}
        return cls(read, **drawn, start=start)


@dataclass
class Made:
    """A step's result, and what it was made from."""

    value: Any
    key: object
    version: int


@dataclass
class Session:
    """The pictures of one page, and what has been made of them.

    It belongs to one connection and ends with it; there is no name by which another could ask.

    Parameters
    ----------
    limits : Limits
        How large pictures may be.
    """

    limits: Limits
    _made: dict[str, Made] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _shown: dict[str, Bytes] = field(default_factory=dict)
    _strokes: list[Stroke] = field(default_factory=list)
    _follower: Any = None
    _settle: bool = False
    _count: int = 0
    _state: State = field(default_factory=lambda: State({}))
    step: str = ""
    """The step that is being done, for errors."""

    def load(self, what: str, name: str, data: bytes, show: Show) -> None:
        """Take a picture; if it cannot be read, the one before stays.

        Parameters
        ----------
        what : {"image", "background"}
            What it is for.
        name : str
            Its file's name.
        data : bytes
            Its file's content.
        show : callable
            Gets the picture.
        """
        self.step = what
        picture = as_batches([read_picture(data, what, Kind.IMAGE, self.limits)], what).image[0]
        self._keep(what, picture, object())
        self._names[what] = safe_name(name)
        if what == "image":
            for made in [name for name in self._made if name not in PICTURES]:
                del self._made[made]
            self._shown.clear()
            self._follower = None
        self._show(what, picture, show)

    def forget_background(self) -> None:
        """Lay the object over the backdrop again."""
        for kept in (self._made, self._names, self._shown):
            kept.pop("background", None)

    def follow(self, state: State, job: Job, show: Show) -> None:
        """Bring all steps to a state; what it does not change is not done again.

        After a stroke all is shown at once as it is near the stroke, then as it is in the end.

        Parameters
        ----------
        state : State
            What is wanted.
        job : Job
            Takes progress and cancel.
        show : callable
            Gets what has changed.
        """
        if "image" not in self._made:
            raise MissingInputError("There is no picture yet", "It is needed", "Choose a picture")
        self._state = state
        self._follow_steps(job.part(0, 0.5), show, settle=False)
        if self._follower and not self._follower[1].settled:
            self._made.pop("alpha", None)
            self._follow_steps(job.part(0.5, 1), show, settle=True)

    def _follow_steps(self, job: Job, show: Show, settle: bool) -> None:
        self._settle = settle
        steps: dict[str, Callable[[Job], Any]] = {
            "mask": self._mask,
            "trimap": self._trimap,
            "alpha": self._alpha,
            "foreground": self._foreground,
            "composite": self._composite,
        }
        if self._state.start == "empty":
            for name in ("mask", "base"):
                self._made.pop(name, None)
            del steps["mask"]
        for index, (name, make) in enumerate(steps.items()):
            self.step = name
            try:
                picture = make(job.part(index / 5, (index + 1) / 5))
            except MattingError:
                # Nothing of an older state is to be downloaded as if it were of this one.
                for later in list(steps)[index:]:
                    self._made.pop(later, None)
                raise
            self._show(name, picture, show)

    # The steps.

    def _step(self, name: str, node: str, sources: tuple[str, ...], make: Callable[[], Any]) -> Any:
        """Return a step's result, made again if its sources or parameters are others now."""
        parameters = json.dumps(self._parameters(node), sort_keys=True, default=str)
        versions = [self._made[s].version if s in self._made else 0 for s in sources]
        key = (parameters, versions, self._state.marks if name == "mask" else "")
        if name not in self._made or self._made[name].key != key:
            self._made.pop(name, None)
            self._keep(name, make(), key)
        return self._made[name].value

    def _keep(self, name: str, value: Any, key: object) -> None:
        self._count += 1
        self._made[name] = Made(value, key, self._count)

    def _parameters(self, node: str) -> dict[str, Any]:
        return dict(self._state.parameters.get(node, {}))

    def _value(self, name: str) -> Any:
        return self._made[name].value

    def _run(self, node: str, inputs: Mapping[str, Any], job: Job) -> Any:
        spec = NODES[node]
        result = run(spec, inputs, self._parameters(node), job)
        return result.values[spec.outputs[0].name]

    def _mask(self, job: Job) -> Any:
        def make() -> Any:
            image, marks = self._value("image"), {}
            if self._state.marks:
                marks = mark_object(image[None], marks=self._state.marks)._asdict()
            given = frames(NODES["segment"], {"image": image[None]} | marks)
            return self._run("segment", {n: f[0] for n, f in given.items() if f is not None}, job)

        return self._step("mask", "segment", ("image",), make)

    def _trimap(self, job: Job) -> Any:
        def make() -> Any:
            inputs = {"mask": self._value("mask"), "image": self._value("image")}
            return self._run("make_trimap", inputs, job)

        def unknown() -> Any:
            return np.full(self._value("image").shape[:2], UNKNOWN, np.uint8)

        begun = "empty" if self._state.start == "empty" else "base"
        if begun == "empty":
            base = self._step(begun, "", ("image",), unknown)
        else:
            base = self._step(begun, "make_trimap", ("mask",), make)
        key = (self._made[begun].version, self._state.strokes)
        before = self._made.get("trimap")
        if before is None or before.key != key:
            strokes = strokes_from(self._state.strokes)
            known = len(self._strokes)
            same = before is not None and before.key[0] == key[0]  # type: ignore[index]
            if before is not None and same and strokes[:known] == self._strokes:
                trimap, new = before.value, strokes[known:]
            else:
                trimap, new = base.copy(), strokes
            self._made.pop("trimap", None)
            for stroke in new:
                paint(trimap, stroke, self._value("image"))
            self._strokes = strokes
            self._keep("trimap", trimap, key)
        return self._value("trimap")

    def _alpha(self, job: Job) -> Any:
        def make() -> Any:
            image, trimap = self._value("image"), self._value("trimap")
            parameters = complete_parameters(NODES["alpha_matte"], self._parameters("alpha_matte"))
            if parameters.pop("method") != LIVE or parameters["device"] not in ("auto", "cpu"):
                self._follower = None
                return self._run("alpha_matte", {"image": image, "trimap": trimap}, job)
            key = self._made["image"].version, parameters["normalization"]
            if self._follower is None or self._follower[0] != key:
                begun = live.MattingSession.begin(image, trimap, job, normalization=key[1])
                self._follower = key, begun
            else:
                self._follower[1].update(trimap, job=job, settle=self._settle)
            return self._follower[1].alpha

        return self._step("alpha", "alpha_matte", ("image", "trimap"), make)

    def _foreground(self, job: Job) -> Any:
        def make() -> Any:
            inputs = {name: self._value(name) for name in ("image", "alpha", "trimap")}
            return self._run("estimate_foreground", inputs, job)

        return self._step("foreground", "estimate_foreground", ("image", "alpha"), make)

    def _composite(self, job: Job) -> Any:
        sources = ("image", "alpha", "foreground", "background")

        def make() -> Any:
            inputs = {name: self._value(name) for name in sources if name in self._made}
            return self._run("composite", inputs, job)

        return self._step("composite", "composite", sources, make)

    # What leaves.

    def _show(self, name: str, value: Any, show: Show) -> None:
        picture = value if value.dtype == np.uint8 else images.quantized(value, 8)
        before = self._shown.get(name)
        region = whole(picture.shape)
        if before is not None and before.shape == picture.shape:
            differs = before != picture
            region = bounds(differs.any(axis=2) if differs.ndim == 3 else differs)
        if not is_empty(region):
            self._shown[name] = picture.copy() if picture is value else picture
            show(name, picture, region)

    def download(self, what: str, job: Job) -> tuple[str, bytes]:
        """Return the name and the content of a file to keep.

        Parameters
        ----------
        what : {"composite", "cutout", "alpha", "trimap", "mask", "foreground", "workflow"}
            What is wanted.
        job : Job
            Takes progress and cancel.

        Raises
        ------
        MissingInputError
            If it has not been made.
        """
        stem = Path(self._names.get("image", "picture")).stem
        if what == "workflow":
            return f"{stem}-workflow.json", json.dumps(self._workflow(), indent=1).encode()
        needed = {"cutout": "foreground"}.get(what, what)
        if needed not in self._made or what not in (*NAMES, "composite", "cutout"):
            raise MissingInputError(
                f"There is no {what[:40]} yet",
                "It is made from a picture, step by step",
                "Choose a picture, and wait until its steps are done",
            )
        if what == "cutout":
            inputs = {name: self._value(name) for name in ("image", "alpha", "foreground")}
            adjusted = self._parameters("composite") | {"backdrop": "color", "color": "transparent"}
            value = run(NODES["composite"], inputs, adjusted, job).values["image"]
        else:
            value = self._value(what)
        name = f"{stem}-{what}.png"
        return name, images.encoded(name, images.as_stored(value, NAMES.get(what, Kind.IMAGE)))

    def id_photo(self, wish: Mapping[str, Any], job: Job) -> tuple[dict[str, bytes], Any]:
        """Return an ID photo and its print sheet as files, and the verdicts.

        Parameters
        ----------
        wish : mapping
            Its `parameters`, and the box around the `face`, if one was drawn.
        job : Job
            Takes progress and cancel.

        Raises
        ------
        MattingError
        """
        self.step = "id_photo"
        spec, given = NODES["id_photo"], wish.get("parameters")
        names = [name for name in ("image", "alpha", "foreground") if name in self._made]
        inputs = {name: self._value(name) for name in names}
        parameters = read_parameters(spec, given if isinstance(given, dict) else {})
        made = run(spec, inputs | {"face": wish.get("face")}, parameters, job).values
        verdicts = made.pop("verdicts")
        return {
            f"{name}.png": images.encoded(f"{name}.png", picture) for name, picture in made.items()
        }, verdicts

    def _workflow(self) -> dict[str, Any]:
        if "image" not in self._names:
            raise MissingInputError("There is no picture yet", "It is needed", "Choose a picture")
        return workflow(
            self._state.parameters,
            self._names["image"],
            self._names.get("background", ""),
            self._state.marks,
            self._state.strokes,
            self._state.start == "empty",
        )


def safe_name(name: str) -> str:
    """Return a file's name without folders and without what names may not hold everywhere.

    Examples
    --------
    >>> safe_name("../../etc/pass wd.png"), safe_name("..")
    ('pass_wd.png', 'picture')
    """
    last = re.split(r"[\\\\/]", name)[-1]
    return re.sub(r"[^\w.-]+", "_", last).lstrip(".")[-80:] or "picture"
