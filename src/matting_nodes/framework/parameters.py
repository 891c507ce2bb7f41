"""Parameters of nodes and methods, read from the annotations of their keywords."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ..errors import ParameterError, shown

Value = bool | int | float | str
"""What a parameter may be."""


@dataclass(frozen=True)
class Slider:
    """Annotation of a number: its smallest and largest value, step and unit."""

    minimum: float
    maximum: float
    step: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Color:
    """Annotation of a string: a color name, `#rrggbb`, or `transparent`."""


@dataclass(frozen=True)
class File:
    """Annotation of a string that may be the path of a file, so that hosts can offer a dialog.

    Parameters
    ----------
    pattern : str
        Which files, as Qt's dialogs filter them: "ONNX (*.onnx)".
    """

    pattern: str


@dataclass(frozen=True)
class PixelSize:
    """Annotation of a number: the side of a pixel, which a host fills in if its data has one.

    Parameters
    ----------
    unit, physical : str
        The parameter that is the unit of lengths, and its value for which the number is used.
    """

    unit: str
    physical: str


@dataclass(frozen=True)
class Advanced:
    """Annotation of a parameter that few users need; hosts may fold it away."""


@dataclass(frozen=True)
class Help:
    """Annotation that explains a parameter, for those that many methods share."""

    text: str


@dataclass(frozen=True)
class Parameter:
    """A parameter of a node or method, as every host shows it."""

    name: str
    type: type
    default: Value
    choices: tuple[str, ...] = ()
    slider: Slider | None = None
    color: bool = False
    advanced: bool = False
    help: str = ""
    pixel_size: PixelSize | None = None
    file: str = ""
    """What files it may name, as a dialog filters them; empty if it names none."""

    @property
    def label(self) -> str:
        """The name as words, with the unit."""
        unit = f" ({self.slider.unit})" if self.slider and self.slider.unit else ""
        return self.name.replace("_", " ") + unit

    def wants_pixel_size(self, values: Mapping[str, Any]) -> bool:
        """Return whether the side of a pixel is needed and has not been set."""
        size = self.pixel_size
        return (
            size is not None
            and values[size.unit] == size.physical
            and values[self.name] == self.default
        )

    @property
    def rule(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return f"It must be one of {', '.join(self.choices)}"
        if self.color:
            return "It must be a color name such as white, a value such as #20c0ff, or transparent"
        kind = {bool: "true or false", int: "a whole number", float: "a number"}
        rule = f"It must be {kind.get(self.type, 'a text')}"
        if self.slider:
            low, high, unit = self.slider.minimum, self.slider.maximum, self.slider.unit
            # As it is written in the code: 1000000, not 1e+06.
            rule += f" from {low} to {high}" + (f" {unit}" if unit else "")
        return rule

    def checked(self, value: object, owner: str) -> Value:
        """Return the value in this parameter's type.

        Parameters
        ----------
        value : any
            What a user gave.
        owner : str
            What the parameter belongs to, for the error.

        Raises
        ------
        ParameterError
            If it is of another type, out of range, or not among the choices.
        """
        if not self._accepts(value):
            raise ParameterError(
                f"{self.name} of {owner} is {shown(value)}",
                self.rule,
                f"The default is {self.default}",
            )
        checked: Value = self.type(value)
        return checked

    def _accepts(self, value: Any) -> bool:
        if self.type is bool:
            return isinstance(value, bool)
        if self.color:
            return isinstance(value, str) and _is_color(value)
        if self.type is str:
            return isinstance(value, str) and (not self.choices or value in self.choices)
        # Numbers may come as NumPy scalars; a bool is no number here.
        if isinstance(value, bool) or not hasattr(value, "__float__"):
            return False
        if self.type is int and value % 1 != 0:  # NaN and infinity too
            return False
        slider = self.slider or Slider(-sys.float_info.max, sys.float_info.max)
        return bool(slider.minimum <= value <= slider.maximum)


def parse_color(color: str) -> tuple[float, ...] | None:
    """Return a color as (red, green, blue) in 0..1, or None for transparent.

    Raises
    ------
    ValueError
        If it is no color name, #rrggbb or the like.

    Examples
    --------
    >>> parse_color("#ff0000")
    (1.0, 0.0, 0.0)
    """
    from PIL import ImageColor

    name = color.strip().lower()
    return None if name == "transparent" else tuple(v / 255 for v in ImageColor.getrgb(name)[:3])


def _is_color(text: str) -> bool:
    try:
        parse_color(text)
    except ValueError:
        return False
    return True


def unwrap(annotation: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """Return an annotation's plain type, its markers, and whether it may be None."""
    markers: tuple[Any, ...] = ()
    optional = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            markers += tuple(more)
        elif get_origin(annotation) in (Union, types.UnionType):
            rest = [arg for arg in get_args(annotation) if arg is not type(None)]
            if len(rest) != 1:
                raise TypeError(f"{annotation} is not one type or None")
            annotation, optional = rest[0], True
        else:
            return annotation, markers, optional


def read_parameter(
    parameter: inspect.Parameter, annotation: Any, help_texts: Mapping[str, str]
) -> Parameter:
    """Return the Parameter that a keyword-only argument declares.

    Parameters
    ----------
    parameter : inspect.Parameter
        The argument; it has a default.
    annotation : type
        Its resolved annotation: bool, int, float, str or Literal, perhaps with markers.
    help_texts : mapping
        The docstring's description of each argument.
    """
    base, markers, _ = unwrap(annotation)
    choices = get_args(base) if get_origin(base) is Literal else ()
    kind = str if choices else base
    if kind not in (bool, int, float, str) or parameter.default is parameter.empty:
        raise TypeError(
            f"{parameter.name}: {annotation} is no parameter: annotate it as bool, int, float, "
            "str or Literal, and give it a default"
        )
    shared = (m.text for m in markers if isinstance(m, Help))
    return Parameter(
        name=parameter.name,
        type=kind,
        default=parameter.default,
        choices=choices,
        slider=next((m for m in markers if isinstance(m, Slider)), None),
        color=any(isinstance(m, Color) for m in markers),
        file=next((m.pattern for m in markers if isinstance(m, File)), ""),
        advanced=any(isinstance(m, Advanced) for m in markers),
        help=help_texts.get(parameter.name) or next(shared, ""),
        pixel_size=next((m for m in markers if isinstance(m, PixelSize)), None),
    )
