"""Write the files that are made from the specs: `python scripts/generate.py`.

`napari.yaml`, ComfyUI's help pages and the nodes' names in other languages, the pages of the
nodes, of the Python API and of training's parameters, the table of the networks, the nodes' names
in the package's `__init__.py`, and the snapshot of the public interface. A test holds them to the
code. Ids, names and defaults in the snapshot must not change: saved workflows carry them.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from api_page import api_page
from draw_parameters import drawn, picture_path
from locales import NODES as LANGUAGES
from locales import node_names
from networks_table import networks_page
from training_page import training_page

from matting_nodes.arrays import Kind
from matting_nodes.framework.parameters import Parameter
from matting_nodes.framework.spec import MethodSpec, NodeSpec
from matting_nodes.framework.words import COMFYUI, reworded
from matting_nodes.graph import NodeType, file_types
from matting_nodes.hosts.napari import manifest
from matting_nodes.nodes import all_nodes

ROOT = Path(__file__).parent.parent
HELP = ROOT / "src/matting_nodes/hosts/comfyui/web/docs"
PACKAGE = ROOT / "src/matting_nodes/__init__.py"
PAGES = ROOT / "docs/nodes"
PICTURES = "../pictures/parameters"


def files() -> dict[Path, str]:
    """Return every generated file's text by path."""
    pages = {HELP / f"MattingNodes{s.title.replace(' ', '')}.md": help_page(s) for s in all_nodes()}
    return {
        ROOT / "napari.yaml": manifest_text(),
        ROOT / "tests/interface.json": json.dumps(interface(), indent=2) + "\n",
        **pages,
        **{HELP / f"{type_.name}.md": file_node_page(type_) for type_ in file_types()},
        ROOT / "mkdocs.yml": site_map(),
        ROOT / "docs/api.md": api_page(),
        ROOT / "docs/networks.md": networks_page(ROOT / "docs/networks.md"),
        ROOT / "docs/training-parameters.md": training_page(),
        **{PAGES / f"{spec.command}.md": node_page(spec) for spec in all_nodes()},
        PACKAGE: typed_names(),
        **{ROOT / f"locales/{name}/nodeDefs.json": node_names(name) for name in LANGUAGES},
    }


def typed_names() -> str:
    """Return the package's `__init__.py` with every node's name for type checkers."""
    names = sorted(spec.name for spec in all_nodes())
    lines = "".join(f"    from .nodes.{name} import {name} as {name}\n" for name in names)
    text = PACKAGE.read_text(encoding="utf-8")
    return re.sub(r"(    from \.nodes\.\w+ import \w+ as \w+\n)+", lines, text)


def site_map() -> str:
    """Return the configuration of the documentation's site, which lists the nodes' pages."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    lines = "".join(f"      - {s.title}: nodes/{s.command}.md\n" for s in all_nodes())
    return re.sub(r"(      - [^:\n]+: nodes/[\w-]+\.md\n)+", lines, text)


def manifest_text() -> str:
    """Return napari's manifest as YAML."""
    head = "# Made from the node specs by scripts/generate.py.\n"
    return head + yaml.safe_dump(manifest(), sort_keys=False, width=100)


def interface() -> dict[str, Any]:
    """Return what saved workflows rely on."""
    return {
        spec.name: {
            "title": spec.title,
            "command": spec.command,
            "inputs": {w.name: _wire(w.kind, w.optional) for w in spec.inputs},
            "outputs": {o.name: o.kind.value for o in spec.outputs},
            "parameters": {p.name: _described(p) for p in spec.parameters},
            "methods": {
                name: {p.name: _described(p) for p in method.parameters}
                for name, method in spec.methods.items()
            },
        }
        for spec in all_nodes()
    } | {
        type_.name: {
            "title": type_.title,
            "inputs": {s.name: s.kind + (", optional" if s.optional else "") for s in type_.inputs},
            "outputs": {output.name: output.kind for output in type_.outputs},
            "parameters": {p.name: _described(p) for p in type_.parameters},
        }
        for type_ in file_types()
    }


def _wire(kind: Kind, optional: bool) -> str:
    return kind.value + (", optional" if optional else "")


def _described(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {"type": parameter.type.__name__, "default": parameter.default}
    if parameter.choices:
        described["choices"] = list(parameter.choices)
    if parameter.slider:
        described["range"] = [parameter.slider.minimum, parameter.slider.maximum]
    return described


def help_page(spec: NodeSpec) -> str:
    """Return a node's help page for ComfyUI."""
    lines = [f"# {spec.title}", "", spec.summary, ""]
    if spec.help:
        lines += [spec.help, ""]
    lines += ["## Inputs", "", "| input | what |", "|---|---|"]
    for wire in spec.inputs:
        optional = " (optional)" if wire.optional else ""
        lines.append(f"| {wire.name}{optional} | {_cell(wire.help)} |")
    lines += _table("## Parameters", spec.parameters)
    for method in spec.methods.values():
        lines += _about(method)
        lines += _table("", method.parameters)
    return reworded(_page(lines + _outputs(spec)), COMFYUI)


def file_node_page(type_: NodeType) -> str:
    """Return the help page of a node that loads or saves."""
    lines = [f"# {type_.title}", "", type_.summary, ""]
    lines += [type_.help, ""] if type_.help else []
    if type_.inputs:
        lines += ["## Inputs", "", "| input | what |", "|---|---|"]
        for socket in type_.inputs:
            optional = " (optional)" if socket.optional else ""
            lines.append(f"| {socket.name}{optional} | {_cell(socket.help)} |")
    lines += _table("## Parameters", type_.parameters)
    if type_.outputs:
        lines += ["", "## Outputs", ""]
        lines += [f"- **{output.name}** ({output.kind})" for output in type_.outputs]
    return reworded(_page(lines), COMFYUI)


def node_page(spec: NodeSpec) -> str:
    """Return a node's page in the docs, with a picture of what each parameter does."""
    lines = [f"# {spec.title}", "", spec.summary, ""]
    lines += [spec.help, ""] if spec.help else []
    lines += [
        f"In napari *Plugins > matting-nodes > {spec.title}*, in ComfyUI *{spec.title}*, on the "
        f"command line `matting-nodes {spec.command}`, in Python "
        f"[`{spec.name}`](../api.md#{spec.name}).",
        "",
        "## Inputs",
        "",
    ]
    for wire in spec.inputs:
        optional = ", optional" if wire.optional else ""
        lines.append(f"- **{wire.name}** ({wire.kind.value}{optional}): {wire.help}")
    lines += _outputs(spec)
    if spec.parameters:
        lines += ["", "## Parameters"]
        lines += [line for p in spec.parameters for line in _pictured(spec, "", p)]
    for method in spec.methods.values():
        lines += _about(method)
        lines += [line for p in method.parameters for line in _pictured(spec, method.name, p)]
    return _page(lines)


def _pictured(spec: NodeSpec, method: str, parameter: Parameter) -> list[str]:
    text = f"{parameter.help} {parameter.rule}.".strip()
    lines = ["", f"**{parameter.label}**, default {parameter.default}", "", text]
    if drawn(spec, method, parameter):
        name = picture_path(spec, method, parameter).name
        lines += ["", f"![Results with several values of {parameter.name}]({PICTURES}/{name})"]
    return lines


def _about(method: MethodSpec) -> list[str]:
    lines = ["", f"## Method `{method.name}`: {method.title}", "", method.summary]
    return [*lines, "", method.help] if method.help else lines


def _outputs(spec: NodeSpec) -> list[str]:
    lines = ["", "## Outputs", ""]
    lines += [f"- **{output.name}** ({output.kind.value})" for output in spec.outputs]
    if {Kind.MASK, Kind.TRIMAP, Kind.ALPHA} & {
        value.kind for value in (*spec.inputs, *spec.outputs)
    }:
        lines += [
            "",
            "In masks and alphas 1 is foreground, in a trimap 0 is background, 0.5 unknown and "
            "1 foreground. The mask of Load Image is 1 where the picture is transparent: "
            "put Invert Mask behind it, unless you painted it in the Mask Editor.",
        ]
    return lines


def _page(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _table(heading: str, parameters: tuple[Parameter, ...]) -> list[str]:
    if not parameters:
        return []
    lines = ["", heading, ""] if heading else [""]
    lines += ["| parameter | default | what |", "|---|---|---|"]
    for p in parameters:
        lines.append(f"| {p.label} | {p.default} | {_cell(f'{p.help} {p.rule}.')} |")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
