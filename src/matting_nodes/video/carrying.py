"""Trimaps carried from key frames to the frames between them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import BACKGROUND, FOREGROUND, UNKNOWN, Trimap, unknown
from ..job import Job
from .flow import Booleans, Motion, enlarged, grey, motion, object_motion, positions

NEAR = 8
"""Distance from the object up to which what fails the check becomes unknown, in flow pixels."""


class Carrier:
    """A trimap that follows its object from frame to frame.

    The places of all frames since the key frame are composed, and its labels looked up once: the
    band does not widen with each frame, as it would if trimaps were warped again and again.

    Attributes
    ----------
    trimap : (H, W) uint8, {0, 128, 255}
        The trimap of the current frame.
    """

    def __init__(self, trimap: Trimap) -> None:
        self.trimap = self._key = np.where(unknown(trimap), UNKNOWN, trimap).astype(np.uint8)
        self._x, self._y = positions(*trimap.shape)

    def step(self, flow: Motion) -> Motion:
        """Go on by one frame.

        Parameters
        ----------
        flow : Motion
            Between the grey pictures of the next frame and of this one.

        Returns
        -------
        Motion
            Where the object's pixels were in this frame, for the frames' own size.
        """
        import cv2

        height, width = self.trimap.shape
        h, w = flow.x.shape
        before = np.asarray(
            cv2.resize(self.trimap, (w, h), interpolation=cv2.INTER_NEAREST), np.uint8
        )
        labels = _looked_up(before, flow)
        moved = object_motion(flow, labels == FOREGROUND)
        labels = _looked_up(before, moved)
        near = cv2.dilate((labels != BACKGROUND).astype(np.uint8), np.ones((2 * NEAR + 1,) * 2))
        failed = ~flow.certain & (near > 0) & _is_inside(flow)
        # Specks are noise.
        large = cv2.morphologyEx(failed.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5)))
        moved = enlarged(moved._replace(certain=large == 0), height, width)
        self._x, self._y = (
            np.asarray(
                cv2.remap(
                    plane, moved.x, moved.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
                ),
                np.float32,
            )
            for plane in (self._x, self._y)
        )
        key = Motion(self._x, self._y, moved.certain)
        self.trimap = np.where(moved.certain, _looked_up(self._key, key), UNKNOWN).astype(np.uint8)
        return moved


def _looked_up(labels: NDArray[np.uint8], flow: Motion) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(
        cv2.remap(labels, flow.x, flow.y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    )


def _is_inside(flow: Motion) -> Booleans:
    """Return which pixels were in view: what enters it is carried on from the border."""
    height, width = flow.x.shape
    inside: Booleans = (
        (flow.x >= 0) & (flow.y >= 0) & (flow.x <= width - 1) & (flow.y <= height - 1)
    )
    return inside


def merged(forward: Trimap, backward: Trimap, share: float) -> Trimap:
    """Return one trimap from two that were carried from the key frames before and after.

    Parameters
    ----------
    forward, backward : (H, W) uint8
    share : float, 0..1
        How far the frame is on the way from the first key frame to the second.

    Returns
    -------
    (H, W) uint8
        The nearer one's labels; unknown where one says foreground and the other background.

    Examples
    --------
    >>> merged(np.uint8([[0, 0, 128]]), np.uint8([[255, 128, 255]]), 0.2)
    array([[128,   0, 128]], dtype=uint8)
    """
    nearer = forward if share < 0.5 else backward
    contradicting = ~unknown(forward) & ~unknown(backward) & (forward != backward)
    return np.where(contradicting, UNKNOWN, nearer).astype(np.uint8)


def carried(
    pictures: Iterable[NDArray[Any]], keys: Mapping[int, Trimap], count: int, job: Job | None = None
) -> Iterator[tuple[int, Trimap]]:
    """Yield the trimap of every frame of a clip, carried both ways from its key frames.

    Parameters
    ----------
    pictures : iterable of (H, W, 3) uint8 or uint16
        The frames, read once.
    keys : mapping of int to (H, W) uint8
        Trimaps by number of frame, at least one.
    count : int
        Number of frames.
    job : Job, optional
        Reports progress, and stops the work when it is cancelled.

    Yields
    ------
    index : int
    trimap : (H, W) uint8
        Those of key frames are yielded too, as they are.
    """
    job = job or Job()
    carrier, before = None, None
    with BackwardCarrier() as behind:
        for index, picture in enumerate(pictures):
            job.step(index, max(count, index + 1), "Carrying trimaps")
            now = grey(picture)
            if carrier and before is not None:
                carrier.step(motion(now, before))
            before = now
            behind.add(index, now, carrier.trimap if carrier else None)
            if index in keys:
                yield from behind.carry(keys[index], job)
                carrier = Carrier(keys[index])
        yield from behind.forward_alone()


class BackwardCarrier:
    """Frames since the last key frame, kept on disk until the next one is known."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="matting-nodes-")
        self._first = self._count = 0

    def __enter__(self) -> BackwardCarrier:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def _path(self, kind: str, index: int) -> Path:
        return Path(self._folder.name) / f"{kind}{index}.npy"

    def add(self, index: int, now: NDArray[np.uint8], forward: Trimap | None) -> None:
        """Add a frame.

        Parameters
        ----------
        index : int
            Its number: one more than the last.
        now : (h, w) uint8
            As `grey` returns it.
        forward : (H, W) uint8, optional
            Its trimap, carried from the last key frame if there was one.
        """
        if self._count == 0:
            self._first = index
        np.save(self._path("grey", index), now)
        if forward is not None:
            _save_labels(self._path("trimap", index), forward)
        self._count += 1

    def carry(self, key: Trimap, job: Job | None = None) -> Iterator[tuple[int, Trimap]]:
        """Yield the trimaps of all frames added, the last of which is a key frame.

        Parameters
        ----------
        key : (H, W) uint8
            Its trimap.
        job : Job, optional
            Stops the work when it is cancelled.
        """
        job = job or Job()
        last, carrier = self._first + self._count - 1, Carrier(key)
        before = np.load(self._path("grey", last))
        for index in range(last - 1, self._first - 1, -1):
            job.check()
            now = np.load(self._path("grey", index))
            carrier.step(motion(now, before))
            before, trimap = now, carrier.trimap
            path = self._path("trimap", index)
            if path.exists():
                share = (index - self._first + 1) / self._count
                trimap = merged(_load_labels(path), trimap, share)
            _save_labels(path, trimap)
        for index in range(self._first, last):
            yield index, _load_labels(self._path("trimap", index))
        yield last, key
        self._clear()

    def forward_alone(self) -> Iterator[tuple[int, Trimap]]:
        """Yield the trimaps of all frames added, after which there is no key frame."""
        for index in range(self._first, self._first + self._count):
            if self._path("trimap", index).exists():
                yield index, _load_labels(self._path("trimap", index))
        self._clear()

    def _clear(self) -> None:
        for path in Path(self._folder.name).iterdir():
            path.unlink()
        self._count = 0


def _save_labels(path: Path, trimap: Trimap) -> None:
    import cv2

    np.save(path, cv2.imencode(".png", trimap, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])


def _load_labels(path: Path) -> Trimap:
    import cv2

    return np.asarray(cv2.imdecode(np.load(path), cv2.IMREAD_GRAYSCALE))
