import tempfile
from pathlib import Path

BASE = Path(tempfile.mkdtemp())


def get_input_directory():
    return str(BASE / "input")


def get_output_directory():
    return str(BASE / "output")
