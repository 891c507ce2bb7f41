"""A custom node package for `benchmarks/comfyui.py`: seconds in each node, and memory."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import execution
from aiohttp import web
from server import PromptServer

NODE_CLASS_MAPPINGS: dict[str, type] = {}
SPENT: Counter[str] = Counter()
COMPUTING = "computing"


def _clock_nodes() -> None:
    run = execution.get_output_data

    async def clocked(prompt_id, unique_id, obj, *args, **keywords):
        began = time.perf_counter()
        try:
            return await run(prompt_id, unique_id, obj, *args, **keywords)
        finally:
            SPENT[getattr(obj, "__name__", type(obj).__name__)] += time.perf_counter() - began

    execution.get_output_data = clocked


def _clock_computing() -> None:
    """Clock what our nodes compute; the rest of their time is tensors and previews."""
    from matting_nodes.framework import frames

    run = frames.run

    def clocked(*args, **keywords):
        began = time.perf_counter()
        try:
            return run(*args, **keywords)
        finally:
            SPENT[COMPUTING] += time.perf_counter() - began

    frames.run, frames.clocked = clocked, True


def _memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


@PromptServer.instance.routes.get("/clock")
async def clock(request: web.Request) -> web.Response:
    """Tell what was spent since the last time, and the peak of memory; begin again."""
    from matting_nodes.framework import frames

    if not hasattr(frames, "clocked"):
        _clock_computing()
    told = {
        "spent": dict(SPENT),
        "peak": _memory("VmHWM"),
        "now": _memory("VmRSS"),
        "asked": PromptServer.instance.prompt_queue.get_flags(reset=False),
    }
    SPENT.clear()
    # 5 sets the peak back to what is held now.
    Path("/proc/self/clear_refs").write_text("5")
    return web.json_response(told)


_clock_nodes()
