"""Weights on disk: found or fetched, checked before use, read without running any code."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import WeightsError
from ..job import Job, in_background
from . import _fingerprints, user_models
from ._checkpoint import check_loads, load_into, load_state
from ._download import by_hand, download
from ._folder import download_folder, offline, search_folders
from ._source import Packaged
from .catalog import Model

__all__ = ["fetch", "find", "load_into", "load_state", "target", "verify"]

_DOWNLOADS: dict[Path, threading.Lock] = {}


def target(model: Model) -> Path:
    """Return where a model's file goes when it is downloaded, by us or by hand."""
    return download_folder() / model.file


def find(model: Model) -> Path | None:
    """Return a model's file if it is in the package or a folder; nothing is fetched or read."""
    if isinstance(model.source, Packaged) and model.source.path(model.file).is_file():
        return model.source.path(model.file)
    for folder in search_folders():
        if (folder / model.file).is_file():
            return folder / model.file
    return None


def fetch(
    model: Model, named: str | Path = "", job: Job | None = None, force: bool = False
) -> Path:
    """Return the file of a model's weights, downloaded first if it is in no folder.

    Parameters
    ----------
    model : Model
        From the catalog.
    named : path, optional
        A file that the user names, or a model of your own by its name: it is taken as it is,
        with no checksum asked for.
    job : Job, optional
        Takes progress. A cancelled download leaves nothing behind.
    force : bool
        Download it again although it is there; the old file stays if that fails.

    Raises
    ------
    WeightsError
        If it is not found and cannot be downloaded (the message says what to do by hand), if its
        checksum is not the published one or that of its first use, or if it has no published
        checksum and does not load at its first use.
    Cancelled
        If the job was cancelled.
    """
    job = job or Job()
    if named:
        return _named(model, str(named))
    path = find(model)
    if force or not path:
        path = _downloaded(model, job.part(0, 0.9), force)
        _fingerprints.check(model, path, job.part(0.9, 1))
    else:
        _check(model, path, job)
    return path


def verify(model: Model, job: Job | None = None, accept: bool = False) -> str:
    """Return the SHA-256 of a model's file once it is known to be the right one.

    Where no checksum is published, it is the one of the first use, and the file must load.

    Parameters
    ----------
    model : Model
        From the catalog.
    job : Job, optional
        Takes progress.
    accept : bool
        Take a changed file as if it was used for the first time. Never against a checksum
        that the catalog publishes.

    Raises
    ------
    WeightsError
        If the file is missing, or is not the one it should be.
    """
    path = find(model)
    if path is None:
        raise _absent(model, "Nothing can be verified")
    if accept:
        _fingerprints.forget(path)
    # What is on record may have been recorded unseen.
    return _check(model, path, job or Job(), look=True)


def _check(model: Model, path: Path, job: Job, look: bool = False) -> str:
    """Return a file's checksum; of a file that nothing is known of, only if it loads."""
    unpublished, known = not _fingerprints.published(model), _fingerprints.is_known(path)
    if unpublished and not known:
        check_loads(path, model)
    digest = _fingerprints.check(model, path, job)
    if unpublished and known and look:
        check_loads(path, model)
    return digest


def _downloaded(model: Model, job: Job, force: bool = False) -> Path:
    """Download the file, unless another thread has done so in the meantime."""
    path = (find(model) if force else None) or target(model)
    _refuse_unfetchable(model)
    with _held(_DOWNLOADS.setdefault(path, threading.Lock()), job):
        if force or not path.is_file():
            # A server that stalls is silent for long: a cancel does not wait for it.
            in_background(lambda job: download(model, path, job, force), job)
    return path


@contextmanager
def _held(lock: threading.Lock, job: Job) -> Iterator[None]:
    """Hold a lock; a cancel is heard while another thread has it."""
    while not lock.acquire(timeout=0.1):
        job.check()
    try:
        yield
    finally:
        lock.release()


def _named(model: Model, name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        path = user_models.find(model, name) or path
    if not path.is_file():
        raise WeightsError(
            f"{path} is not a file",
            f"The weights of {model.title} are a file (.pth, .pt, .tar, .bin or .safetensors), "
            "or the name of one of your own models",
            f"Check the path, or leave it empty to use the published {model.file}",
        )
    return path


def _refuse_unfetchable(model: Model) -> None:
    if not model.source.url():
        note = getattr(model.source, "note", "")
        raise _absent(model, note or "No program can fetch it")
    if offline():
        raise _absent(model, f"MATTING_NODES_OFFLINE forbids to fetch it from {model.source.url()}")


def _absent(model: Model, why: str) -> WeightsError:
    folders = ", ".join(str(folder) for folder in search_folders())
    fix = by_hand(model, target(model))
    return WeightsError(
        f"The weights of {model.title}, {model.file}, are not in {folders}",
        why,
        fix[0].upper() + fix[1:],
    )
