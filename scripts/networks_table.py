"""The table of the networks in docs/networks.md, from the catalog and the methods that ask them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from matting_nodes.models._source import Packaged
from matting_nodes.models.catalog import MODELS, Model
from matting_nodes.nodes import all_nodes

BEGIN = "<!-- made by scripts/generate.py -->\n"
END = "<!-- end -->\n"
HEAD = (
    "| asked by | name | network | sees | weights | their licence | paper |\n" + "|---" * 7 + "|\n"
)


def networks_page(page: Path) -> str:
    """Return the page with the table as the catalog has it now."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}{HEAD}{''.join(_rows())}{END}{after}"


def _rows() -> Iterator[str]:
    for model in MODELS.values():
        cells = (
            _asked_by(model),
            f"`{model.name}`",
            model.title,
            _sees(model),
            _weights(model),
            model.terms,
            model.paper,
        )
        yield f"| {' | '.join(cells)} |\n"


def _asked_by(model: Model) -> str:
    """Return the nodes' methods that ask a network."""
    return "; ".join(
        f"{spec.title}: {method.title.removesuffix(' (network)')}"
        for spec in all_nodes()
        for method in spec.methods.values()
        if model.name in method.networks
    )


def _sees(model: Model) -> str:
    """Return how far an output pixel looks around; those outside of `networks/` see everything."""
    reach = None
    if isinstance(model.builder, str):
        module, _, name = model.builder.partition(":")
        network = getattr(importlib.import_module(f"matting_nodes.networks.{module}"), name)
        reach = network.reach
    seen = "everything" if reach is None else f"{reach} px to each side"
    return f"{seen}, at about {model.side} px" if model.side else seen


def _weights(model: Model) -> str:
    if isinstance(model.source, Packaged):
        return f"part of the package, {model.size / 1e6:.1f} MB"
    if not model.source.url():
        return getattr(model.source, "note", "")
    size = f", {model.size / 1e6:.0f} MB" if model.size else ""
    return f"[published]({model.source.page or model.source.url()}){size}"
