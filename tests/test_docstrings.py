"""Public functions describe their arguments, in numpydoc's Parameters section."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import matting_nodes

ROOT = Path(matting_nodes.__file__).parent
# Described in one place for all methods: what a node passes on, and models/parameters.py.
SHARED = {
    "job",
    "folders",
    "embedded",
    "device",
    "weights",
    "patch_order",
    "precision",
    "recipe",
    "stack",
    "tile",
}

SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^\w+\n-+$|\Z)", re.MULTILINE | re.DOTALL)


def public_functions(tree: ast.AST, owner: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        name = getattr(node, "name", "_")
        if name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            yield from public_functions(node, f"{owner}{name}.")
        elif isinstance(node, ast.FunctionDef):
            yield f"{owner}{name}", node


def arguments(function: ast.FunctionDef) -> set[str]:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return {a.arg for a in every if a} - {"self", "cls"}


def described(docstring: str) -> set[str] | None:
    """The arguments that a docstring describes; None without a section for them."""
    section = SECTION.search(docstring)
    if section is None:
        return None
    heads = [line.split(" : ")[0] for line in section[1].splitlines() if line[:1].strip()]
    return {name.strip(" *") for head in heads for name in head.split(",")}


def faults() -> Iterator[str]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if any(part.startswith("_") and part != "__init__" for part in parts):
            continue
        for name, function in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
            wanted, found = arguments(function), described(ast.get_docstring(function) or "")
            where = f"{'/'.join(parts)}: {name}"
            if found is None:
                if len(wanted) > 1:
                    yield f"{where} has no Parameters section"
                continue
            for missing in sorted(wanted - found - SHARED):
                yield f"{where} does not describe {missing}"
            for absent in sorted(found - wanted):
                yield f"{where} describes {absent}, which it does not take"


def test_arguments_are_described():
    assert list(faults()) == []
