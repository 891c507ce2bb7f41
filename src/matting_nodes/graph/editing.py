"""The document of a graph: what a canvas shows and edits, with undo, in and out of files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..errors import GraphError, shown
from .contents import Group
from .files import contents_of
from .inputs import check_link, defaults, unwired, with_value
from .layout import Place
from .model import Graph, GraphNode, Link, listing
from .page_writing import is_positional, page_of
from .registry import find_type
from .stored import Stored


class Document(Stored):
    """An editable graph: each change replaces its contents as a whole, and can be undone.

    Examples
    --------
    >>> document = Document()
    >>> photo = document.add("LoadImage", inputs={"image": "cat.png"})
    >>> shown = document.add("PreviewImage", (400, 0))
    >>> document.connect(Link(photo), shown, "images")
    >>> document.undo(), document.graph.nodes[shown].links
    (True, {})
    """

    @property
    def graph(self) -> Graph:
        """The nodes and wires."""
        return self._contents.graph

    @property
    def places(self) -> Mapping[str, Place]:
        """Where the nodes are."""
        return self._contents.places

    @property
    def groups(self) -> tuple[Group, ...]:
        """The frames around nodes."""
        return self._contents.groups

    def add(
        self, class_type: str, place: Place = (0, 0), inputs: Mapping[str, object] | None = None
    ) -> str:
        """Add a node and return its id.

        Parameters
        ----------
        class_type : str
            What it is, such as "MattingNodesSegment".
        place : (x, y)
            Its top left corner.
        inputs : mapping, optional
            Values by name; others have the defaults of the type.

        Raises
        ------
        GraphError
            If there is no such type, or input.
        ParameterError
            If a value is not one of the parameter.
        """
        type_ = find_type(class_type)
        if type_ is None:
            raise GraphError(
                f"There is no type of node {shown(class_type)}",
                "Nodes are of the types that node_types lists",
                "Choose one of these",
            )
        key = self._free_ids(1)[0]
        given = dict(inputs or {})
        node = GraphNode(key, class_type, defaults(type_, given.get("method")))
        graph = self.graph.with_node(node)
        for name, value in given.items():
            if isinstance(value, Link):
                check_link(graph, value, key, name)
                graph = graph.with_input(key, name, value)
            else:
                graph = graph.with_node(with_value(graph.nodes[key], name, value))
        self._edit(graph, places={**self.places, key: _place(place)})
        return key

    def remove(self, ids: Iterable[str]) -> None:
        """Remove nodes and the wires at them.

        Raises
        ------
        GraphError
            If there is no such node.
        """
        gone = [self._node(key).id for key in ids]
        if gone:
            self._change(self._contents.without(gone))

    def connect(self, link: Link, node: str, name: str) -> None:
        """Wire an output to an input, in place of what was wired there.

        Parameters
        ----------
        link : Link
            The output.
        node, name : str
            The input, or a parameter of its type.

        Raises
        ------
        GraphError
            If one of them is not there, their types differ, or nodes would depend on each other.
        """
        self._node(node)
        check_link(self.graph, link, node, name)
        self._edit(self.graph.with_input(node, name, link))

    def disconnect(self, node: str, name: str) -> None:
        """Remove the wire at an input, if there is one; a parameter has its default again.

        Parameters
        ----------
        node, name : str
            The input.

        Raises
        ------
        GraphError
            If there is no such node.
        """
        if name in self._node(node).links:
            self._edit(self.graph.with_node(unwired(self._node(node), name)))

    def set(self, node: str, name: str, value: object) -> None:
        """Set a parameter; a new method comes with the defaults of its own parameters.

        Edits of one parameter in a row are one step to undo, until `settle`.

        Parameters
        ----------
        node, name : str
            The parameter: "method", "method.inner" …
        value : object
            What it becomes.

        Raises
        ------
        GraphError
            If there is no such node or parameter.
        ParameterError
            If the value is not one of the parameter.
        """
        if is_positional(self._contents, self._node(node).id):
            raise GraphError(
                f"{self._node(node).label} is not known here, and its page lists its values "
                "without names",
                "A value is set by its name",
                "Set it in ComfyUI",
            )
        changed = with_value(self._node(node), name, value)
        self._edit(self.graph.with_node(changed), merging=("set", node, name))

    def rename(self, node: str, title: str) -> None:
        """Give a node a title; an empty one gives it that of its type.

        Parameters
        ----------
        node : str
            Its id.
        title : str
            What it is called.

        Raises
        ------
        GraphError
            If there is no such node.
        """
        self._edit(self.graph.with_node(replace(self._node(node), title=title)))

    def move(self, places: Mapping[str, Place]) -> None:
        """Put nodes elsewhere; moves of the same nodes in a row are one step, until `settle`.

        Parameters
        ----------
        places : mapping of id to (x, y)
            Their new top left corners.

        Raises
        ------
        GraphError
            If there is no such node, or the place is no number.
        """
        moved = {self._node(key).id: _place(place) for key, place in places.items()}
        merging = ("move", *sorted(moved))
        self._edit(self.graph, places={**self.places, **moved}, merging=merging)

    def group(self, title: str, ids: Iterable[str]) -> Group:
        """Draw a frame with a title around nodes, which leave the frames that they were in.

        Parameters
        ----------
        title : str
            What it says.
        ids : iterable of str
            The nodes.
        """
        new = Group(title, tuple(dict.fromkeys(self._node(key).id for key in ids)))
        rest = (replace(g, ids=tuple(k for k in g.ids if k not in new.ids)) for g in self.groups)
        kept = tuple(g for g, old in zip(rest, self.groups, strict=True) if g.ids or not old.ids)
        self._change(replace(self._contents, groups=(*kept, new)))
        return new

    def ungroup(self, group: Group) -> None:
        """Remove a frame; its nodes stay."""
        self._change(replace(self._contents, groups=tuple(g for g in self.groups if g != group)))

    def lay_out(self, sizes: Mapping[str, tuple[float, float]] | None = None) -> None:
        """Put every node right of its sources, none over another, a note, or in a foreign group.

        Parameters
        ----------
        sizes : mapping of id to (width, height), optional
            How large a view draws the nodes.

        Raises
        ------
        GraphError
            If nodes depend on each other in a circle.
        """
        self._change(self._contents.laid_out(sizes))

    def copy(self, ids: Iterable[str]) -> str:
        """Return nodes, the wires between them and their groups as a text: JSON in UI format."""
        return json.dumps(page_of(self._contents.only(self._node(key).id for key in ids)))

    def paste(self, text: str, place: Place | None = None) -> list[str]:
        """Add the nodes of a copied text, or of any workflow, and return their new ids.

        Parameters
        ----------
        text : str
            What `copy` gave, or a workflow's JSON in either format.
        place : (x, y), optional
            Where the top left corner of all of them comes.

        Raises
        ------
        FileError, GraphError
            If the text holds no workflow; the document stays as it was.
        """
        new = contents_of(text.encode("utf-8", "surrogatepass"))
        ids = dict(zip(new.graph.nodes, self._free_ids(len(new.graph.nodes)), strict=True))
        self._change(self._contents.joined(new.renumbered(ids), place and _place(place)))
        return list(ids.values())

    def _node(self, key: str) -> GraphNode:
        if key not in self.graph.nodes:
            raise GraphError(
                f"There is no node {shown(key)}",
                f"The workflow has the nodes {listing(self.graph.nodes) or 'none'}",
                "Use one of these",
            )
        return self.graph.nodes[key]

    def _free_ids(self, count: int) -> list[str]:
        used = [int(key) for key in self.graph.nodes if key.isdecimal() and len(key) < 16]
        first = max([*used, self._contents.last_virtual()], default=0) + 1
        return [str(number) for number in range(first, first + count)]

    def _edit(
        self,
        graph: Graph,
        places: Mapping[str, Place] | None = None,
        merging: tuple[object, ...] = (),
    ) -> None:
        contents = replace(self._contents, graph=graph, places=places or self.places)
        self._change(contents, merging)


def _place(place: Place) -> Place:
    x, y = (float(number) for number in place)
    if not (abs(x) < 1e9 and abs(y) < 1e9):
        raise GraphError(
            f"The place is {shown(place)}", "It is within 1,000,000,000 pixels", "Choose another"
        )
    return x, y
