"""Checksums: the catalog's where upstream publishes one, else that of the first use."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path

from ..errors import WeightsError
from ..job import Job
from ._folder import model_folder
from ._records import replace_record
from .catalog import Model

_LOCK = threading.Lock()
_CHUNK = 1 << 22


def record_path() -> Path:
    """Return the file that remembers checksums of first uses."""
    return model_folder() / "checksums.json"


def sha256(path: Path, job: Job) -> str:
    """Return a file's SHA-256 as 64 hexadecimal digits.

    Parameters
    ----------
    path : Path
        The file.
    job : Job
        Takes progress; asked for a cancel.
    """
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            job.step(done, total, f"check {path.name}")
    return digest.hexdigest()


def check(model: Model, path: Path, job: Job) -> str:
    """Return the file's checksum once it is known to be the right one.

    Parameters
    ----------
    model : Model
        Its entry in the catalog, with the published checksum.
    path : Path
        The file.
    job : Job
        Takes progress; asked for a cancel.

    Raises
    ------
    WeightsError
        If it is not the catalog's, or not that of the first use.
    """
    found = sha256(path, job)
    if not is_published(model, path, found):
        raise WeightsError(
            f"{path} has the SHA-256 {found}",
            f"The published {model.name} has {published(model)}: this is another file, or a "
            "damaged one",
            f"Run `matting-nodes models fetch {model.name} --force`",
        )
    if len(model.sha256) < len(found) and not model.git_sha1:
        _check_against_first_use(model, path, found)
    return found


def is_published(model: Model, path: Path, digest: str) -> bool:
    """Tell whether a file, of that SHA-256, is the published one; yes if none is published.

    Parameters
    ----------
    model : Model
        Its entry in the catalog, with the published checksum.
    path : Path
        The file.
    digest : str
        SHA-256 of the file, 64 hexadecimal digits.
    """
    if not digest.startswith(model.sha256):
        return False
    return not model.git_sha1 or _git_sha1(path) == model.git_sha1


def published(model: Model) -> str:
    """Return what is known of the content that is published, in words; nothing if nothing is."""
    if model.sha256:
        return f"a SHA-256 that begins with {model.sha256}"
    return f"the SHA-1 {model.git_sha1} in git" if model.git_sha1 else ""


def is_known(path: Path) -> bool:
    """Tell whether a file's first use is on record."""
    with _LOCK:
        return _key(path) in _read()


def _git_sha1(path: Path) -> str:
    """Return the name that git gives a file's content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def forget(path: Path) -> None:
    """Let the next use of a file be its first."""
    with _LOCK:
        known = _read()
        if known.pop(_key(path), None):
            _write(known)


def _check_against_first_use(model: Model, path: Path, found: str) -> None:
    with _LOCK:
        known = _read()
        first = known.setdefault(_key(path), found)
        if first != found:
            raise WeightsError(
                f"{path} has changed: its SHA-256 is {found}",
                f"When {model.name} was first used it was {first}",
                "If you replaced it yourself, run "
                f"`matting-nodes models verify {model.name} --accept`; else "
                f"`matting-nodes models fetch {model.name} --force`",
            )
        _write(known)


def _key(path: Path) -> str:
    return str(path.resolve())


def _read() -> dict[str, str]:
    try:
        known = json.loads(record_path().read_text(encoding="utf-8"))
        return {str(path): str(digest) for path, digest in known.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise WeightsError(
            f"{record_path()} cannot be read: {error}",
            "It holds the checksums of the networks' files as they were first used",
            "Delete it if you trust the files that are there now",
        ) from error


def _write(known: dict[str, str]) -> None:
    """Replace the record in one step; a folder that cannot be written has none."""
    folder = record_path().parent
    if not os.access(folder, os.W_OK):
        return
    replace_record(record_path(), known)
