"""Parameters as magicgui widgets."""

from __future__ import annotations

from typing import Any

from magicgui import widgets

from ...framework.parameters import Parameter


def field(parameter: Parameter) -> widgets.bases.ValueWidget:
    """Return the widget of a parameter."""
    common: dict[str, Any] = {
        "name": parameter.name,
        "label": parameter.label,
        "value": parameter.default,
        "tooltip": f"{parameter.help}\n{parameter.rule}.".strip(),
    }
    if parameter.choices:
        return widgets.ComboBox(choices=parameter.choices, **common)
    if parameter.type is bool:
        return widgets.CheckBox(**common)
    if parameter.type is str:
        return widgets.LineEdit(**common)
    slider = parameter.slider
    if slider is None:
        return (widgets.SpinBox if parameter.type is int else widgets.FloatSpinBox)(**common)
    limits = {"min": slider.minimum, "max": slider.maximum}
    if parameter.type is int:
        kind = widgets.Slider if slider.maximum <= 1000 else widgets.SpinBox
        return kind(**common, **{key: int(value) for key, value in limits.items()})
    tiny = parameter.default and parameter.default < 1e-3
    if tiny or slider.maximum > 1e4:
        # A slider can neither show 0.0000001 nor be set finely over a huge range: typed.
        return widgets.LiteralEvalLineEdit(**common)
    return widgets.FloatSlider(**common, **limits)
