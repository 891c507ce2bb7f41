"""Whether a node can run on the layers that are chosen, told before Run is pressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...arrays import check_same_size
from ...errors import MattingError, MissingInputError
from ...framework.run import settings
from ...framework.spec import Input, NodeSpec
from ._layers import common_shape, conversion, is_shapes, plane_shape


def obstacle(
    spec: NodeSpec[Any], layers: Mapping[str, Any], parameters: Mapping[str, Any]
) -> MattingError | None:
    """Return why a node cannot run, or None if it can; no pixel is read for it.

    What only the pixels tell, such as a trimap without foreground, running says.
    """
    try:
        chosen = spec.chosen(settings(spec, parameters).get("method", "default"))
        needed = chosen.needs if chosen else ()
        for wire in spec.inputs:
            if wire.name not in layers and (not wire.optional or wire.name in needed):
                raise _missing(spec, wire)
        _check_layers(spec, layers)
    except MattingError as error:
        return error
    return None


def _missing(spec: NodeSpec[Any], wire: Input) -> MissingInputError:
    return MissingInputError(
        f"{spec.title} has no {wire.name} yet",
        wire.help or f"It needs the {wire.name}",
        f"Open one, or choose a layer that is the {wire.name}",
    )


def _check_layers(spec: NodeSpec[Any], layers: Mapping[str, Any]) -> None:
    pictures = {
        wire: layers[wire.name]
        for wire in spec.inputs
        if wire.name in layers and wire.kind.is_picture and not is_shapes(layers[wire.name])
    }
    for wire, layer in pictures.items():
        conversion(layer, wire.kind)
    common_shape({wire.name: layer for wire, layer in pictures.items()})
    check_same_size(
        {
            wire.name: np.broadcast_to(np.uint8(0), plane_shape(layer))
            for wire, layer in pictures.items()
            if not wire.any_size
        }
    )
