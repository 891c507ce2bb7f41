"""Specifications of nodes: inputs, parameters, methods and outputs; and the registry of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..arrays import Kind
from ..errors import ParameterError
from .parameters import Parameter

K = TypeVar("K")

LEAST_BYTES = 28
"""Of memory for each pixel: what the lightest of all methods was measured to take."""

NODES: dict[str, NodeSpec] = {}
METHODS: dict[str, dict[str, MethodSpec]] = {}


class Method(str):
    """The name of a method; inside its node, also the method itself, ready to be called."""

    call: Callable[..., Any]

    def __call__(self, **inputs: Any) -> Any:
        """Run the method on those of the node's inputs that it takes."""
        return self.call(**inputs)


@dataclass(frozen=True)
class Socket(Generic[K]):
    """Where a wire goes into a node or comes out of it."""

    name: str
    kind: K
    """What travels there: a Kind, or in graphs the name of ComfyUI's type."""
    optional: bool = False
    help: str = ""


@dataclass(frozen=True)
class Input(Socket[Kind]):
    """A wire into a node."""

    any_size: bool = False
    """Whether it need not have the size of the other pictures."""
    group: str = ""
    """The argument that this input is a field of, for inputs that come together."""
    values_of: str = ""
    """The picture whose range of values serves this one, too."""
    measured_jointly: bool = False
    """Whether that range is measured over both pictures."""

    @property
    def is_source(self) -> bool:
        """Whether it is the picture itself, which masks and mattes are made from."""
        return self.kind is Kind.IMAGE and not (self.values_of or self.any_size)


@dataclass(frozen=True)
class Output(Socket[Kind]):
    """A wire out of a node."""

    is_difference: bool = False
    """Whether it is a difference of pictures: 0 stays 0 in their numbers."""


@dataclass(frozen=True)
class MethodSpec:
    """One way of doing what a node does."""

    name: str
    title: str
    function: Callable[..., Any]
    takes: tuple[str, ...]
    """Names of the node's inputs that it uses."""
    needs: tuple[str, ...]
    """Those of them that must be given."""
    passed: tuple[str, ...]
    """Keywords that it gets from the node: the job, and parameters of the node's own."""
    parameters: tuple[Parameter, ...]
    summary: str
    help: str
    networks: tuple[str, ...] = ()
    """Models of the catalog that it can ask, the default first."""
    any_channels: frozenset[str] = frozenset()
    """Those of its inputs that may have any number of channels."""
    bytes_per_pixel: int = LEAST_BYTES
    """Memory that it takes at least, beside its inputs: a picture that needs more is refused."""

    @property
    def sees_stack(self) -> bool:
        """Whether it works on a stack as a whole: a prompt then counts beyond its own frame."""
        return "stack" in self.passed

    @property
    def is_network(self) -> bool:
        """Whether it needs weights."""
        return bool(self.networks)


@dataclass(frozen=True, eq=False)
class NodeSpec:
    """A node: its inputs, parameters, methods and outputs."""

    name: str
    title: str
    command: str
    step: int
    aliases: tuple[str, ...]
    function: Callable[..., object]
    check: Callable[..., None] | None
    inputs: tuple[Input, ...]
    groups: Mapping[str, type]
    parameters: tuple[Parameter, ...]
    default_method: str
    outputs: tuple[Output, ...]
    wants_job: bool
    wants_range: bool
    """Whether it takes the values of its image that became 0 and 1."""
    summary: str
    help: str

    @property
    def methods(self) -> dict[str, MethodSpec]:
        """The registered methods by name, the default first; empty if the node has no choice."""
        mine = METHODS.get(self.name, {})
        return dict(sorted(mine.items(), key=lambda item: item[0] != self.default_method))

    def chosen(self, name: str = "default") -> MethodSpec | None:
        """Return the method of that name, or None for a node without methods.

        Raises
        ------
        ParameterError
            If there is no such method.
        """
        if not self.default_method:
            return None
        name = self.default_method if name == "default" else name
        if name not in self.methods:
            owners = [NODES[node].title for node, methods in METHODS.items() if name in methods]
            raise ParameterError(
                f"{self.title} has no method {name!r}"
                + (f": that is a method of {' and '.join(owners)}" if owners else ""),
                f"It has {', '.join(self.methods)}",
                "Choose one of these",
            )
        return self.methods[name]
