"""What the page's editors ask the server for: pictures, and the matte that follows."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import web
from numpy.typing import NDArray
from server import PromptServer

from ...arrays import Trimap
from ...errors import MattingError
from ...framework.words import COMFYUI, error_in
from ...graph.types.edit_trimap import base_trimap
from ...job import Cancelled, Job
from ...solvers.boxes import Slices, bounds, is_empty, whole
from ...trimap.painting import Stroke, paint, strokes_from

KEPT = 8
"""Nodes whose pictures are kept for the editor: the last that ran."""


@dataclass
class Edit:
    """One frame that is being painted on: its trimap as it is now, and its matte."""

    image: NDArray[np.float32]
    base: Trimap
    trimap: Trimap
    strokes: list[Stroke] = field(default_factory=list)
    session: Any = None

    def painted(self, strokes: list[Stroke]) -> Slices:
        """Bring the trimap to these strokes; return the box outside of which it is as it was."""
        before = self.trimap.copy()
        if strokes[: len(self.strokes)] == self.strokes:
            new = strokes[len(self.strokes) :]
        else:  # some were undone
            self.trimap[:] = self.base
            new = strokes
        for stroke in new:
            paint(self.trimap, stroke, self.image)
        self.strokes = list(strokes)
        return bounds(before != self.trimap)

    def followed(self, settle: bool, job: Job) -> Slices:
        """Bring the matte to the trimap; return the box outside of which it is as it was.

        At first only near the strokes; all of it if it is to settle.
        """
        from ...alpha.propagation.session import MattingSession

        if self.session is None:
            self.session = MattingSession.begin(self.image, self.trimap, job)
            return whole(self.trimap.shape)
        changed: Slices = self.session.update(self.trimap, job=job, settle=settle)
        return changed

    @property
    def settled(self) -> bool:
        """Whether the matte is up to date everywhere, or was never asked for."""
        return self.session is None or self.session.settled


class Edits:
    """The frames of the nodes that ran last."""

    def __init__(self) -> None:
        self._frames: OrderedDict[str, tuple[Any, Any]] = OrderedDict()
        self._edits: dict[tuple[str, int], Edit] = {}
        self._lock = threading.RLock()
        self._stopped = threading.Event()

    def remember(self, node: str, image: NDArray[Any], trimap: NDArray[Any] | None) -> None:
        """Keep what a node was run on, in place of what it was run on before."""
        with self._lock:
            self._forget(node)
            self._frames[node] = image, trimap
            while len(self._frames) > KEPT:
                self._forget(next(iter(self._frames)))

    def _forget(self, node: str) -> None:
        self._frames.pop(node, None)
        self._drop_edits(node)

    def _drop_edits(self, node: str) -> None:
        for key in [key for key in self._edits if key[0] == node]:
            del self._edits[key]

    def count(self, node: str) -> int:
        """Return how many frames a node has; 0 if it has not run."""
        return len(self._frames[node][0]) if node in self._frames else 0

    def edit(self, node: str, frame: int) -> Edit:
        """Return a frame as it is being painted on."""
        key = node, frame
        with self._lock:
            if key not in self._edits:
                image, trimap = self._frames[node]
                base = base_trimap(image[frame], trimap, frame)
                self._edits[key] = Edit(image[frame][..., :3], base, base.copy())
            return self._edits[key]

    def follow(self, node: str, frame: int, text: str, matte: bool, settle: bool) -> dict[str, Any]:
        """Return what the editor is to draw after these strokes: the rectangles that changed."""
        with self._lock:
            self._stopped.clear()
            edit = self.edit(node, frame)
            changed = edit.painted([s for s in strokes_from(text) if s.frame == frame])
            answer = {"trimap": _part(edit.trimap, changed), "alpha": None, "message": ""}
            if matte:
                try:
                    region = edit.followed(settle, Job(cancelled=self._stopped.is_set))
                    answer["alpha"] = _part(_bytes(edit.session.alpha), region)
                except MattingError as error:
                    answer["message"] = str(error_in(error, COMFYUI))
                except Cancelled:
                    answer["message"] = "Stopped"
            return answer | {"settled": edit.settled}

    def stop(self) -> None:
        """Stop solving: there are newer strokes."""
        self._stopped.set()

    def close(self, node: str) -> None:
        """Stop solving, and let go of the mattes; the pictures stay for the next time."""
        self._stopped.set()
        with self._lock:
            self._drop_edits(node)


EDITS = Edits()


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.round(values * 255).astype(np.uint8)
    return rounded


def _png(picture: NDArray[np.uint8]) -> bytes:
    import cv2

    shown = picture[..., ::-1] if picture.ndim == 3 else picture
    return bytes(cv2.imencode(".png", np.ascontiguousarray(shown))[1])


def _part(picture: NDArray[np.uint8], region: Slices) -> dict[str, Any] | None:
    """Return a rectangle of a picture as the page draws it."""
    if is_empty(region):
        return None
    rows, columns = region
    data = base64.b64encode(_png(picture[region])).decode()
    return {"left": columns.start, "top": rows.start, "png": f"data:image/png;base64,{data}"}


def serve() -> None:
    """Add the editor's addresses to the server; ComfyUI is still starting."""
    routes = PromptServer.instance.routes
    at = "/matting_nodes/edit/{node}"

    async def frames(request: web.Request) -> web.Response:
        node = request.match_info["node"]
        return web.json_response({"frames": EDITS.count(node)})

    async def picture(request: web.Request) -> web.Response:
        node, what, frame = _asked(request)
        try:
            edit = await asyncio.to_thread(EDITS.edit, node, frame)
        except MattingError as error:
            return web.Response(status=400, text=str(error_in(error, COMFYUI)))
        shown = _bytes(edit.image) if what == "image" else edit.base
        colors = np.broadcast_to(shown, (*shown.shape[:2], 3)) if shown.shape[2:] == (1,) else shown
        data = await asyncio.to_thread(_png, colors)
        return web.Response(body=data, content_type="image/png")

    async def follow(request: web.Request) -> web.Response:
        node, _, frame = _asked(request)
        asked = await request.json()
        text = json.dumps({"strokes": asked["strokes"]})
        try:
            answer = await asyncio.to_thread(
                EDITS.follow, node, frame, text, bool(asked.get("matte")), bool(asked.get("settle"))
            )
        except MattingError as error:
            return web.Response(status=400, text=str(error_in(error, COMFYUI)))
        return web.json_response(answer)

    async def stop(_request: web.Request) -> web.Response:
        EDITS.stop()
        return web.json_response({})

    async def close(request: web.Request) -> web.Response:
        await asyncio.to_thread(EDITS.close, request.match_info["node"])
        return web.json_response({})

    routes.get(at)(frames)
    routes.get(at + "/{what}/{frame}")(picture)
    routes.post(at + "/follow/{frame}")(follow)
    routes.post(at + "/stop")(stop)
    routes.post(at + "/close")(close)


def _asked(request: web.Request) -> tuple[str, str, int]:
    """Return which node, which picture and which frame are meant.

    Raises
    ------
    HTTPNotFound
        If the node has not run, or has no such frame.
    """
    node, frame = request.match_info["node"], request.match_info["frame"]
    if not frame.isdigit() or int(frame) >= EDITS.count(node):
        raise web.HTTPNotFound(text="Run the workflow once: the editor shows what the node got.")
    return node, request.match_info.get("what", ""), int(frame)
