from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from ...errors import ParameterError, as_matting_error
from ...job import Cancelled, Job
from ...solvers.boxes import Slices
from ._guard import described
from ._limits import Limits, RefusedError
from ._queue import Queue
from ._session import PICTURES, Bytes, Session, State

BUSY, IDLE = 4001, 4002
"""Why a connection was closed, beyond the websocket's own reasons."""


def live(limits: Limits, queue: Queue) -> Callable[[WebSocket], Awaitable[None]]:
    """Return the address of the page's session.

    Parameters
    ----------
    limits : Limits
        How many sessions there may be, and how long one may be silent.
    queue : Queue
        Where their work waits with that of others.
    """
    connections = 0

    async def endpoint(socket: WebSocket) -> None:
        nonlocal connections
        await socket.accept()
        if connections >= limits.sessions:
            await socket.close(BUSY, f"{connections} pages are open, and no more are served")
            return
        connections += 1
        try:
            await Connection(socket, limits, queue).run()
        finally:
            connections -= 1

    return endpoint


class Connection:
    """One page: what it asks for is done in turn, and newer wishes replace older ones."""

    def __init__(self, socket: WebSocket, limits: Limits, queue: Queue) -> None:
        self._socket, self._limits, self._queue = socket, limits, queue
        self._session = Session(limits)
        self._wishes: list[dict[str, Any]] = []
        self._wished = asyncio.Event()
        self._newer = asyncio.Event()
        self._outbox: asyncio.Queue[dict[str, Any] | bytes] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Serve the page until it is gone, or silent for too long."""
        tasks = [asyncio.create_task(t()) for t in (self._listen, self._work, self._send)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._newer.set()
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect):
                raise outcome

    async def _listen(self) -> None:
        file: dict[str, Any] | None = None
        while True:
            try:
                idle = self._limits.idle_minutes * 60
                message = await asyncio.wait_for(self._socket.receive(), idle)
            except TimeoutError:
                await self._socket.close(IDLE, "Nothing was done for a while")
                return
            if message["type"] == "websocket.disconnect":
                return
            try:
                if message.get("bytes") is not None:
                    self._add(dict(file or {}, data=message["bytes"]))
                    file = None
                    continue
                wish = json.loads(message.get("text") or "")
                if not isinstance(wish, dict):
                    raise ValueError(wish)
            except (ValueError, RecursionError):
                await self._socket.close(1003, "That is no message of the page")
                return
            if wish.get("do") == "file":
                file = wish
            else:
                self._add(wish)

    def _add(self, wish: dict[str, Any]) -> None:
        """Take note of a wish; what is being done for an older state is stopped."""
        if wish.get("do") in ("state", "file"):
            self._wishes = [w for w in self._wishes if w.get("do") != "state"]
            self._newer.set()
        self._wishes.append(wish)
        del self._wishes[:-20]
        self._wished.set()

    async def _work(self) -> None:
        while True:
            await self._wished.wait()
            if not self._wishes:
                self._wished.clear()
                continue
            wish = self._wishes.pop(0)
            self._newer.clear()
            began = time.perf_counter()
            try:
                work = self._prepared(wish)
                gone = self._newer.wait() if wish.get("do") == "state" else asyncio.Event().wait()
                await self._queue.run(work, gone, self._report)
                seconds = round(time.perf_counter() - began, 3)
                self._outbox.put_nowait({"done": wish.get("do"), "seconds": seconds})
            except Cancelled:
                pass  # what is newer is done next
            except Exception as error:
                shown = as_matting_error(error)
                step = "" if isinstance(error, RefusedError) else self._session.step
                self._outbox.put_nowait(
                    {"error": described(shown) | {"step": step}, "done": wish.get("do")}
                )

    def _prepared(self, wish: dict[str, Any]) -> Callable[[Job], None]:
        """Return the work that a wish is.

        Raises
        ------
        MattingError
            If it is none.
        """
        do, session = wish.get("do"), self._session
        session.step = ""
        what, name, data = (wish.get(key, "") for key in ("what", "name", "data"))
        if do == "file" and what in PICTURES and isinstance(name, str) and data:
            return lambda _: session.load(what, name, data, self._show)
        if do == "state":
            state = State.read(wish)
            return lambda job: session.follow(state, job, self._show)
        if do == "forget":
            return lambda _: session.forget_background()
        if do == "download" and isinstance(what, str):
            return lambda job: self._give(*session.download(what, job))
        if do == "id_photo":
            return lambda job: self._give_id_photo(*session.id_photo(wish, job))
        raise ParameterError(
            f"The page asked for {str(do)[:40]!r}", "This server does not know it", "Load it again"
        )

    # From threads to the page.

    def _report(self, fraction: float, message: str) -> None:
        # Only the last is of interest: a slow line must not fill the memory.
        if self._outbox.qsize() < 50:
            self._outbox.put_nowait({"progress": round(fraction, 3), "message": message})

    def _show(self, name: str, picture: Bytes, region: Slices) -> None:
        rows, columns = region
        height, width = picture.shape[:2]
        header = {"step": name, "left": columns.start, "top": rows.start}
        self._post(header | {"width": width, "height": height}, _png(picture[region]))

    def _give(self, name: str, data: bytes) -> None:
        self._post({"file": name}, data)

    def _give_id_photo(self, files: dict[str, bytes], verdicts: dict[str, float]) -> None:
        for name, data in files.items():
            self._post({"id_photo": name, "verdicts": verdicts}, data)

    def _post(self, header: dict[str, Any], data: bytes) -> None:
        text = json.dumps(header).encode()
        packed = struct.pack("<I", len(text)) + text + data
        self._loop.call_soon_threadsafe(self._outbox.put_nowait, packed)

    async def _send(self) -> None:
        while True:
            message = await self._outbox.get()
            if isinstance(message, bytes):
                await self._socket.send_bytes(message)
            else:
                await self._socket.send_text(json.dumps(message))


def _png(picture: Bytes) -> bytes:
    """Return a picture as a PNG that is made quickly; it does not travel far."""
    import cv2

    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[..., 0]
    if picture.ndim == 3:
        order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
        picture = cast("Bytes", cv2.cvtColor(np.ascontiguousarray(picture), order))
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    return bytes(cv2.imencode(".png", np.ascontiguousarray(picture), options)[1])
