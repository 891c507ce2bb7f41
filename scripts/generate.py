"""Write the files that are made from the specs: `python scripts/generate.py`.

`napari.yaml`, ComfyUI's help pages, and the snapshot of the public interface. A test holds
all three to the code. Ids, names and defaults in the snapshot must not change: saved
workflows carry them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from matting_nodes.arrays import Kind
from matting_nodes.hosts.napari import manifest
from matting_nodes.nodes import all_nodes
from matting_nodes.parameters import Parameter
from matting_nodes.spec import NodeSpec

ROOT = Path(__file__).parent.parent
HELP = ROOT / "src/matting_nodes/hosts/comfyui/web/docs"


def files() -> dict[Path, str]:
    """Return every generated file's text by path."""
    pages = {HELP / f"MattingNodes{s.title.replace(' ', '')}.md": help_page(s) for s in all_nodes()}
    return {
        ROOT / "napari.yaml": manifest_text(),
        ROOT / "tests/interface.json": json.dumps(interface(), indent=2) + "\n",
        **pages,
    }


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
            "parameters": {p.name: _setting(p) for p in spec.parameters},
            "methods": {
                name: {p.name: _setting(p) for p in method.parameters}
                for name, method in spec.methods.items()
            },
        }
        for spec in all_nodes()
    }


def _wire(kind: Kind, optional: bool) -> str:
    return kind.value + (", optional" if optional else "")


def _setting(parameter: Parameter) -> dict[str, Any]:
    setting: dict[str, Any] = {"type": parameter.type.__name__, "default": parameter.default}
    if parameter.choices:
        setting["choices"] = list(parameter.choices)
    if parameter.slider:
        setting["range"] = [parameter.slider.minimum, parameter.slider.maximum]
    return setting


def help_page(spec: NodeSpec[Any]) -> str:
    """Return a node's help page for ComfyUI."""
    lines = [f"# {spec.title}", "", spec.summary, ""]
    if spec.help:
        lines += [spec.help, ""]
    lines += ["## Inputs", "", "| input | what |", "|---|---|"]
    for wire in spec.inputs:
        optional = " (optional)" if wire.optional else ""
        lines.append(f"| {wire.name}{optional} | {_cell(wire.help)} |")
    lines += _table("## Settings", spec.parameters)
    for method in spec.methods.values():
        lines += ["", f"## Method `{method.name}`: {method.title}", "", method.summary]
        if method.help:
            lines += ["", method.help]
        lines += _table("", method.parameters)
    lines += ["", "## Outputs", ""]
    lines += [f"- **{output.name}** ({output.kind.value})" for output in spec.outputs]
    if {Kind.MASK, Kind.TRIMAP, Kind.ALPHA} & {
        value.kind for value in (*spec.inputs, *spec.outputs)
    }:
        lines += [
            "",
            "In masks and alphas 1 is foreground, in a trimap 0 is background, 0.5 unknown and "
            "1 foreground. The mask of Load Image is 1 where the picture is transparent: "
            "put Invert Mask behind it.",
        ]
    return "\n".join(lines) + "\n"


def _table(heading: str, parameters: tuple[Parameter, ...]) -> list[str]:
    if not parameters:
        return []
    lines = ["", heading, ""] if heading else [""]
    lines += ["| setting | default | what |", "|---|---|---|"]
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
