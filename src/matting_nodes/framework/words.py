"""Texts that differ by host: what the core says of values and commands, in each host's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy

from ..errors import MattingError

# Patterns in the core's texts, and what stands for them in that host.
COMFYUI: Mapping[str, str] = {
    # A trimap is a mask there, with values from 0 to 1.
    r"0 background, 255 foreground": "0 background, 1 foreground",
    r"0 is background, 255 is foreground, 128 where": "0 is background, 1 is foreground, 0.5 where",
    # There is no command line.
    r", or name it yourself with --set": "",
    r"or choose another --output": "or choose another prefix",
    r"Choose another --output or --force": "Choose another prefix",
    r"choose another folder with --input, or another file with --set": "or choose another file",
    r"`matting-nodes models fetch \S+ --force`": "again with its file in models/matting deleted",
    r"run `matting-nodes models verify \S+ --accept`; else ": (
        "give it a name of its own, and enter that under weights; else run "
    ),
    # A folder in custom_nodes is no installed package, so its extras are not known to pip.
    r'pip install "matting-nodes\[networks\]"': "python -m pip install transformers",
    r'pip install "matting-nodes\[onnx\]"': "python -m pip install onnx onnxruntime",
    r'pip install "matting-nodes\[run\]"': "python -m pip install av",
    r"Run: (?:python -m )?pip install": "In ComfyUI's own Python run: python -m pip install",
    r"; then: matting-nodes doctor": "; then start ComfyUI again",
}
NAPARI: Mapping[str, str] = {
    r"0 background, 255 foreground, between them unknown": "0 unknown, 1 background, 2 foreground",
    r"0 is background, 255 is foreground, 128 where nothing was drawn": (
        "label 1 is background, 2 is foreground, 0 where nothing was drawn"
    ),
    r"; then: matting-nodes doctor": "; then start napari again",
}


def reworded(text: str, words: Mapping[str, str]) -> str:
    """Return a text in a host's words.

    Parameters
    ----------
    text : str
        Help or a message, in the words of Python and the command line.
    words : mapping of str to str
        Regular expressions, and what stands for their matches.

    Examples
    --------
    >>> reworded("0 background, 255 foreground, between them unknown.", COMFYUI)
    '0 background, 1 foreground, between them unknown.'
    """
    for pattern, replacement in words.items():
        text = re.sub(pattern, replacement, text)
    return text


def error_in(error: MattingError, words: Mapping[str, str]) -> MattingError:
    """Return an error of the same type in a host's words, without its traceback.

    Parameters
    ----------
    error : MattingError
        As the core raised it.
    words : mapping of str to str
        As for `reworded`.
    """
    told = copy(error)
    told.found, told.rule, told.fix = (
        reworded(part, words) for part in (error.found, error.rule, error.fix)
    )
    told.args = (told.found, told.rule, told.fix)
    return told.with_traceback(None)
