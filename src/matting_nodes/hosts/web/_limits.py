from __future__ import annotations

import os
from dataclasses import dataclass

from ...errors import MattingError


@dataclass(frozen=True)
class Limits:
    """What one client may ask for, and all of them together.

    Parameters
    ----------
    megabytes : float
        Of one request or uploaded file.
    megapixels : float
        Of one picture.
    workers : int
        Pieces of work done at once.
    waiting : int
        Pieces of work that wait for those; more are refused with 503.
    seconds : float
        How long one piece of work may take.
    per_minute : int
        Requests of one address.
    sessions : int
        Open pages.
    idle_minutes : float
        After so long without a word from its page a session and its pictures are dropped.
    """

    megabytes: float = 64
    megapixels: float = 25
    workers: int = max(1, (os.cpu_count() or 1) // 2)
    waiting: int = 32
    seconds: float = 300
    per_minute: int = 240
    sessions: int = 16
    idle_minutes: float = 30

    @property
    def bytes(self) -> int:
        """Bytes of one request or uploaded file."""
        return int(self.megabytes * 1e6)

    @property
    def pixels(self) -> int:
        """Pixels of one picture."""
        return int(self.megapixels * 1e6)


class RefusedError(MattingError):
    """What HTTP has a status of its own for.

    Parameters
    ----------
    status : int
        HTTP's.
    found, rule, fix : str
        As for every MattingError.
    """

    def __init__(self, status: int, found: str, rule: str, fix: str) -> None:
        super().__init__(found, rule, fix)
        self.status = status


def too_large(limits: Limits, found: str = "The request is too large") -> RefusedError:
    """Return the refusal of a body that is larger than is taken."""
    return RefusedError(
        413,
        found,
        f"At most {limits.megabytes:g} MB are taken",
        "Save the picture smaller, or as JPEG",
    )
