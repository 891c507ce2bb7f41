"""A spec as a V3 schema: wires become sockets, parameters widgets, methods a DynamicCombo."""

from __future__ import annotations

from decimal import Decimal

from comfy_api.latest import io

from ...arrays import Kind
from ...framework.parameters import Parameter
from ...framework.spec import Input, NodeSpec, Output
from ...framework.words import COMFYUI, reworded
from ...graph.wires import node_id
from ...models.catalog import MODELS
from ...models.costs import about, described

CATEGORY = "image/matting"
SOCKETS = {
    Kind.IMAGE: io.Image,
    Kind.MASK: io.Mask,
    Kind.LABELS: io.Mask,
    Kind.TRIMAP: io.Mask,
    Kind.ALPHA: io.Mask,
    Kind.BOX: io.BoundingBox,
    Kind.POINTS: io.String,
    Kind.TABLE: io.String,
}
# Titles that stand out beside ComfyUI's own nodes; ids stay.
TITLES = {"Compare": "Compare Mattes", "Composite": "Composite Matte"}
# What the socket's type alone does not say.
NOTES = {
    Kind.MASK: "1 is foreground. The mask that Load Image makes of a picture's transparency is the "
    "other way round: invert it. One painted in the Mask Editor is 1 where it was painted.",
    Kind.LABELS: "A mask with the value n / 255 for object n.",
    Kind.TRIMAP: "A mask with 0 background, 0.5 unknown, 1 foreground.",
    Kind.ALPHA: "A mask with 1 = opaque foreground.",
    Kind.BOX: "A box of core's, the BBOX list of another package (left, top, right, bottom), or "
    "the Impact Pack's SEGS.",
    Kind.POINTS: 'A text such as [{"x": 10, "y": 20}], as points editors give.',
}


def schema(spec: NodeSpec) -> io.Schema:
    """Return the node's schema."""
    return io.Schema(
        node_id=node_id(spec),
        display_name=TITLES.get(spec.title, spec.title),
        category=CATEGORY,
        description=reworded(f"{spec.summary} {spec.help}".strip(), COMFYUI),
        search_aliases=list(spec.aliases),
        inputs=[*map(_socket, spec.inputs), *_choice(spec), *map(widget, spec.parameters)],
        outputs=[_output(output) for output in spec.outputs],
        hidden=[io.Hidden.unique_id, io.Hidden.prompt],
        # A table is worth running for, whatever comes after.
        is_output_node=any(output.kind is Kind.TABLE for output in spec.outputs),
        # A choice that ComfyUI does not know reaches the node, which refuses it by name.
        accept_all_inputs=True,
        # Keeps the preview when the node comes from the cache.
        has_intermediate_output=True,
    )


def _socket(wire: Input) -> io.Input:
    tooltip = " ".join(filter(None, (reworded(wire.help, COMFYUI), NOTES.get(wire.kind))))
    extra = {"force_input": True} if wire.kind in (Kind.BOX, Kind.POINTS) else {}
    socket = SOCKETS[wire.kind].Input(wire.name, optional=wire.optional, tooltip=tooltip, **extra)
    # What detectors of other packages give: lists of corners, and the Impact Pack's segments.
    others = [io.Custom("BBOX"), io.Custom("SEGS")]
    return io.MultiType.Input(socket, others) if wire.kind is Kind.BOX else socket


def _choice(spec: NodeSpec) -> list[io.Input]:
    if not spec.default_method:
        return []
    options = [
        io.DynamicCombo.Option(name, [widget(p) for p in method.parameters])
        for name, method in spec.methods.items()
    ]
    tooltip = "\n".join(f"{name}: {described(method)}" for name, method in spec.methods.items())
    return [io.DynamicCombo.Input("method", options=options, tooltip=reworded(tooltip, COMFYUI))]


def widget(parameter: Parameter) -> io.Input:
    """Return the widget of a parameter."""
    networks = [f"{name}: {about(name)}" for name in parameter.choices if name in MODELS]
    tooltip = "\n".join([f"{parameter.help} {parameter.rule}.", *networks])
    common = {
        "default": parameter.default,
        "tooltip": reworded(tooltip, COMFYUI),
        "advanced": parameter.advanced or None,
        # A workflow saved before a parameter existed still runs, with its default.
        "optional": True,
    }
    if parameter.choices:
        return io.Combo.Input(parameter.name, options=list(parameter.choices), **common)
    if parameter.type is bool:
        return io.Boolean.Input(parameter.name, **common)
    if parameter.type is str:
        return io.String.Input(parameter.name, **common)
    slider = parameter.slider
    limits = {"min": slider.minimum, "max": slider.maximum} if slider else {}
    if parameter.type is int:
        return io.Int.Input(parameter.name, **common, **{k: int(v) for k, v in limits.items()})
    # The page shows as many decimals as the step has: all of the default's are needed.
    last_digit = 10.0 ** min(-1, int(Decimal(repr(parameter.default)).as_tuple().exponent))
    step = min(slider.step, last_digit) if slider and slider.step else last_digit
    return io.Float.Input(parameter.name, **common, **limits, step=step, round=False)


def _output(output: Output) -> io.Output:
    return SOCKETS[output.kind].Output(
        output.name, display_name=output.name, tooltip=NOTES.get(output.kind)
    )
