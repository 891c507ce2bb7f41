"""Nodes at their places on the canvas, and the wires between them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from ..layout import Place, Rectangle
from ..model import Link
from .figures import Figure
from .routing import Curve, Router
from .wiring import End, Input


class Placed(NamedTuple):
    """A node at its place."""

    place: Place
    figure: Figure

    @property
    def box(self) -> Rectangle:
        """What is kept free for it: (left, top, width, height)."""
        return *self.place, *self.figure.room

    def port(self, number: int, output: bool) -> Place:
        """Return the center of a port.

        Parameters
        ----------
        number : int
            From the top.
        output : bool
            Whether it is an output.
        """
        x, y = self.figure.place_of(number, output)
        return self.place[0] + x, self.place[1] + y


def end_at(placed: Mapping[str, Placed], place: Place) -> End | None:
    """Return the port at a place, of the topmost node that has one there.

    Parameters
    ----------
    placed : mapping of id to Placed
        The nodes, the topmost last.
    place : (x, y)
        Where.
    """
    for key, node in reversed(list(placed.items())):
        found = node.figure.port_at((place[0] - node.place[0], place[1] - node.place[1]))
        if found is not None:
            number, output = found
            about = node.figure.about
            return End(key, number, output, (about.outputs if output else about.inputs)[number])
    return None


def courses(
    links: Mapping[Input, Link], placed: Mapping[str, Placed], moved: Collection[str] | None = None
) -> Iterator[tuple[Input, Place, list[Curve]]]:
    """Yield each wire with its start and the curves that it consists of.

    Parameters
    ----------
    links : mapping of (node, name) to Link
        The wires by where they end.
    placed : mapping of id to Placed
        The nodes.
    moved : collection of ids, optional
        Only the wires of these nodes; by default all.
    """
    router = Router(node.box for node in placed.values())
    numbers = {key: number for number, key in enumerate(placed)}
    for (key, name), link in links.items():
        if moved is None or key in moved or link.node in moved:
            names = [port.name for port in placed[key].figure.about.inputs]
            start = placed[link.node].port(link.slot, output=True)
            end = placed[key].port(names.index(name), output=False)
            yield (key, name), start, router.route(start, end, numbers[link.node])
