"""A custom node package for the tests: tells what the pool holds, and counts what it loads."""

from pathlib import Path

import comfy.model_management
from aiohttp import web
from server import PromptServer

NODE_CLASS_MAPPINGS = {}
LOADED = []


def _count_loads(pool):
    build = pool._built

    def counted(model, path, job):
        LOADED.append(model.name)
        return build(model, path, job)

    pool._built, pool.counted = counted, True


@PromptServer.instance.routes.get("/watch")
async def watch(request):
    from matting_nodes.models import pool

    if not hasattr(pool, "counted"):
        _count_loads(pool)
    entries = pool.POOL._entries.values()
    status = Path("/proc/self/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return web.json_response(
        {
            "loaded": LOADED,
            "held": [name for name, *_ in pool.POOL.held()],
            "leases": sum(entry.leases for entry in entries),
            "on_device": len(comfy.model_management.current_loaded_models),
            "peak": int(lines["VmHWM"].split()[0]) * 1024,
        }
    )
