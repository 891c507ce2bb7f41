"""The Matting graph dock: the pipeline wired on a canvas, the same workflow as `run`'s."""

from ._dock import MattingGraph

__all__ = ["MattingGraph"]
