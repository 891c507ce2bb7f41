from __future__ import annotations

from typing import Any

from ...framework.parameters import Parameter
from ...framework.spec import NODES, MethodSpec, NodeSpec
from ...models import weights
from ...models.catalog import MODELS
from ...nodes._cutout import GRABCUT, MASK_BAND, NETWORK_BAND, NETWORKS, proposed
from ._limits import Limits

STEPS = ("segment", "make_trimap", "alpha_matte", "estimate_foreground", "composite")
"""The nodes of the page, in their order."""


def page_specs(limits: Limits) -> dict[str, Any]:
    """Return what the page makes its controls from.

    Parameters
    ----------
    limits : Limits
        So that a file that is too large need not travel.
    """
    return {
        "steps": [_step(NODES[name]) for name in STEPS],
        "id_photo": _step(NODES["id_photo"]),
        "start": start(),
        "limits": {"bytes": limits.bytes, "megapixels": limits.megapixels},
    }


def start() -> dict[str, dict[str, Any]]:
    """Return the parameters that the page begins with: those of the cutout in one go."""
    network = proposed()
    reach = NETWORK_BAND if network != GRABCUT else MASK_BAND
    found = {"method": GRABCUT} if network == GRABCUT else {"soft": True} | NETWORKS[network]
    return {"segment": found, "make_trimap": {"inner": reach, "outer": reach, "unit": "percent"}}


def _step(spec: NodeSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "title": spec.title,
        "summary": spec.summary,
        "methods": [_method(method) for method in spec.methods.values()],
        "parameters": [_parameter(parameter) for parameter in spec.parameters],
    }


def _method(method: MethodSpec) -> dict[str, Any]:
    there = not method.networks or any(weights.find(MODELS[name]) for name in method.networks)
    return {
        "name": method.name,
        "title": method.title if there else f"{method.title} (no weights on this server)",
        "summary": method.summary,
        "parameters": [_parameter(parameter) for parameter in method.parameters],
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    slider = parameter.slider
    return {
        "name": parameter.name,
        "label": parameter.label,
        "help": f"{parameter.help} {parameter.rule}.".strip(),
        "type": "choice" if parameter.choices else parameter.type.__name__,
        "choices": list(parameter.choices),
        "color": parameter.color,
        "advanced": parameter.advanced,
        "default": parameter.default,
        "minimum": slider and slider.minimum,
        "maximum": slider and slider.maximum,
        "step": slider and slider.step,
    }
