"""Parameters as magicgui widgets."""

from __future__ import annotations

from typing import Any

from magicgui import widgets

from ...framework.parameters import Parameter


def field(parameter: Parameter) -> widgets.bases.ValueWidget[Any]:
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
    low, high = slider.minimum, slider.maximum
    if parameter.type is int:
        kind = widgets.Slider if high <= 1000 else widgets.SpinBox
        return kind(min=int(low), max=int(high), **common)
    default = float(parameter.default)
    if (default and default < 1e-3) or high > 1e4:
        # A slider can neither show 0.0000001 nor be set finely over a huge range: typed.
        return widgets.LiteralEvalLineEdit(**common)
    return widgets.FloatSlider(min=low, max=high, **common)
