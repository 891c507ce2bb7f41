"""A document's way into files and out of them."""

from __future__ import annotations

import os
from typing import Self

from .files import contents_of, write_contents
from .history import History


class Stored(History):
    """Contents that can be undone, opened and saved."""

    @classmethod
    def read(cls, source: str | os.PathLike[str] | bytes) -> Self:
        """Return the document of a file.

        Parameters
        ----------
        source : path or bytes
            JSON in ComfyUI's API or UI format, or a PNG that a workflow saved; bytes are what
            such a file holds.

        Raises
        ------
        FileError
            If it cannot be read, or holds no workflow.
        GraphError
            If something in it is no node or no wire, or it is of a newer version.
        """
        return cls(contents_of(source))

    def open(self, source: str | os.PathLike[str] | bytes) -> None:
        """Replace what the document holds by a file; if that cannot be read, nothing changes.

        Parameters
        ----------
        source : path or bytes
            As for `read`.

        Raises
        ------
        FileError, GraphError
            As for `read`.
        """
        self._change(contents_of(source))

    def save(self, path: str | os.PathLike[str], format: str = "api") -> None:  # noqa: A002
        """Write the document into a file.

        Parameters
        ----------
        path : path
            The file; an old one is replaced as a whole.
        format : {"api", "ui"}
            API format has no places and groups; UI format has them.

        Raises
        ------
        FileError
            If it cannot be written.
        GraphError
            If a node that is not known here has values whose names are not known.
        """
        write_contents(path, self._contents, format)
