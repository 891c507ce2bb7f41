"""Whether a node can run on the layers that are chosen, told before Run is pressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import MattingError, MissingInputError
from ...framework.run import complete_parameters
from ...framework.spec import Input, NodeSpec
from ._layers import grid_of


def obstacle(
    spec: NodeSpec, layers: Mapping[str, Any], parameters: Mapping[str, Any]
) -> MattingError | None:
    """Return why a node cannot run, or None if it can; no pixel is read for it.

    What only the pixels tell, such as a trimap without foreground, running says.
    """
    try:
        chosen = spec.chosen(complete_parameters(spec, parameters).get("method", "default"))
        needed = chosen.needs if chosen else ()
        for wire in spec.inputs:
            if wire.name not in layers and (not wire.optional or wire.name in needed):
                raise _missing(spec, wire)
        grid_of(spec, layers)
    except MattingError as error:
        return error
    return None


def _missing(spec: NodeSpec, wire: Input) -> MissingInputError:
    return MissingInputError(
        f"{spec.title} has no {wire.name} yet",
        wire.help or f"It needs the {wire.name}",
        f"Open one, or choose a layer that is the {wire.name}",
    )
