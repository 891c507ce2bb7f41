"""How large nodes are drawn, where their ports are, and the notes beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..contents import Contents, Place, Rectangle, pair
from .ports import Shown

WIDTH, HEADER, ROW, MARGIN = 190.0, 26.0, 19.0, 8.0
PICTURE = 116.0
"""Height of the place of a thumbnail."""
REACH = 11.0
"""How near the mouse must be to a port."""
NOTE = 210.0, 88.0


@dataclass(frozen=True)
class Figure:
    """The measures of a node, from its top left corner.

    Parameters
    ----------
    about : Shown
        What it shows.
    message : bool
        Whether a line is said of it.
    """

    about: Shown
    message: bool = False

    @property
    def picture(self) -> Rectangle:
        """The place of the thumbnail."""
        rows = max(len(self.about.inputs), len(self.about.outputs))
        return MARGIN, HEADER + ROW * rows + 6, WIDTH - 2 * MARGIN, PICTURE

    @property
    def size(self) -> tuple[float, float]:
        """The width and the height, without the border."""
        return WIDTH, self.picture[1] + PICTURE + MARGIN + (ROW if self.message else 0)

    @staticmethod
    def place_of(number: int, output: bool) -> Place:
        """Return the center of a port.

        Parameters
        ----------
        number : int
            From the top.
        output : bool
            Whether it is an output.
        """
        return WIDTH if output else 0.0, HEADER + 3 + ROW * (number + 0.5)

    def port_at(self, place: Place) -> tuple[int, bool] | None:
        """Return the port at a place, as (number, whether it is an output)."""
        for output, ports in ((True, self.about.outputs), (False, self.about.inputs)):
            for number in range(len(ports)):
                x, y = self.place_of(number, output)
                if abs(x - place[0]) <= REACH and abs(y - place[1]) <= ROW / 2:
                    return number, output
        return None


@dataclass(frozen=True)
class Frame:
    """A box with a title: a group's, around nodes, or a note's, with a text.

    Parameters
    ----------
    title, text : str
        What it says.
    box : (left, top, width, height)
        Where it stands, if not around nodes.
    nodes : tuple of str
        The nodes that it stands around.
    """

    title: str
    text: str = ""
    box: Rectangle = (0.0, 0.0, 0.0, 0.0)
    nodes: tuple[str, ...] = ()


def frames(contents: Contents) -> list[Frame]:
    """Return the groups and the notes of a document.

    Parameters
    ----------
    contents : Contents
        The document's.
    """
    groups = [Frame(g.title, "", contents.rectangle(g), g.ids) for g in contents.groups]
    return groups + [_note(raw) for raw in contents.notes]


def _note(raw: Mapping[str, Any]) -> Frame:
    values = raw.get("widgets_values")
    texts: Iterable[object] = values.values() if isinstance(values, dict) else values or ()
    text = "\n".join(value for value in texts if isinstance(value, str))
    place, size = pair(raw, "pos") or (0.0, 0.0), pair(raw, "size") or NOTE
    box = *place, max(size[0], 80.0), max(size[1], 50.0)
    return Frame(str(raw.get("title") or "Note"), text, box)
