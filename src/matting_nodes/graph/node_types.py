"""The types of node that a graph may hold, each made from a typed function on batches.

As for the matting nodes, everything is read from the signature: arguments annotated as ImageBatch,
MaskBatch … are wires, keywords with a default are parameters, the return annotation names the
outputs. Keywords without a default are handed on: `folders`, `job`, and `embedded`, the JSON
values that the files that are saved hold of their making, by name.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, get_type_hints

import numpy as np
from docstring_parser import parse as parse_docstring
from numpy.typing import NDArray

from ..framework.parameters import Parameter, read_parameter, unwrap
from ..framework.register import help_texts, read_outputs
from ..framework.spec import Socket
from .folders import Folders
from .wires import BOUNDING_BOX, IMAGE, MASK, STRING, id_of

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True)
class Wire:
    """Annotation of a value that travels on wires of this type."""

    type: str


ImageBatch = Annotated[NDArray[np.float32], Wire(IMAGE)]
"""(B, H, W, C) float32, 0..1; C is 3, or 4 with straight alpha."""

MaskBatch = Annotated[NDArray[np.float32], Wire(MASK)]
"""(B, H, W) float32, 0..1."""

Box = Annotated[dict[str, int], Wire(BOUNDING_BOX)]
"""{"x": …, "y": …, "width": …, "height": …}, pixels."""

Text = Annotated[str, Wire(STRING)]
Whole = Annotated[int, Wire("INT")]
Number = Annotated[float, Wire("FLOAT")]
Truth = Annotated[bool, Wire("BOOLEAN")]

PARAMETER_WIRES = {int: "INT", float: "FLOAT", str: STRING, bool: "BOOLEAN"}


class Saved(NamedTuple):
    """What a node produced: its outputs, the files that it wrote, texts for the user."""

    values: tuple[object, ...] = ()
    files: tuple[Path, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class NodeType:
    """A type of node."""

    name: str
    """Its id in workflows."""
    title: str
    function: Callable[..., object]
    """Takes inputs and parameters by name; returns the outputs, or Saved."""
    inputs: tuple[Socket[str], ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[Socket[str], ...]
    passed: tuple[str, ...] = ()
    methods: Mapping[str, tuple[Parameter, ...]] = field(default_factory=dict)
    """The parameters under each choice of "method"."""
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the optional inputs that must be wired for a choice of "method"."""
    is_end: bool = False
    """Whether it saves, shows or measures something, so that a graph runs for it."""
    check: Callable[[Mapping[str, object], Folders], None] | None = None
    """Refuses parameters before anything runs."""
    ours: bool = False
    summary: str = ""
    help: str = ""
    aliases: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Inputs that older workflows have by another name: the old one, and today's."""
    memory: Callable[[Mapping[str, Any]], float] | None = None
    """Bytes of its results and of what it works with, from its inputs and parameters."""

    @property
    def default(self) -> str:
        """The method of a new node; empty if there is no choice."""
        return next(iter(self.methods), "")

    def current(self, given: Mapping[str, object]) -> dict[str, object]:
        """Return inputs under today's names; a value under both counts under today's."""
        old = {self.renamed[name]: given[name] for name in self.renamed if name in given}
        return old | {name: v for name, v in given.items() if name not in self.renamed}

    def parameters_for(self, given: Mapping[str, object]) -> dict[str, Parameter]:
        """Return the parameters that a node of this type has, given its choice of method."""
        own = {parameter.name: parameter for parameter in self.parameters}
        chosen = self.methods.get(str(given.get("method")), ())
        return own | {f"method.{parameter.name}": parameter for parameter in chosen}

    def bytes_for(self, given: Mapping[str, object]) -> float:
        """Return the memory that a run takes; by default results are as large as the inputs.

        Parameters
        ----------
        given : mapping
            Its inputs and parameters by name.
        """
        if self.memory:
            return self.memory(given)
        return sum(value.nbytes for value in given.values() if isinstance(value, np.ndarray))

    def run(self, given: Mapping[str, object], context: Mapping[str, object]) -> Saved:
        """Run a node of this type.

        Parameters
        ----------
        given : mapping
            Its inputs and parameters by name.
        context : mapping
            What the run offers: "folders", "job" and "embedded", if the type asks for it.
        """
        result = self.function(**given, **{name: context[name] for name in self.passed})
        if isinstance(result, Saved):
            return result
        # A named tuple is several outputs; anything else is one.
        return Saved(tuple(result) if isinstance(result, tuple) else (result,))


TYPES: dict[str, NodeType] = {}


def node_type(
    *,
    title: str,
    name: str = "",
    is_end: bool = False,
    check: Callable[[Mapping[str, object], Folders], None] | None = None,
    aliases: tuple[str, ...] = (),
    renamed: Mapping[str, str] | None = None,
    memory: Callable[[Mapping[str, Any]], float] | None = None,
) -> Callable[[F], F]:
    """Register a typed function on batches as a type of node.

    Parameters
    ----------
    title : str
        The name that people see.
    name : str
        The id of a node of ComfyUI's own. One without is ours, and named after its title.
    is_end : bool
        Whether it saves or shows something, so that graphs run for it.
    check : callable(parameters, folders), optional
        Raises a MattingError if the parameters cannot be used.
    aliases : tuple of str
        Other words that people search for.
    renamed : mapping of str to str, optional
        Names that inputs had before, and have now; workflows with the old ones still run.
    memory : callable(given), optional
        Returns the bytes of its results and of what it works with, if they are not as large as
        its inputs.
    """

    def register(function: F) -> F:
        docs = parse_docstring(function.__doc__ or "")
        texts = help_texts(docs)
        hints = get_type_hints(function, include_extras=True)
        inputs, parameters, passed = [], [], []
        for argument in inspect.signature(function).parameters.values():
            _, markers, optional = unwrap(hints[argument.name])
            wire = next((m for m in markers if isinstance(m, Wire)), None)
            if wire:
                text = texts.get(argument.name, "")
                inputs.append(Socket(argument.name, wire.type, optional, text))
            elif argument.default is argument.empty:
                passed.append(argument.name)
            else:
                parameters.append(read_parameter(argument, hints[argument.name], texts))
        type_ = NodeType(
            name=name or id_of(title),
            title=title,
            function=function,
            inputs=tuple(inputs),
            parameters=tuple(parameters),
            outputs=_outputs(hints["return"]),
            passed=tuple(passed),
            is_end=is_end,
            check=check,
            ours=not name,
            summary=docs.short_description or "",
            help=docs.long_description or "",
            aliases=aliases,
            renamed=renamed or {},
            memory=memory,
        )
        TYPES[type_.name] = type_
        return function

    return register


def floats(*sides: float) -> float:
    """Return the bytes of a float32 array of these sides.

    Examples
    --------
    >>> floats(2, 10, 10, 3)
    2400.0
    """
    return 4.0 * math.prod(sides)


def nothing(given: Mapping[str, Any]) -> float:
    """Return the memory of what only hands on, or works on one frame after the other."""
    return 0


def _outputs(hint: object) -> tuple[Socket[str], ...]:
    if hint is Saved:
        return ()
    return tuple(Socket(n or wire.type.lower(), wire.type) for n, wire in read_outputs(hint))
