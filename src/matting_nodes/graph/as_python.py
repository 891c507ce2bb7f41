"""A graph as a Python script that saves the same pixels, for whoever wants to go on in code."""

from __future__ import annotations

import keyword
import re
import unicodedata
from textwrap import indent

from ..nodes import all_nodes
from ..version import __version__
from .checking import check, checked_value
from .model import Graph, GraphNode, Link
from .node_types import NodeType
from .registry import current, node_types
from .wires import STRING, node_id

# Characters in a line of the script.
WIDEST = 92
# Names that the script has for itself.
TAKEN = {"Folders", "Path", "folders", "job", "Job", "main", "on_batches", "print", "sys"}
SCRIPT = '''\
"""Made from a workflow by matting-nodes {version}: python FILE [INPUT FOLDER] [OUTPUT FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

from matting_nodes import Job
from matting_nodes.graph import Folders
{imports}


def main(folders: Folders, job: Job) -> None:
    """Run the workflow on pictures of the input folder; results go into the output folder."""
{body}


if __name__ == "__main__":
    given = [Path(text) for text in sys.argv[1:]]
    main(Folders(*given, *(Path("."), Path("output"))[len(given) :]), Job())
'''


def as_python(graph: Graph) -> str:
    r"""Return a script that does what `evaluate` does with a graph.

    Pictures (B, H, W, C) and masks (B, H, W) have the names of their outputs, or of their nodes
    if those have a title.

    Parameters
    ----------
    graph : Graph
        The workflow.

    Raises
    ------
    MattingError
        If the graph cannot run: a node is of a type that is not known here, or its inputs are
        wrong.

    Examples
    --------
    >>> graph = Graph.from_json({
    ...     "1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}},
    ...     "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    ...     "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    ... })
    >>> print(as_python(graph).split("folder.\"\"\"")[1].split("if __name__")[0].strip())
    image, mask = load_image(image='cat.png', folders=folders)
        image_2 = image_invert(image=image)
        image_3 = preview_image(images=image_2)
    """
    graph = current(graph)
    check(graph)
    types = node_types()
    ends = [node.id for node in graph.nodes.values() if types[node.class_type].is_end]
    needed = graph.needed(ends)
    order = [graph.nodes[key] for key in graph.order() if key in needed]
    matting = {node_id(spec): spec.name for spec in all_nodes()}
    imports = set()
    for node in order:
        function = types[node.class_type].function
        if node.class_type in matting:
            imports.add("from matting_nodes.graph.matting import on_batches")
        else:
            imports.add(f"from {function.__module__} import {function.__name__}")
    taken = TAKEN | {line.rpartition(" ")[2] for line in imports}
    names: dict[Link, str] = {}
    lines: list[str] = []
    for node in order:
        lines += _lines(node, types[node.class_type], matting.get(node.class_type), names, taken)
    body = indent("\n".join(lines), "    ")
    return SCRIPT.format(version=__version__, imports="\n".join(sorted(imports)), body=body)


def _lines(
    node: GraphNode, type_: NodeType, matting: str | None, names: dict[Link, str], taken: set[str]
) -> list[str]:
    """Return the call of a node, and what is printed of it; its outputs get names."""
    parameters = type_.parameters_for(node.inputs)
    sockets = {socket.name for socket in type_.inputs}
    given = {}
    for name, value in node.inputs.items():
        if isinstance(value, Link) and (name in sockets or name in parameters):
            given[name] = names[value]
        elif name in parameters:
            given[name] = repr(checked_value(type_, node.inputs, name))
        elif name == "method" and type_.methods:
            given[name] = repr(value)
    passed = {name: "{}" if name == "embedded" else name for name in type_.passed}
    arguments = {name.removeprefix("method."): text for name, text in (given | passed).items()}
    listed = [f"{name}={text}" for name, text in arguments.items()]
    function = f'on_batches("{matting}")' if matting else type_.function.__name__
    outputs = [socket.name for socket in type_.outputs]
    made = [
        _free(" ".join([node.title, name if len(outputs) > 1 else ""]).strip() or name, taken)
        for name in (outputs or ["saved"])
    ]
    names |= {Link(node.id, slot): name for slot, name in enumerate(made)}
    # Matting nodes give tuples; of the others those with several outputs, or with none.
    several = bool(matting) or len(outputs) > 1
    target = ", ".join(made) + ("," if len(made) == 1 and several else "")
    if not outputs:
        return [_call(made[0], function, listed), f"print(*{made[0]}.files, sep='\\n')"]
    if type_.is_end and "embedded" in type_.passed:
        saved = _free("saved", taken)
        handed_on = f"{', '.join(made)}{',' if len(made) == 1 else ''} = {saved}.values"
        return [_call(saved, function, listed), handed_on, f"print(*{saved}.files, sep='\\n')"]
    tables = [name for name, o in zip(made, type_.outputs, strict=True) if o.kind == STRING]
    return [
        _call(target, function, listed),
        *(f"print({name})" for name in tables if type_.is_end),
    ]


def _call(target: str, function: str, arguments: list[str]) -> str:
    """Return an assignment, on one line if that is short enough."""
    line = f"{target} = {function}({', '.join(arguments)})"
    if len(line) <= WIDEST:
        return line
    return "\n".join([f"{target} = {function}(", *(f"    {a}," for a in arguments), ")"])


def _free(text: str, taken: set[str]) -> str:
    """Return a Python name like a text that nothing else has, and take it."""
    # Python itself compares names in this form.
    words = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", text.lower())).strip("_")
    name = words if words.isidentifier() and not keyword.iskeyword(words) else f"n_{words}"
    name = name if name.isidentifier() else "value"
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free)
    return free
