"""When somebody asks ComfyUI to free memory, networks leave main memory too.

ComfyUI keeps other models in the results of nodes, which it forgets then. Ours are in the pool,
so that a change of workflow does not load them again; and it tells nobody when it forgets. So
the request itself, which the page's button and scripts send, is listened to.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from server import PromptServer

from ...models.pool import POOL
from ._models import ComfyMemory

PATHS = ("/free", "/api/free")
_WAIT = 0.1
# Until ComfyUI has taken the networks off their device, which it does first.
_TRIES = 100
_TASKS: set[asyncio.Task[None]] = set()


def listen() -> None:
    """Have the server tell of requests to free memory; ComfyUI is still starting."""
    PromptServer.instance.app.middlewares.append(_listener)


@web.middleware
async def _listener(request: web.Request, handler: Any) -> Any:
    answer = await handler(request)
    if request.method == "POST" and request.path in PATHS and await _frees_memory(request):
        task = asyncio.create_task(_free_networks())
        # The loop itself holds a task only weakly.
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)
    return answer


async def _frees_memory(request: web.Request) -> bool:
    asked = await request.json()
    return bool(isinstance(asked, dict) and asked.get("free_memory"))


async def _free_networks() -> None:
    """Drop idle networks once ComfyUI has done what was asked, between two prompts."""
    queue = PromptServer.instance.prompt_queue
    while queue.get_tasks_remaining() or queue.get_flags(reset=False):
        await asyncio.sleep(_WAIT)
    for _ in range(_TRIES):
        if not (isinstance(POOL.backend, ComfyMemory) and POOL.backend.on_device()):
            break
        await asyncio.sleep(_WAIT)
    POOL.free()
