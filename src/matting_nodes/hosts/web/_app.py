from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from ...errors import MattingError, UnexpectedError
from ...job import Cancelled
from ._api import routes
from ._guard import Guard, as_json
from ._limits import Limits, RefusedError
from ._live import live
from ._openapi import docs_page, document
from ._queue import Queue
from ._specs import page_specs

MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def application(
    limits: Limits | None = None,
    *,
    names: Collection[str] = (),
    prefix: str = "",
    warm_up: bool = True,
) -> Starlette:
    """Return the page and the API as an ASGI application.

    Parameters
    ----------
    limits : Limits, optional
        What clients may ask for.
    names : collection of str
        Host names by which the server is reached; addresses and localhost always are.
    prefix : str
        Where a proxy puts it, such as /matting, if the proxy does not take that away itself.
    warm_up : bool
        Load or compile the loops at the start rather than for the first picture.
    """
    limits = limits or Limits()
    queue = Queue(limits)
    warm = threading.Event()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if warm_up:
            threading.Thread(target=_warm_up, args=(warm,), daemon=True).start()
        else:
            warm.set()
        yield
        queue.close()

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        is_ready = warm.is_set() and not queue.is_full
        told = {"ready": is_ready, "warm": warm.is_set(), "pending": queue.pending}
        return JSONResponse(told, 200 if is_ready else 503)

    api = document()
    ours: list[BaseRoute] = [
        *_files(),
        Route("/docs", lambda _: HTMLResponse(docs_page(api))),
        Route("/openapi.json", lambda _: JSONResponse(api)),
        Route("/specs.json", lambda _: JSONResponse(page_specs(limits))),
        Route("/health", health),
        Route("/ready", ready),
        *routes(limits, queue),
        WebSocketRoute("/live", live(limits, queue)),
    ]
    at = "/" + prefix.strip("/")
    if at != "/":
        ours = [Route(at, lambda _: RedirectResponse(f"{at}/")), Mount(at, routes=ours), *ours]
    return Starlette(
        routes=ours,
        lifespan=lifespan,
        middleware=[Middleware(Guard, limits=limits, names=names)],
        exception_handlers={
            MattingError: _on_error,
            Cancelled: _on_cancel,
            HTTPException: _on_http_error,
            Exception: _on_bug,
        },
    )


def _files() -> list[BaseRoute]:
    """Return a route for each file of the page; there are no others to be asked for."""
    made: list[BaseRoute] = []
    for file in files(__package__).joinpath("page").iterdir():
        kind = MEDIA_TYPES.get(file.name.rpartition(".")[2])
        if kind:
            name = "" if file.name == "index.html" else file.name
            made.append(Route(f"/{name}", _File(file.read_bytes(), kind), methods=["GET"]))
    sample = files("matting_nodes").joinpath("sample_data/lemur.png").read_bytes()
    return [*made, Route("/sample.png", _File(sample, "image/png"), methods=["GET"])]


class _File:
    def __init__(self, data: bytes, kind: str) -> None:
        # It changes with the program alone.
        self._response = Response(data, media_type=kind, headers={"Cache-Control": "no-cache"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._response(scope, receive, send)


async def _on_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, MattingError)
    return as_json(error, 500 if isinstance(error, UnexpectedError) else 422)


async def _on_cancel(_: Request, error: Exception) -> Response:
    return Response(status_code=499)  # to nobody: nginx's number for a client that is gone


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    found = f"{request.method} {request.url.path[:200]}: {error.detail}"
    return as_json(
        RefusedError(
            error.status_code, found, "The addresses are listed at /docs", "Choose one of these"
        )
    )


async def _on_bug(_: Request, error: Exception) -> Response:
    # Where it arose is in the server's log, and nobody else's business.
    return as_json(
        RefusedError(
            500,
            "The server stopped with an error that it has no message for",
            "It was not made for this input",
            "Check the input; if it is right, please report this",
        )
    )


def _warm_up(warm: threading.Event) -> None:
    """Run the pipeline once on a small picture: what Numba compiles is then at hand."""
    import numpy as np

    from ... import MattingSession, sample_data
    from ...nodes._cutout import GRABCUT, cutout

    part = np.s_[60:160, 220:340]
    image, trimap = sample_data.lemur()[part], sample_data.lemur_trimap()[part].copy()
    session = MattingSession.begin(image, trimap)
    trimap[40:50, 50:60] = 255
    session.update(trimap)
    cutout(image, mask=session.alpha, network=GRABCUT)
    warm.set()


def serve(app: Any, host: str, port: int, limits: Limits) -> None:
    """Serve the application until it is interrupted.

    Parameters
    ----------
    app : ASGI application
        From `application`.
    host, port : str, int
        Where to listen.
    limits : Limits
        The largest file is the largest message of a page.
    """
    import uvicorn

    uvicorn.run(
        app,
        host=host,
        port=port,
        ws_max_size=limits.bytes,
        ws_per_message_deflate=False,  # pictures are compressed already
        server_header=False,
        timeout_graceful_shutdown=5,
        log_level="info",
    )
