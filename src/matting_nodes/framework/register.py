"""@node and @method: typed functions become specs that every host is rendered from.

A node's signature declares everything: arguments annotated as Image, Mask, Trimap … are inputs
(wires), those annotated as numbers, texts and choices are parameters (widgets), the return
annotation names the outputs, the docstring is the help. A method is a function too; its own
parameters appear under its node's choice of method.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar, cast, get_type_hints

from docstring_parser import Docstring
from docstring_parser import parse as parse_docstring

from ..arrays import AnyChannels, AnySize, Difference, Kind, ValuesOf
from ..job import Job
from .normalization import ValueRange
from .parameters import Parameter, read_parameter, unwrap
from .run import NORMALIZATION, run
from .spec import LEAST_BYTES, METHODS, NODES, Input, Method, MethodSpec, NodeSpec, Output

R = TypeVar("R")
Function = TypeVar("Function", bound=Callable[..., object])


class Node(NodeSpec, Generic[R]):
    """A node that Python calls like the function it was made from."""

    @property
    def __signature__(self) -> inspect.Signature:
        """What Python shows: inputs, method, and every method's parameters."""
        own = inspect.signature(self.function).parameters
        shown = {name: p for name, p in own.items() if name not in ("job", "image_range")}
        owners = [*(spec.parameters for spec in self.methods.values()), self.parameters]
        for parameter in itertools.chain(*owners):
            shown.setdefault(
                parameter.name,
                inspect.Parameter(
                    parameter.name, inspect.Parameter.KEYWORD_ONLY, default=parameter.default
                ),
            )
        job = inspect.Parameter("job", inspect.Parameter.KEYWORD_ONLY, default=None)
        return inspect.Signature([*shown.values(), job])

    def __call__(self, *args: Any, job: Job | None = None, **keywords: Any) -> R:
        """Run the node on arrays and return arrays."""
        signature = self.__signature__
        known = {name: keywords[name] for name in keywords if name in signature.parameters}
        # Unknown keywords go on to `run`, which says what there is instead.
        given = keywords | signature.bind_partial(*args, **known).arguments
        wires = {i.name for i in self.inputs} | set(self.groups)
        inputs = {name: given.pop(name) for name in wires & set(given)}
        values = run(self, inputs, given, job or Job()).values
        kind = get_type_hints(self.function)["return"]
        return cast(
            "R", kind(**values) if hasattr(kind, "_fields") else next(iter(values.values()))
        )

    def method(
        self, title: str, networks: Iterable[str] = (), bytes_per_pixel: int = LEAST_BYTES
    ) -> Callable[[Function], Function]:
        """Register a function as a method of this node; see `method`.

        Parameters
        ----------
        title : str
            The name that people see.
        networks : iterable of str
            Models of the catalog that it can use, the default first.
        bytes_per_pixel : int
            Memory that it takes at least.
        """
        return method(self.name, title=title, networks=networks, bytes_per_pixel=bytes_per_pixel)


def node(
    *,
    title: str,
    command: str,
    step: int,
    aliases: Iterable[str] = (),
    check: Callable[..., None] | None = None,
) -> Callable[[Callable[..., R]], Node[R]]:
    """Turn a typed function into a node.

    Parameters
    ----------
    title : str
        The name that people see.
    command : str
        The name on the command line.
    step : int
        Its place in the pipeline: hosts list nodes in this order.
    aliases : iterable of str
        Other words that people search for.
    check : callable, optional
        Takes some of the inputs by name and raises a MattingError if they cannot be used.
        It runs before anything is computed: for a batch, on every frame first.
    """

    def register(function: Callable[..., R]) -> Node[R]:
        docs = parse_docstring(function.__doc__ or "")
        texts = help_texts(docs)
        hints = get_type_hints(function, include_extras=True)
        inputs: list[Input] = []
        groups: dict[str, type] = {}
        parameters: list[Parameter] = []
        default_method = ""
        for parameter in inspect.signature(function).parameters.values():
            hint = hints[parameter.name]
            base, markers, optional = unwrap(hint)
            kind = next((m for m in markers if isinstance(m, Kind)), None)
            if base in (Job, ValueRange):
                continue
            if base is Method:
                default_method = str(parameter.default)
            elif kind is not None:
                any_size = any(isinstance(m, AnySize) for m in markers)
                text = texts.get(parameter.name, "")
                values = next((m for m in markers if isinstance(m, ValuesOf)), ValuesOf(""))
                inputs.append(
                    Input(
                        parameter.name,
                        kind,
                        optional,
                        text,
                        any_size,
                        values_of=values.name,
                        measured_jointly=values.jointly,
                    )
                )
            elif is_dataclass(base):
                groups[parameter.name] = base  # type: ignore[assignment]
                inputs += _members(base, parameter.name)  # type: ignore[arg-type]
            else:
                parameters.append(read_parameter(parameter, hint, texts))
        if any(wire.kind is Kind.IMAGE for wire in inputs):
            parameters += NORMALIZATION
        spec: Node[R] = Node(
            name=function.__name__,
            title=title,
            command=command,
            step=step,
            aliases=tuple(aliases),
            function=function,
            check=check,
            inputs=tuple(inputs),
            groups=groups,
            parameters=tuple(parameters),
            default_method=default_method,
            outputs=_outputs(hints["return"]),
            wants_job="job" in hints,
            wants_range="image_range" in hints,
            summary=docs.short_description or "",
            help=docs.long_description or "",
        )
        # For `help` and notebooks, the function's own docstring; the spec is frozen otherwise.
        object.__setattr__(spec, "__doc__", function.__doc__)
        object.__setattr__(spec, "__name__", function.__name__)
        NODES[spec.name] = spec
        return spec

    return register


def method(
    node: str,
    *,
    title: str,
    networks: Iterable[str] = (),
    bytes_per_pixel: int = LEAST_BYTES,
) -> Callable[[Function], Function]:
    """Register a typed function as a method of the node with that name.

    The function stays an ordinary function. Its positional arguments are those of the
    node's inputs that it uses; its keyword-only ones are its parameters. Keywords without
    a default are passed on by the node: `job`, `stack`, and parameters of the node's own.

    Parameters
    ----------
    node : str
        Name of the node.
    title : str
        The name that people see.
    networks : iterable of str
        Models of the catalog that it can use, the default first.
    bytes_per_pixel : int
        Memory that it takes at least, as measured; by default the least that any method takes.
    """

    def register(function: Function) -> Function:
        docs = parse_docstring(function.__doc__ or "")
        hints = get_type_hints(function, include_extras=True)
        arguments = inspect.signature(function).parameters.values()
        wires = [p for p in arguments if p.kind is not p.KEYWORD_ONLY]
        keywords = [p for p in arguments if p.kind is p.KEYWORD_ONLY]
        METHODS.setdefault(node, {})[function.__name__] = MethodSpec(
            name=function.__name__,
            title=title,
            function=function,
            takes=tuple(p.name for p in wires),
            needs=tuple(p.name for p in wires if p.default is p.empty),
            passed=tuple(p.name for p in keywords if p.default is p.empty),
            parameters=tuple(
                read_parameter(p, hints[p.name], help_texts(docs))
                for p in keywords
                if p.default is not p.empty
            ),
            summary=docs.short_description or "",
            help=docs.long_description or "",
            networks=tuple(networks),
            bytes_per_pixel=bytes_per_pixel,
            any_channels=frozenset(
                p.name
                for p in wires
                if any(isinstance(m, AnyChannels) for m in unwrap(hints[p.name])[1])
            ),
        )
        return function

    return register


def load_modules(package: str, path: Iterable[str]) -> None:
    """Import every public module of a package, so that it registers its nodes or methods.

    Parameters
    ----------
    package : str
        Full name of the package.
    path : iterable of str
        The package's `__path__`.
    """
    for module in pkgutil.iter_modules(path):
        # Private ones are the methods' own, and may be slow to import.
        if not module.name.startswith("_"):
            importlib.import_module(f"{package}.{module.name}")


def _members(group: type, name: str) -> list[Input]:
    texts = help_texts(parse_docstring(group.__doc__ or ""))
    hints = get_type_hints(group, include_extras=True)
    members = []
    for f in fields(group):
        markers = unwrap(hints[f.name])[1]
        kind = next(m for m in markers if isinstance(m, Kind))
        members.append(Input(f.name, kind, True, texts.get(f.name, ""), group=name))
    return members


def _outputs(hint: Any) -> tuple[Output, ...]:
    hints = get_type_hints(unwrap(hint)[0], include_extras=True) if not unwrap(hint)[1] else {}
    return tuple(
        Output(
            name or kind.value,
            kind,
            is_difference=any(isinstance(m, Difference) for m in unwrap(hints.get(name))[1]),
        )
        for name, kind in read_outputs(hint)
    )


def read_outputs(hint: Any) -> list[tuple[str, Any]]:
    """Return name and marker of each value that is returned; a lone one has no name."""
    base, markers, _ = unwrap(hint)
    if markers:
        return [("", markers[0])]
    hints = get_type_hints(base, include_extras=True)
    return [(name, unwrap(hints[name])[1][0]) for name in base._fields]


def help_texts(docs: Docstring) -> dict[str, str]:
    """Return a docstring's description of each argument."""
    texts = {}
    for entry in docs.params:
        for name in entry.arg_name.split(","):
            texts[name.strip()] = " ".join((entry.description or "").split())
    return texts
