from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..io.images import write_whole


def replace_record(path: Path, content: Any) -> None:
    """Write a small file of JSON in one step: a reader sees the old one or the new one.

    Parameters
    ----------
    path : Path
        The file.
    content : JSON
        What it holds afterwards.
    """
    write_whole(path, json.dumps(content, indent=1, sort_keys=True).encode())
