"""The page of the Python API, from the docstrings of the public names."""

from __future__ import annotations

import inspect
from operator import attrgetter
from typing import Any

from docstring_parser import Docstring, parse

import matting_nodes
from matting_nodes.framework.spec import NodeSpec

INTRODUCTION = """\
# Python API

Everything here is imported from `matting_nodes`. Arrays that cannot be used are refused with a
[`MattingError`](#mattingerror); [bad-input.md](bad-input.md) says which can.
"""

METHODS = {"MattingSession": ("MattingSession.begin", "MattingSession.update")}
"""What else of a class a user calls."""


def api_page() -> str:
    """Return the page as Markdown."""
    nodes = [spec.name for spec in matting_nodes.all_nodes()]
    others = [name for name in matting_nodes.__all__ if name not in nodes and name[0] != "_"]
    places = [place for name in (*nodes, *others) for place in (name, *METHODS.get(name, ()))]
    return "\n".join([INTRODUCTION, *(_section(place) for place in places)])


def _section(name: str) -> str:
    value = attrgetter(name)(matting_nodes)
    source = value.function if isinstance(value, NodeSpec) else value
    docs = parse(inspect.getdoc(source) or "")
    lines = [f"## {name}", "", "```python", _signature(name, value), "```", ""]
    lines += [text for text in (docs.short_description, docs.long_description) if text]
    if isinstance(value, NodeSpec):
        methods = ", ".join(f"`{method}`" for method in value.methods)
        page = f"[{value.title}](nodes/{value.command}.md)"
        lines += [
            "",
            f"Methods: {methods}. Their parameters: {page}." if methods else f"See {page}.",
        ]
    return "\n".join([*lines, *_details(docs)]) + "\n"


def _signature(name: str, value: Any) -> str:
    """Return the call by names and defaults alone; the types stand below it."""
    function = value.function if isinstance(value, NodeSpec) else value
    if inspect.isclass(value) and issubclass(value, Exception) and name != "MattingError":
        return f"class {name}(Exception)"
    parameters = [_plain(p) for p in inspect.signature(function).parameters.values()]
    parameters = [p for p in parameters if p.name != "self"]
    if isinstance(value, NodeSpec) and value.methods:
        parameters.append(inspect.Parameter("parameters", inspect.Parameter.VAR_KEYWORD))
    shown = inspect.Signature(parameters)
    text = f"{name}{shown}".replace("Ellipsis", "…")
    return f"class {text}" if inspect.isclass(value) else text


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    # A function as default would be shown with its address.
    is_function = inspect.isfunction(parameter.default)
    default = ... if is_function else parameter.default
    return parameter.replace(annotation=parameter.empty, default=default)


def _details(docs: Docstring) -> list[str]:
    lines: list[str] = []
    if docs.params:
        lines += ["", "| argument | type | what |", "|---|---|---|"]
    for p in docs.params:
        lines.append(f"| {p.arg_name} | {_cell(p.type_name)} | {_cell(p.description)} |")
    for value in docs.many_returns:
        name = f"{value.return_name}: " if value.return_name else ""
        lines += [
            "",
            f"Returns {name}{_cell(value.type_name)}. {_cell(value.description)}".rstrip(),
        ]
    for error in docs.raises:
        lines += ["", f"Raises {error.type_name}: {_cell(error.description)}".rstrip(": ")]
    return lines


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
