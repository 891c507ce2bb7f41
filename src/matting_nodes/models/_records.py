from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any


def replace_record(path: Path, content: Any) -> None:
    """Write a small file of JSON in one step: a reader sees the old one or the new one."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, suffix=".json", encoding="utf-8", delete=False
    ) as file:
        json.dump(content, file, indent=1, sort_keys=True)
    Path(file.name).replace(path)
