"""Plots in the colors of napari's theme."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def color_axes(axes: Iterable[Any], theme_name: str) -> None:
    """Give axes, their figure and their legends the colors of a theme.

    Parameters
    ----------
    axes : iterable of matplotlib Axes
        Of one figure.
    theme_name : str
        As napari calls it: "dark", "light" …
    """
    from napari.utils.theme import get_theme

    theme = get_theme(theme_name)
    background, text = theme.background.as_hex(), theme.text.as_hex()
    for one in axes:
        one.figure.set_facecolor(background)
        one.set_facecolor(background)
        one.tick_params(colors=text, which="both")
        one.xaxis.label.set_color(text)
        one.yaxis.label.set_color(text)
        for spine in one.spines.values():
            spine.set_color(text)
        if (legend := one.get_legend()) is not None:
            legend.get_title().set_color(text)
