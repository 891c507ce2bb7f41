"""How large nodes are drawn, where their ports are, and the notes beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..contents import Contents, note_box
from ..layout import Place, Rectangle
from .ports import Shown

WIDTH, HEADER, ROW, MARGIN = 190.0, 26.0, 19.0, 8.0
PICTURE = 116.0
"""Height of the place of a thumbnail."""
LINK = re.compile(r"!?\[([^]]*)\]\([^)]*\)")
REACH = 11.0
"""How near the mouse must be to a port."""


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
    def head(self) -> Rectangle:
        """The bar that the title stands in."""
        return 1.0, 1.0, WIDTH - 2, HEADER

    @property
    def title(self) -> Rectangle:
        """The place of the title."""
        return MARGIN, 0.0, WIDTH - 2 * MARGIN, HEADER

    @property
    def line(self) -> Rectangle:
        """The place of what is said of it, below."""
        return MARGIN, self.size[1] - ROW - 4, WIDTH - 2 * MARGIN, ROW

    def bar(self, fraction: float) -> Rectangle:
        """Return the bar that shows how far it is.

        Parameters
        ----------
        fraction : float, 0..1
            How much is done.
        """
        return 1.0, HEADER - 2, (WIDTH - 2) * fraction, 3.0

    @property
    def picture(self) -> Rectangle:
        """The place of the thumbnail."""
        rows = max(len(self.about.inputs), len(self.about.outputs))
        return MARGIN, HEADER + ROW * rows + 6, WIDTH - 2 * MARGIN, PICTURE

    @property
    def size(self) -> tuple[float, float]:
        """The width and the height, without the border."""
        return WIDTH, self.picture[1] + PICTURE + MARGIN + (ROW if self.message else 0)

    @property
    def room(self) -> tuple[float, float]:
        """The width and the height that are kept free for it: a line may be said of it later."""
        return WIDTH, self.picture[1] + PICTURE + MARGIN + ROW

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

    @staticmethod
    def label(number: int, output: bool) -> Rectangle:
        """Return the place of a port's name.

        Parameters
        ----------
        number : int
            From the top.
        output : bool
            Whether it is an output.
        """
        left = WIDTH / 2 if output else 10.0
        return left, HEADER + 3 + ROW * number, WIDTH / 2 - 10, ROW

    def shown_picture(self, width: int, height: int) -> Rectangle:
        """Return where a picture is drawn: as large as its place allows, in the middle.

        Parameters
        ----------
        width, height : int, pixels
            The picture's.
        """
        left, top, across, down = self.picture
        scale = min(across / width, down / height)
        size = width * scale, height * scale
        return left + (across - size[0]) / 2, top + (down - size[1]) / 2, *size

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
    markdown : bool
        Whether the text is Markdown.
    """

    title: str
    text: str = ""
    box: Rectangle = (0.0, 0.0, 0.0, 0.0)
    nodes: tuple[str, ...] = ()
    markdown: bool = False


def without_links(markdown: str) -> str:
    """Return Markdown with the texts of its links and pictures, which nobody can follow there.

    Parameters
    ----------
    markdown : str
        A note's text.

    Examples
    --------
    >>> without_links("See [the **page**](https://a.org) ![a cat](cat.png)")
    'See the **page** a cat'
    """
    return LINK.sub(r"\1", markdown)


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
    markdown = raw.get("type") == "MarkdownNote"
    return Frame(str(raw.get("title") or "Note"), text, note_box(raw), markdown=markdown)
