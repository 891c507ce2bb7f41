"""A method and its parameters as text: the name, then NAME=VALUE pairs after a colon."""

from __future__ import annotations

from typing import Any

from ..errors import ParameterError
from ..framework.run import complete_parameters
from ..nodes.alpha_matte import alpha_matte


def method_settings(text: str) -> dict[str, Any]:
    """Parse a method and its parameters from text such as "closed_form:epsilon=1e-6".

    Parameters
    ----------
    text : str
        A method of Alpha Matte, optionally followed by a colon and NAME=VALUE pairs joined by
        commas.

    Returns
    -------
    dict
        As `framework.run.run` takes them: "method", and the parameters that the text sets.

    Raises
    ------
    ParameterError
        If there is no such method or parameter, or the value is invalid.

    Examples
    --------
    >>> method_settings("guided_filter:radius=5")
    {'method': 'guided_filter', 'radius': 5}
    """
    name, _, rest = text.partition(":")
    chosen = alpha_matte.chosen(name)
    types = {
        p.name: p.type for p in (*alpha_matte.parameters, *(chosen.parameters if chosen else ()))
    }
    given: dict[str, Any] = {"method": name}
    for pair in filter(None, rest.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise ParameterError(
                f"{text} has {pair!r}", "Parameters are NAME=VALUE, joined by commas", "Add the ="
            )
        given[key] = _value(value, types.get(key, str))
    complete_parameters(alpha_matte, given)
    return given


def _value(text: str, kind: type) -> Any:
    """Convert text to a parameter's type; left as it is on failure, so that the check names it."""
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text
