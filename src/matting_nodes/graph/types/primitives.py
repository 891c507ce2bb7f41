"""ComfyUI's nodes that hold one value, for parameters that several nodes share."""

from __future__ import annotations

import sys
from typing import Annotated

from ...framework.parameters import Slider
from ..node_types import Box, Number, Text, Truth, Whole, node_type
from .masks import LARGEST_SIDE

ANY = Slider(-sys.maxsize, sys.maxsize)


@node_type(name="PrimitiveInt", title="Int")
def primitive_int(*, value: Annotated[int, ANY] = 0) -> Whole:
    """Hold a whole number."""
    return value


@node_type(name="PrimitiveFloat", title="Float")
def primitive_float(*, value: Annotated[float, ANY] = 0.0) -> Number:
    """Hold a number."""
    return value


@node_type(name="PrimitiveString", title="String")
def primitive_string(*, value: str = "") -> Text:
    """Hold a text."""
    return value


@node_type(name="PrimitiveStringMultiline", title="String (Multiline)")
def primitive_string_multiline(*, value: str = "") -> Text:
    """Hold a text of several lines."""
    return value


@node_type(name="PrimitiveBoolean", title="Boolean")
def primitive_boolean(*, value: bool = False) -> Truth:
    """Hold true or false."""
    return value


@node_type(name="PrimitiveBoundingBox", title="Bounding Box")
def primitive_bounding_box(
    *,
    x: Annotated[int, Slider(0, LARGEST_SIDE)] = 0,
    y: Annotated[int, Slider(0, LARGEST_SIDE)] = 0,
    width: Annotated[int, Slider(1, LARGEST_SIDE)] = 512,
    height: Annotated[int, Slider(1, LARGEST_SIDE)] = 512,
) -> Box:
    """Hold a box in pixels.

    Parameters
    ----------
    x, y : int, pixels
        The left and the upper edge.
    width, height : int, pixels
        The size.
    """
    return {"x": x, "y": y, "width": width, "height": height}
