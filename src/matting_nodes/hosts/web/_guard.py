from __future__ import annotations

import re
import time
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import MattingError, WeightsError
from ._limits import Limits, RefusedError, too_large

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
PLACE = r"\b(in|at) (/|[A-Z]:)\S*"
NO_WEIGHTS = "A server fetches no weights by itself"
ASK = "Choose another method, or let whoever runs the server do: matting-nodes models fetch NAME"


def as_json(error: MattingError, status: int = 422) -> JSONResponse:
    """Return an error as every address tells it."""
    status = error.status if isinstance(error, RefusedError) else status
    told = {"error": type(error).__name__} | described(error)
    headers = {"Retry-After": "10"} if status in (429, 503) else None
    return JSONResponse(told, status, headers)


def described(error: MattingError) -> dict[str, str]:
    """Return the three parts of an error by name, without the server's own paths."""
    if isinstance(error, WeightsError):
        error = RefusedError(422, re.sub(PLACE, "on this server", error.found), NO_WEIGHTS, ASK)
    return {"value": error.found, "rule": error.rule, "fix": error.fix}


class Guard:
    """What stands before the application: whose requests are taken, how many and how large.

    Parameters
    ----------
    app : ASGI application
        What it guards.
    limits : Limits
        How many and how large.
    names : collection of str
        Names by which the server is reached, besides addresses and localhost: a page elsewhere
        whose name was made to point here (DNS rebinding) comes with its own.
    """

    def __init__(self, app: ASGIApp, limits: Limits, names: Collection[str] = ()) -> None:
        self._app, self._limits = app, limits
        self._names = {"localhost", *(name.lower() for name in names)}
        self._rates = Rates(limits.per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check(scope)
        except RefusedError as error:
            if scope["type"] == "websocket":
                # Before it was accepted: the browser gets 403.
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": error.found[:100]})
                return
            await as_json(error)(scope, receive, with_headers)
            return
        await self._app(scope, self._counting(receive), with_headers)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise RefusedError(
                421,
                f"The request is for {host[:100]!r}",
                f"This server is reached by an address, or as {', '.join(sorted(self._names))}",
                "Start it with --name and this name",
            )
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if changes and (foreign or (origin and not self._is_same(origin, host))):
            raise RefusedError(
                403,
                f"The request comes from a page of {str(origin)[:100]!r}",
                "Only pages of this server may ask it",
                "Open the server's own page, or use a program that is no browser",
            )
        if changes:
            self._rates.count((scope.get("client") or ("",))[0])
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._limits.bytes:
            raise too_large(self._limits)

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or _is_address(name)

    def _is_same(self, origin: str, host: str) -> bool:
        return urlsplit(origin).netloc.lower() == host.lower()

    def _counting(self, receive: Receive) -> Receive:
        """Return `receive`, which counts what comes: a length need not be told, or true."""
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > self._limits.bytes:
                    raise too_large(self._limits)
            return message

        return counted


class Rates:
    """How many requests each address may send: a bucket that fills again with time.

    Parameters
    ----------
    per_minute : int
        So many at once, and so many a minute.
    """

    MOST = 10_000
    """Addresses that are kept."""

    def __init__(self, per_minute: int) -> None:
        self._most = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}

    def count(self, address: str) -> None:
        """Take note of a request.

        Raises
        ------
        RefusedError
            If the address has sent too many.
        """
        now = time.monotonic()
        left, before = self._buckets.pop(address, (float(self._most), now))
        left = min(self._most, left + (now - before) * self._most / 60)
        # The last that asked stands last, so that the first are those to forget.
        self._buckets[address] = (max(left - 1, 0), now)
        if len(self._buckets) > self.MOST:
            del self._buckets[next(iter(self._buckets))]
        if left < 1:
            raise RefusedError(
                429,
                "Too many requests came from this address",
                f"It may send {self._most} a minute",
                "Wait a moment",
            )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
