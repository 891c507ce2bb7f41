"""What can be added to a graph, and how it is found by typing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..registry import node_types
from .ports import Port


@dataclass(frozen=True)
class Entry:
    """Something that can be added to a graph.

    Parameters
    ----------
    title : str
        What it is called.
    class_type : str
        The type of the node.
    inputs : tuple of (str, value)
        What it begins with, beside the defaults.
    summary : str
        What it does.
    words : str
        Other words that people search for.
    """

    title: str
    class_type: str
    inputs: tuple[tuple[str, object], ...] = ()
    summary: str = ""
    words: str = ""


def entries(wire: Port | None = None, from_output: bool = True) -> list[Entry]:
    """Return an entry for every type of node, or for those that a wire can end at.

    Parameters
    ----------
    wire : Port, optional
        Where the wire comes from.
    from_output : bool
        Whether that is an output.
    """
    found = []
    for name, type_ in node_types().items():
        ends = type_.inputs if from_output else type_.outputs
        if wire is None or any(wire.takes(Port(s.name, s.kind)) for s in ends):
            found.append(Entry(type_.title, name, (), type_.summary, " ".join(type_.aliases)))
    return found


def ranked(found: Iterable[Entry], text: str) -> list[Entry]:
    """Return the entries in which every word of a text occurs, those that begin with it first.

    Parameters
    ----------
    found : iterable of Entry
        What there is.
    text : str
        What was typed.

    Examples
    --------
    >>> names = [Entry("Invert Mask", "InvertMask"), Entry("Make Trimap", "", words="mask band")]
    >>> [entry.title for entry in ranked(names, "mask")]
    ['Invert Mask', 'Make Trimap']
    """
    wanted = text.lower().split()
    fitting = [
        entry
        for entry in found
        if all(w in f"{entry.title} {entry.words} {entry.summary}".lower() for w in wanted)
    ]

    def rank(entry: Entry) -> tuple[bool, bool, str]:
        title = entry.title.lower()
        return not title.startswith(text.lower()), not all(w in title for w in wanted), title

    return sorted(fitting, key=rank)
