"""Some hundred damaged files of every format, the same ones each time: read, or refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "fuzz_files.py"


@pytest.mark.skipif(sys.platform == "win32", reason="has no signal that ends what takes too long")
def test_damaged_files_are_read_or_refused():
    """In a process of its own, whose memory is limited, and which a decoder may take down."""
    pytest.importorskip("av")
    command = [sys.executable, SCRIPT, "--cases", "1500"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
