from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def model_folder() -> Path:
    """Return the folder for networks' weights; MATTING_NODES_CACHE puts it elsewhere."""
    chosen = os.environ.get("MATTING_NODES_CACHE")
    return Path(chosen) if chosen else user_cache_path("matting-nodes", False) / "models"
