"""The command line: one command a node, and `run`, `demo` and `doctor`."""

from ._main import main

__all__ = ["main"]
