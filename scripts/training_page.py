"""The page of what `train.toml` may say, from the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator

from docstring_parser import parse

from matting_nodes.framework.parameters import Parameter
from matting_nodes.training.recipes import RECIPES
from matting_nodes.training.settings import PARTS, parameters

HEAD = """\
# What train.toml may say

Made from the settings by `scripts/generate.py`; [training.md](training.md) shows how they are used.
What the file does not say has the default, or its network's own: see the end.
"""


def training_page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *_parts(), *_recipes()])


def _parts() -> Iterator[str]:
    for name, part in PARTS.items():
        yield f"## [{name}]\n"
        yield f"{parse(part.__doc__ or '').short_description}\n"
        yield "| setting | default | must be | meaning |\n|---|---|---|---|"
        yield from (_row(parameter) for parameter in parameters(part))
        yield ""


def _row(parameter: Parameter) -> str:
    rule = parameter.rule.removeprefix("It must be ")
    return f"| `{parameter.name}` | {_toml(parameter.default)} | {rule} | {parameter.help} |"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _recipes() -> Iterator[str]:
    yield "## Where a network's defaults differ\n"
    yield "| network | settings |\n|---|---|"
    for name, recipe in RECIPES.items():
        chosen = [
            f"`{part}.{key} = {_toml(value).strip('`')}`"
            for part, table in recipe.defaults.items()
            for key, value in table.items()
        ]
        yield f"| {name} | {', '.join(chosen)} |"
    yield ""
