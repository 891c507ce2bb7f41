"""Parameters as magicgui widgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from magicgui import widgets

from ...framework.parameters import Parameter, parse_color

SWATCH = 16
"""Side of a color's swatch, in pixels."""


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
    if parameter.color:
        return _color(widgets.LineEdit(**common))
    if parameter.file:
        return _file(widgets.LineEdit(**common), parameter.file)
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


def _color(edit: widgets.LineEdit) -> widgets.LineEdit:
    """Let a color be picked: its swatch is a button in the field."""
    from qtpy.QtGui import QColor, QIcon, QPixmap
    from qtpy.QtWidgets import QColorDialog

    def pick() -> None:
        color = QColorDialog.getColor(_shown(edit.value), edit.native, edit.label)
        if color.isValid():
            edit.value = color.name()

    def show(_value: object = None) -> None:
        swatch = QPixmap(SWATCH, SWATCH)
        color = _shown(edit.value)
        swatch.fill(color if color.isValid() else QColor(0, 0, 0, 0))
        button.setIcon(QIcon(swatch))

    def _shown(text: str) -> Any:
        try:
            rgb = parse_color(text)
        except ValueError:
            rgb = None
        return QColor.fromRgbF(*rgb) if rgb else QColor()

    button = _button(edit, "Pick a color", pick)
    edit.changed.connect(show)
    show()
    return edit


def _file(edit: widgets.LineEdit, pattern: str) -> widgets.LineEdit:
    """Let a file be chosen: a folder in the field opens a dialog."""
    from qtpy.QtWidgets import QFileDialog, QStyle

    def browse() -> None:
        filters = f"{pattern};;All files (*)"
        path, _ = QFileDialog.getOpenFileName(edit.native, edit.label, edit.value, filters)
        if path:
            edit.value = path

    style = edit.native.style()
    icon = style.standardIcon(QStyle.StandardPixmap.SP_DirOpenIcon)
    _button(edit, "Browse", browse).setIcon(icon)
    return edit


def _button(edit: widgets.LineEdit, text: str, act: Callable[[], None]) -> Any:
    """Return a new button at the end of a field."""
    from qtpy.QtWidgets import QAction, QLineEdit

    button = QAction(text, edit.native)
    button.triggered.connect(act)
    edit.native.addAction(button, QLineEdit.ActionPosition.TrailingPosition)
    return button
