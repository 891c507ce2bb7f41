"""Whether a node can run on the layers that are chosen, told before Run is pressed."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature

from ...errors import MattingError, MissingInputError
from ...framework.run import complete_parameters
from ...framework.spec import Input, NodeSpec
from ...framework.words import NAPARI, reworded
from ._axes import as_read
from ._choices import needed
from ._layers import grid_of
from ._protocols import Layer


def obstacle(
    spec: NodeSpec, layers: Mapping[str, Layer], parameters: Mapping[str, object]
) -> MattingError | None:
    """Return why a node cannot run, or None if it can; no pixel is read for it.

    What only the pixels tell, such as a trimap without foreground, running says.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    layers : mapping of Layer
        By the input's name.
    parameters : mapping
        By name.
    """
    try:
        method = str(complete_parameters(spec, parameters).get("method", "default"))
        for wire in spec.inputs:
            if wire.name not in layers and wire.name in needed(spec, method):
                raise _missing(spec, wire)
        layers = as_read(spec, layers, method)
        grid_of(spec, layers)
    except MattingError as error:
        return error
    return None


def shown_inputs(spec: NodeSpec, method: str) -> set[str]:
    """Return the inputs that a node or its method makes use of.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    method : str
        Its selected method, or "default".
    """
    chosen = spec.chosen(method)
    if chosen is None:
        return {wire.name for wire in spec.inputs}
    takes = set(chosen.takes)
    # What the node itself looks at: alpha_matte keeps a trimap's definite pixels as they are.
    by_node = {w.name for w in spec.inputs if not w.group} & set(
        signature(spec.check).parameters if spec.check else ()
    )
    strokes = {w.name for w in spec.inputs if w.name.endswith("_scribbles")}
    return takes | by_node | (strokes if "scribbles" in takes else set())


def _missing(spec: NodeSpec, wire: Input) -> MissingInputError:
    return MissingInputError(
        f"{spec.title} has no {wire.name} yet",
        reworded(wire.help, NAPARI) or f"It needs the {wire.name}",
        f"Open one, or choose a layer that is the {wire.name}",
    )
