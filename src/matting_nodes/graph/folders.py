"""Where a graph's files are: pictures come from input folders, results go into one."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import FileError, shown
from ..io.images import make_folder_for

SAMPLE = " [sample]"


@dataclass(frozen=True)
class Folders:
    """The folders of one run.

    Parameters
    ----------
    input : path
        Where loaders look for the names that a workflow gives.
    output : path
        Where savers write.
    name : str
        Name of the current picture when a graph runs over a folder: files are named after it.
        Otherwise they are numbered.
    named : frozenset of str
        Paths that the user named on the command line. A workflow, which may come from a
        stranger, cannot name files outside the folders.
    force : bool
        Whether files named after a picture may be overwritten.
    temporary : path, optional
        Where clips on wires are kept; by default a folder that goes with the process.
    """

    input: Path
    output: Path
    name: str = ""
    named: frozenset[str] = frozenset()
    force: bool = False
    temporary: Path | None = None

    def find(self, name: str) -> Path:
        """Return the file or folder that a loader means.

        Raises
        ------
        FileError
            If it does not exist, or lies outside the folders.
        """
        if name in self.named:
            return _existing(Path(name), name)
        if name.endswith(SAMPLE):
            from .. import sample_data

            return sample_data.find(name.removesuffix(SAMPLE))
        folder = self.output if name.endswith("[output]") else self.input
        name = re.sub(r" ?\[(input|output)\]$", "", name)
        path = folder / name
        with _naming(name):
            inside = path.resolve().is_relative_to(folder.resolve())
        if not inside:
            raise FileError(
                f"{name} lies outside {folder}",
                "A workflow takes its pictures from the input folder",
                "Put it there, or name it yourself with --set",
            )
        return _existing(path, name)

    def scratch(self, suffix: str) -> Path:
        """Return a new empty file for what a wire carries.

        Parameters
        ----------
        suffix : str
            The end of its name.
        """
        folder = self.temporary or Path(_own_folder().name)
        folder.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(suffix, "matting-nodes-", folder)
        os.close(number)
        return Path(name)

    def target(self, prefix: str, suffix: str, count: int, size: tuple[int, int]) -> list[Path]:
        """Return the files that a batch of results is saved as.

        Parameters
        ----------
        prefix : str
            As ComfyUI's savers take it: with folders, %width%, %height%, %batch_num% and
            the parts of the date.
        suffix : str
            The end of their names.
        count : int
            How many there are.
        size : (width, height)
            In pixels.

        Raises
        ------
        FileError
            If they would lie outside the output folder, exist and may not be replaced, or their
            folder cannot be made.
        """
        return [make_folder_for(path) for path in self._paths(prefix, suffix, count, size)]

    def check_target(self, prefix: str, suffix: str) -> None:
        """Refuse a prefix before anything is computed, as `target` would after it.

        Parameters
        ----------
        prefix, suffix : str
            As for `target`.

        Raises
        ------
        FileError
        """
        self._paths(prefix, suffix, 1, (0, 0))

    def _paths(self, prefix: str, suffix: str, count: int, size: tuple[int, int]) -> list[Path]:
        path = self.output / _filled(prefix, size)
        with _naming(prefix):
            if not path.resolve().is_relative_to(self.output.resolve()):
                raise FileError(
                    f"The prefix {prefix!r} leads outside {self.output}",
                    "A workflow saves into the output folder",
                    "Remove .. and the leading /, or choose another --output",
                )
            names = self._names(path, count)
            return [self._free(path.with_name(name + suffix)) for name in names]

    def _names(self, path: Path, count: int) -> list[str]:
        stems = [path.name.replace("%batch_num%", str(number)) for number in range(count)]
        if not self.name:
            first = _last_number(path.parent, path.name) + 1
            return [f"{stem}_{first + n:05}_" for n, stem in enumerate(stems)]
        if count == 1:
            return [f"{stems[0]}_{self.name}"]
        return [f"{stem}_{self.name}_{n:05}" for n, stem in enumerate(stems, 1)]

    def _free(self, path: Path) -> Path:
        if path.exists() and not self.force:
            raise FileError(
                f"{path} exists", "Files are not overwritten", "Choose another --output or --force"
            )
        return path


@cache
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that is removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="matting-nodes-")


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Refuse a name that the system cannot look for: too long, with a NUL, a circle of links."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise FileError(
            f"{shown(name)} cannot be the name of a file here: {reason}",
            "Each of its parts has at most some 255 bytes, and no character is a NUL",
            "Choose another name",
        ) from error


def _existing(path: Path, name: str) -> Path:
    with _naming(name):
        is_there = path.exists()
    if not is_there:
        raise FileError(
            f"{name} is not in the folder {path.parent}",
            "The picture must exist",
            "Put it there, choose another folder with --input, or another file with --set",
        )
    return path


def _filled(prefix: str, size: tuple[int, int]) -> str:
    words = {"width": size[0], "height": size[1], **_date()}
    return re.sub(r"%(\w+)%", lambda m: str(words.get(m[1], m[0])), prefix)


def _date() -> dict[str, str]:
    parts = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
    now = time.localtime()
    return {name: time.strftime(code, now) for name, code in parts.items()}


def _last_number(folder: Path, stem: str) -> int:
    """Return the highest number among files such as stem_00001_.png; 0 if there is none."""
    pattern = re.compile(rf"{re.escape(stem)}_(\d+)[_.].*")
    found = [pattern.fullmatch(path.name) for path in folder.glob("*")]
    return max((int(match[1]) for match in found if match), default=0)
