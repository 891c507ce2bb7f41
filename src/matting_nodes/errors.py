"""The errors: each states the value, the rule it breaks, and the fix."""

from __future__ import annotations

import re
import reprlib
import time
import traceback
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Literal, Self

Side = Literal["foreground", "background"]

# What moves a terminal's cursor, changes its colors or turns its text around, and lone surrogates.
_UNPRINTABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Characters of each of the three sentences of an error.
_LONGEST = 2000
# Bytes of the log file, after which it starts again.
_LONGEST_LOG = 1_000_000
_OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "Insufficient memory")
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 200


def article(noun: str) -> str:
    """Return a noun with its article.

    Examples
    --------
    >>> article("alpha"), article("trimap")
    ('an alpha', 'a trimap')
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def printable(text: str) -> str:
    r"""Return a text that is safe to print: control characters are escaped, but for line ends.

    Examples
    --------
    >>> print(printable("\x1b[31mred"))
    \x1b[31mred
    """
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def shown(value: object) -> str:
    """Return how a message shows a value, however long or deep it is.

    Examples
    --------
    >>> shown("a.png"), shown([[[[[[[[1]]]]]]]])
    ("'a.png'", '[[[[[[[...]]]]]]]')
    """
    return _REPR.repr(value)


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
        parts = (_cut(part.rstrip(".")) for part in (self.found, self.rule, self.fix))
        return printable(" ".join(f"{part}." for part in parts))

    def in_frame(self, index: int) -> Self:
        """Return the same error, naming the frame (counted from 0) in which it arose."""
        return self.within(f"Frame {index}")

    def within(self, place: str) -> Self:
        """Return the same error, naming the place in which it arose."""
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
        The side that is missing, if a frame without it needs no solving: it shows no object, or
        nothing but the object.
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
    """Training cannot continue: the loss is not finite, or too much data cannot be read."""


class MemoryLimitError(MattingError):
    """The work does not fit into the memory of any device."""


class GraphError(MattingError):
    """A workflow holds a node, a wire or a value that cannot be run."""


class UnexpectedError(MattingError):
    """A node or method stopped with an error that it has no message for."""


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def as_matting_error(error: Exception) -> MattingError:
    """Return an error as a MattingError; an unexpected one says where it arose, and is logged.

    Examples
    --------
    >>> print(as_matting_error(MemoryError()).found)
    The memory is too small
    """
    if isinstance(error, MattingError):
        return error
    told = str(error).strip()
    if isinstance(error, MemoryError) or any(text in told for text in _OUT_OF_MEMORY):
        return MemoryLimitError(
            f"The memory is too small{': ' if told else ''}{told}",
            "Pictures and results must fit into what is free",
            "Use smaller pictures or fewer frames at a time, or close other programs",
        )
    place = [
        f" ({Path(frame.filename).name}, line {frame.lineno}, in {frame.name})"
        for frame in traceback.extract_tb(error.__traceback__)[-1:]
    ]
    log = _logged(error)
    return UnexpectedError(
        f"{type(error).__name__}: {told}{''.join(place)}",
        "No message was written for this error",
        "Check its inputs; if they are right, please report this"
        + (f", with what {log} says" if log else ""),
    )


def _logged(error: Exception) -> Path | None:
    """Append an error with its traceback to the log, and return that file if it can be written."""
    from platformdirs import user_log_path

    lines = traceback.format_exception(error)
    with suppress(OSError):
        log = user_log_path("matting-nodes", appauthor=False, ensure_exists=True) / "errors.log"
        begun = log.exists() and log.stat().st_size < _LONGEST_LOG
        with log.open("a" if begun else "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{''.join(lines)}\n")
        return log
    return None
