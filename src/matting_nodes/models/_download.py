"""Downloads: into a part beside the file, continued if cut off, taken in only if it loads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WeightsError
from ..job import Job
from . import _fingerprints
from ._checkpoint import check_loads
from ._records import replace_record
from .catalog import Model

if TYPE_CHECKING:
    from requests import Response

_CHUNK = 1 << 18
# Seconds to connect, and between two pieces of an answer.
_PATIENCE = (10, 30)


def download(model: Model, target: Path, job: Job, force: bool = False) -> None:
    """Fetch a model's file; it takes its place whole, of the right checksum, and if it loads.

    What a killed process or a lost connection left is continued, if the server still has the
    same file. Of two processes that want one file, the second waits for the first.

    Parameters
    ----------
    force : bool
        Replace a file that is there.

    Raises
    ------
    WeightsError
        If the server, the connection, the disk, the checksum or the content fails.
    Cancelled
        If the job was cancelled; nothing of the file stays behind.
    """
    url, part = model.source.url(), target.with_name(f"{target.name}.part")
    with _explained(model, target, url), _alone(target, job):
        if target.is_file() and not force:
            return
        _receive(model, url, part, job.part(0, 0.9))
        try:
            _check(model, url, part, target, job.part(0.9, 1))
            # A new download is trusted like a first use.
            _fingerprints.forget(target)
            part.replace(target)
        finally:
            _remove(part)


def by_hand(model: Model, target: Path) -> str:
    """Return what a person can do where the program cannot.

    Parameters
    ----------
    model : Model
        Whose weights are missing.
    target : Path
        Where the file belongs.
    """
    where = model.source.page or model.source.url()
    if not where:
        return f"put a file that you have at {target}, or name it as the weights"
    return f"download it by hand from {where} and put it at {target}"


@contextmanager
def _alone(target: Path, job: Job) -> Iterator[None]:
    """Keep other processes from the same download; a cancel is heard while one has it."""
    from filelock import FileLock, Timeout

    folder = target.parent / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{target.name}.lock")
    while True:
        try:
            lock.acquire(timeout=0.1)
            break
        except Timeout:
            job.step(0, message=f"wait for another download of {target.name}")
    try:
        yield
    finally:
        lock.release()


def _receive(model: Model, url: str, part: Path, job: Job) -> None:
    """Write what a server sends into the part, from where the last attempt ended."""
    from requests.exceptions import HTTPError, RequestException

    try:
        with _answer(url, part) as answer:
            begin = part.stat().st_size if answer.status_code == 206 else 0
            total = begin + int(answer.headers.get("Content-Length", 0))
            _remember(answer, url, part)
            with part.open("ab" if begin else "wb") as file:
                for chunk in answer.iter_content(_CHUNK):
                    file.write(chunk)
                    _report(job, part, file.tell(), total or model.size)
    except RequestException as error:
        # A lost connection leaves what can be continued.
        if isinstance(error, HTTPError) or not _note(part).is_file():
            _remove(part)
        raise
    except BaseException:
        _remove(part)
        raise


def _answer(url: str, part: Path) -> Response:
    """Ask for the rest of a part if it can be continued, else for the whole file."""
    import requests

    # Compressed on the way, pieces could not be counted.
    headers = {"Accept-Encoding": "identity"}
    rest = headers | _condition(url, part)
    answer = requests.get(url, headers=rest, stream=True, timeout=_PATIENCE)
    if "Range" in rest and not _continues(answer, part):
        answer.close()
        _remove(part)
        answer = requests.get(url, headers=headers, stream=True, timeout=_PATIENCE)
    answer.raise_for_status()
    return answer


def _condition(url: str, part: Path) -> dict[str, str]:
    """Return the headers that ask for the rest, if the file has not changed since."""
    try:
        note = json.loads(_note(part).read_text(encoding="utf-8"))
        have = part.stat().st_size
    except (OSError, ValueError):
        return {}
    if not have or note.get("url") != url:
        return {}
    return {"Range": f"bytes={have}-", "If-Range": note["validator"]}


def _continues(answer: Response, part: Path) -> bool:
    begin = f"bytes {part.stat().st_size}-"
    return answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(begin)


def _remember(answer: Response, url: str, part: Path) -> None:
    """Note beside a part what tells this content from a later one, if the server says it."""
    tag = answer.headers.get("ETag", "")
    # A weak tag does not promise equal bytes.
    validator = answer.headers.get("Last-Modified", "") if tag.startswith("W/") or not tag else tag
    if validator and answer.headers.get("Accept-Ranges") != "none":
        replace_record(_note(part), {"url": url, "validator": validator})
    else:
        _note(part).unlink(missing_ok=True)


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _remove(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _report(job: Job, part: Path, done: int, total: int) -> None:
    total = max(total, done)
    mebibytes = " of ".join(f"{size / 2**20:.0f}" for size in (done, total))
    job.step(done, total, f"download {part.stem}: {mebibytes} MiB")


def _check(model: Model, url: str, part: Path, target: Path, job: Job) -> None:
    """Refuse what is not the published file or, where none is published, does not load."""
    digest = _fingerprints.sha256(part, job)
    if not _fingerprints.is_published(model, part, digest):
        raise WeightsError(
            f"What {url} sent{_looks_like(part)} has the SHA-256 {digest}",
            f"{model.title} has {_fingerprints.published(model)}; nothing was kept",
            f"Try again; if that does not help, {by_hand(model, target)}",
        )
    if _fingerprints.published(model):
        return
    try:
        check_loads(part, model)
    except WeightsError as error:
        raise WeightsError(
            f"What {url} sent{_looks_like(part)} is not the weights of {model.title}: {error}",
            "Only a file that loads is kept; nothing was",
            f"Try again tomorrow, or {by_hand(model, target)}",
        ) from error


def _looks_like(part: Path) -> str:
    """Return what an answer is that is no checkpoint, in brackets, or nothing."""
    with part.open("rb") as file:
        start = file.read(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    kinds = {
        b"version https://git-lfs": "a Git LFS pointer",
        b"<": "a web page or XML",
        b"{": "JSON",
        b"[": "JSON",
    }
    found = next((kinds[mark] for mark in kinds if start.startswith(mark)), "")
    found = found if start else "nothing at all"
    return f" ({found})" if found else ""


@contextmanager
def _explained(model: Model, target: Path, url: str) -> Iterator[None]:
    from requests.exceptions import RequestException

    try:
        yield
    except RequestException as error:
        raise WeightsError(
            f"{model.title} could not be downloaded from {url}: {error}",
            f"Its weights, {target.name}, belong into {target.parent}; what has come is continued "
            "next time if the server allows it",
            f"Check the connection and try again, or {by_hand(model, target)}",
        ) from error
    except OSError as error:
        raise _disk_error(model, target, error) from error


def _disk_error(model: Model, target: Path, error: OSError) -> WeightsError:
    size = f" of {model.size / 2**20:.0f} MiB" if model.size else ""
    return WeightsError(
        f"{target} cannot be written: {error.strerror or error}",
        f"The weights of {model.title}{size}, from {model.source.url()}, belong there; "
        "nothing was kept",
        "Make room, or choose another folder with MATTING_NODES_CACHE",
    )
