from __future__ import annotations

import functools
import importlib
import os
import sys
from contextlib import suppress


@functools.cache
def load_triton_apart() -> None:
    """Load Triton, if it is installed, so that it only ever calls its own LLVM.

    torchvision and transformers load it by way of `torch._dynamo`. Where a window is drawn by
    Mesa, as napari's is without a driver of NVIDIA's, another LLVM is in the process by then,
    and Triton calling into that one ends the process.
    """
    if sys.platform != "linux":
        return
    flags = sys.getdlopenflags()
    # musl has no such flag
    sys.setdlopenflags(os.RTLD_NOW | getattr(os, "RTLD_DEEPBIND", 0))
    try:
        with suppress(ImportError):
            importlib.import_module("triton._C.libtriton")
    finally:
        sys.setdlopenflags(flags)
