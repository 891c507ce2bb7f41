"""What a method sees of a stack if it needs more than one frame, as trackers do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Inputs = Mapping[str, Any]


@dataclass
class Stack:
    """The frames of a run, of which a method is asked one after the other, from the first on.

    A method that has the keyword `stack` without a default gets it.

    Parameters
    ----------
    count : int
        Number of frames.
    frame : callable(index) -> mapping
        Returns all inputs of a frame by name, checked, None if absent.
    prompts : callable(index) -> mapping
        Returns those alone that say which object is meant: the picture is not read.
    index : int
        The frame that is asked for.
    memory : dict
        What the method keeps from one frame for the next ones.
    """

    count: int
    frame: Callable[[int], Inputs]
    prompts: Callable[[int], Inputs]
    index: int = 0
    memory: dict[str, Any] = field(default_factory=dict)
