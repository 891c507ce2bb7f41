"""Downloads: into a file of another name, checked, then moved into place in one step."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsError
from ..job import Job
from . import _fingerprints
from .catalog import Model

_PART = ".part"
_ABANDONED = 3600.0


@dataclass
class _Meter:
    """What pooch takes for a progress bar: it tells the job, which may raise to cancel."""

    job: Job
    name: str
    total: float = 0
    done: float = 0

    def update(self, size: int) -> None:
        self.done += size
        total = max(self.total, self.done, 1)
        mebibytes = " of ".join(f"{part / 2**20:.0f}" for part in (self.done, total))
        self.job.step(self.done, total, f"download {self.name}: {mebibytes} MiB")

    def reset(self) -> None:
        """Start over: pooch asks for it when all is there, to then show the whole length."""
        self.done = 0

    def close(self) -> None:
        """Nothing is shown that would have to go."""


def download(model: Model, target: Path, job: Job) -> None:
    """Fetch a model's file; whatever happens, no part of it stays behind.

    Raises
    ------
    WeightsError
        If the server, the connection, the disk or the checksum fails.
    Cancelled
        If the job was cancelled.
    """
    from pooch import HTTPDownloader

    url = model.source.url()
    with _partial(model, target) as part:
        meter = _Meter(job.part(0, 0.9), target.name, model.size)
        with _explained(model, target, url):
            HTTPDownloader(progressbar=meter, chunk_size=1 << 18)(url, str(part), None)
        _refuse_web_page(model, part, target)
        digest = _fingerprints.sha256(part, job.part(0.9, 1))
        if not digest.startswith(model.sha256):
            raise WeightsError(
                f"What {url} sent has the SHA-256 {digest}",
                f"{model.title} has one that begins with {model.sha256}; nothing was kept",
                f"Try again; if that does not help, {by_hand(model, target)}",
            )
        # What is fetched anew is trusted as a first use is.
        _fingerprints.forget(target)
        part.replace(target)


def by_hand(model: Model, target: Path) -> str:
    """Return what a person can do where the program cannot."""
    where = model.source.page or model.source.url()
    if not where:
        return f"put a file that you have at {target}, or name it as the weights"
    return f"download it by hand from {where} and put it at {target}"


@contextmanager
def _partial(model: Model, target: Path) -> Iterator[Path]:
    """Give a file of a name of its own beside the target, and remove it after."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f"{target.name}.", suffix=_PART, delete=False
        ) as file:
            part = Path(file.name)
    except OSError as error:
        raise _disk_error(model, target, error) from error
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _sweep(target: Path) -> None:
    """Remove what a killed process left; one that is being written is younger."""
    for left in target.parent.glob(f"{target.name}.*{_PART}"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            left.unlink(missing_ok=True)


@contextmanager
def _explained(model: Model, target: Path, url: str) -> Iterator[None]:
    from requests.exceptions import RequestException

    try:
        yield
    except RequestException as error:
        raise WeightsError(
            f"{model.title} could not be downloaded from {url}: {error}",
            f"Its weights, {target.name}, belong into {target.parent}; nothing was kept",
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


def _refuse_web_page(model: Model, part: Path, target: Path) -> None:
    """Google Drive answers with a page, not an error, when a file was fetched too often."""
    with part.open("rb") as file:
        start = file.read(512).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        raise WeightsError(
            f"{model.source.url()} answered with a web page, not with {target.name}",
            "The server may want a person to confirm, or has counted too many downloads today",
            f"Try again tomorrow, or {by_hand(model, target)}",
        )
