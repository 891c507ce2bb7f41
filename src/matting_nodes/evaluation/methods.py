"""A method as a text: its name, and settings after a colon."""

from __future__ import annotations

from typing import Any

from ..errors import ParameterError
from ..framework.run import settings
from ..nodes.alpha_matte import alpha_matte


def method_settings(text: str) -> dict[str, Any]:
    """Return the settings that a text such as "closed_form:epsilon=1e-6" means.

    Parameters
    ----------
    text : str
        A method of Alpha Matte, and perhaps NAME=VALUE of its settings, joined by commas.

    Returns
    -------
    dict
        As `running.run` takes them: "method", and what the text sets.

    Raises
    ------
    ParameterError
        If there is no such method or setting, or the value cannot be.

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
                f"{text} has {pair!r}", "Settings are NAME=VALUE, joined by commas", "Add the ="
            )
        given[key] = _value(value, types.get(key, str))
    settings(alpha_matte, given)
    return given


def _value(text: str, kind: type) -> Any:
    """Return a text as a setting's type; as it is where it cannot be, to be refused by name."""
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text
