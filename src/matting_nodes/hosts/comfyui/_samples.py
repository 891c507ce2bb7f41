"""The samples as pictures that the page can show before a workflow has run."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from server import PromptServer

from ... import sample_data
from ...errors import MattingError
from ...graph.folders import SAMPLE
from ...io.stacks import pictures_in

PATHS = ("/view", "/api/view")


def show_samples() -> None:
    """Have the server answer for samples, which are in none of its folders."""
    PromptServer.instance.app.middlewares.append(_shown)


@web.middleware
async def _shown(request: web.Request, handler: Any) -> Any:
    name = request.query.get("filename", "")
    if request.path not in PATHS or not name.endswith(SAMPLE):
        return await handler(request)
    try:
        path = sample_data.find(name.removesuffix(SAMPLE))
        # A folder is a sequence: its first picture stands for it.
        return web.FileResponse(pictures_in(path)[0] if path.is_dir() else path)
    except MattingError as error:
        return web.Response(status=404, text=str(error))
