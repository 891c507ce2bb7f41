"""How the nodes of a graph fare while it is edited, and the program around it that is its host.

Pictures of the program that shows the canvas come in by a `Host`. In the document they are
ordinary nodes that load and save files, so that the same workflow runs in ComfyUI and on the
command line. A host says of a node "Load Picture" or "Load Image" which of its own pictures
stands for the file (in napari: the layer that is named, as in "lemur [layer]"), and takes what
a node that saves would write (in napari: as a layer).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import MattingError
from .batches import SAVED
from .model import GraphNode
from .node_types import NodeType

State = Literal["waiting", "running", "done", "cached", "failed"]


@dataclass(frozen=True)
class NodeRun:
    """How a node fared in the last run.

    Parameters
    ----------
    state : {"waiting", "running", "done", "cached", "failed"}
        "cached" was computed in an earlier run.
    progress : float, 0..1
        How much is done.
    message : str
        What it is doing, why it failed, or which node it waits for.
    values : tuple
        What its outputs hold; empty if that was dropped to make room.
    files : tuple of Path
        What it wrote.
    texts : tuple of str
        Measurements and remarks.
    thumbnail : (h, w, 3 or 4) uint8, optional
        A small picture of its first output, or of what it shows.
    error : MattingError, optional
        Why it failed.
    """

    state: State = "waiting"
    progress: float = 0.0
    message: str = ""
    values: tuple[object, ...] = ()
    files: tuple[Path, ...] = ()
    texts: tuple[str, ...] = ()
    thumbnail: NDArray[np.uint8] | None = None
    error: MattingError | None = None


class Source(NamedTuple):
    """A picture of the host.

    Parameters
    ----------
    state : str
        Another whenever the picture is another: a counter of its edits, or a digest.
    make : callable()
        Returns the outputs of the node in whose place it stands, as arrays that nobody writes to.
    """

    state: str
    make: Callable[[], tuple[object, ...]]


class Host:
    """What shows the canvas; this one has no pictures of its own, and lets nodes save files."""

    def source(self, node: GraphNode) -> Source | None:
        """Return what stands for the file that a node loads; None if it loads the file.

        Parameters
        ----------
        node : GraphNode
            Has an input "image" with the name of the file.
        """
        return None

    def sink(self, node: GraphNode, given: Mapping[str, object]) -> bool:
        """Take what a node would save, and return True; or False, and it writes its file.

        It is not asked again for what it has taken, until that changes.

        Parameters
        ----------
        node : GraphNode
            Has an input "filename_prefix".
        given : mapping
            Its inputs by name: "images", or "image" and "alpha".
        """
        return False


def saves(node: GraphNode, type_: NodeType) -> bool:
    """Return whether a node saves files.

    Parameters
    ----------
    node : GraphNode
        The node.
    type_ : NodeType
        Its type.
    """
    return type_.is_end and SAVED in type_.parameters_for(node.inputs)
