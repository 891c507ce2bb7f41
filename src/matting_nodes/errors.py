"""The errors: each states the value, the rule it breaks, and the way to mend it."""

from __future__ import annotations

import traceback
from copy import copy
from pathlib import Path
from typing import Literal, Self

Side = Literal["foreground", "background"]


def article(noun: str) -> str:
    """Return a noun with its article.

    Examples
    --------
    >>> article("alpha"), article("trimap")
    ('an alpha', 'a trimap')
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


class MattingError(Exception):
    """Something a user gave cannot be used.

    Parameters
    ----------
    found : str
        What was given, with its value.
    rule : str
        What must hold.
    fix : str
        What to do about it.

    Examples
    --------
    >>> print(MattingError("inner is -3 px", "It must be 0 to 200 px", "Choose 0 or more"))
    inner is -3 px. It must be 0 to 200 px. Choose 0 or more.
    """

    def __init__(self, found: str, rule: str, fix: str) -> None:
        super().__init__(found, rule, fix)
        self.found, self.rule, self.fix = found, rule, fix

    def __str__(self) -> str:
        return " ".join(f"{part.rstrip('.')}." for part in (self.found, self.rule, self.fix))

    def in_frame(self, index: int) -> Self:
        """Return the same error, naming the frame (counted from 0) that it stands in."""
        return self.within(f"Frame {index}")

    def within(self, place: str) -> Self:
        """Return the same error, naming the place that it stands in."""
        named = copy(self)
        named.found = f"{place}: {self.found}"
        named.args = (named.found, self.rule, self.fix)
        return named


class ShapeError(MattingError):
    """An array has the wrong number of axes or channels, or is too small."""


class SizeMismatchError(MattingError):
    """Two inputs, or two batches, do not have the same size."""


class ValueRangeError(MattingError):
    """An array holds NaN, infinity, or values outside its range."""


class EmptyRegionError(MattingError):
    """A definite foreground or background is missing.

    Parameters
    ----------
    found, rule, fix : str
        As for every MattingError.
    missing : {"foreground", "background"}, optional
        What a frame of a stack lacks that shows no object, or nothing else: it needs no solving.
    """

    def __init__(self, found: str, rule: str, fix: str, missing: Side | None = None) -> None:
        super().__init__(found, rule, fix)
        self.missing = missing


class MissingInputError(MattingError):
    """A method needs an input that was not given."""


class ParameterError(MattingError):
    """A parameter is unknown, of the wrong type, or out of its range."""


class DependencyError(MattingError):
    """A package that is needed is not installed, or does not work."""


class FileError(MattingError):
    """A file cannot be read or written."""


class WeightsError(FileError):
    """A network's file is missing, damaged, changed, or another network's."""


class TrainingError(MattingError):
    """A training cannot go on: its loss is no number, or too much of its data cannot be read."""


class MemoryLimitError(MattingError):
    """The work fits the memory of no device."""


class GraphError(MattingError):
    """A workflow holds a node, a wire or a value that cannot be run."""


class UnexpectedError(MattingError):
    """A node or method stopped with an error that it has no message for."""


def as_matting_error(error: Exception) -> MattingError:
    """Return an error as one that can be told; the place where it arose goes with it.

    Examples
    --------
    >>> print(as_matting_error(ValueError("math domain error")).found)
    ValueError: math domain error
    """
    if isinstance(error, MattingError):
        return error
    place = [
        f" ({Path(frame.filename).name}, line {frame.lineno}, in {frame.name})"
        for frame in traceback.extract_tb(error.__traceback__)[-1:]
    ]
    return UnexpectedError(
        f"{type(error).__name__}: {str(error).strip()}{''.join(place)}",
        "The node did not foresee what it was given",
        "Check its inputs; if they are right, please report this",
    )
