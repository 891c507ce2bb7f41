"""The report: one HTML file with the means and pictures of each method's worst cases."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Mapping, Sequence
from html import escape
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nodes.compare import compare
from ..resizing import resized, size_within
from .measuring import METRICS, REGIONS, Matte, Row
from .tables import DIGITS, table

SIDE = 320
STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 110em; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { padding: .2em .8em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
figure { display: inline-block; margin: .3em }
figcaption { color: #555 }
"""


class WorstCases:
    """Keep the pictures of each method's mattes with the largest SAD.

    Parameters
    ----------
    number : int
        How many mattes are kept of each method.
    """

    def __init__(self, number: int = 5) -> None:
        self.number = number
        self._heaps: dict[str, list[tuple[float, int, str, str]]] = {}
        self._order = count()

    def __call__(self, matte: Matte, values: Mapping[str, float]) -> None:
        """Keep the pictures of a matte if it is among the worst."""
        heap = self._heaps.setdefault(matte.method, [])
        if len(heap) == self.number and values["SAD"] <= heap[0][0]:
            return
        numbers = ", ".join(f"{name} {values[name]:.{DIGITS[name]}f}" for name in METRICS)
        title = f"{matte.sample}: {numbers}"
        heapq.heappush(heap, (values["SAD"], next(self._order), title, _figures(matte)))
        if len(heap) > self.number:
            heapq.heappop(heap)

    def of(self, method: str) -> list[tuple[str, str]]:
        """Return titles and pictures of a method, the worst first."""
        return [(title, html) for _, _, title, html in sorted(self._heaps.get(method, []))[::-1]]


def as_html(rows: Sequence[Row], problems: Sequence[str], worst: WorstCases) -> str:
    """Return the report; it needs no other file.

    Parameters
    ----------
    rows : sequence of Row
        The rows of an evaluation.
    problems : sequence of str
        What could not be measured.
    worst : WorstCases
        The worst cases, collected during the evaluation.
    """
    methods = list(dict.fromkeys(row.method for row in rows))
    samples = len({row.sample for row in rows})
    parts = [f"<h1>Alpha mattes of {samples} pictures</h1>"]
    for region in REGIONS:
        parts += [f"<h2>Means, {region}</h2>", _table(table(rows, region))]
    if problems:
        listed = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
        parts.append(f"<h2>Left out</h2><ul>{listed}</ul>")
    for method in methods:
        parts.append(f"<h2>{escape(method)}: the worst by SAD, unknown region</h2>")
        parts += [f"<h3>{escape(title)}</h3>{pictures}" for title, pictures in worst.of(method)]
    head = f'<meta charset="utf-8"><title>Alpha mattes</title><style>{STYLE}</style>'
    return f"<!doctype html><html><head>{head}</head><body>{''.join(parts)}</body></html>"


def _table(lines: Sequence[Sequence[str]]) -> str:
    rows = [
        "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in line)
        for tag, line in zip(("th", *["td"] * len(lines)), lines, strict=False)
    ]
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _figures(matte: Matte) -> str:
    """Return a matte's pictures side by side."""
    difference = compare(matte.alpha, matte.reference, trimap=matte.trimap).picture
    pictures: dict[str, NDArray[Any]] = {
        "picture": matte.image,
        "trimap": matte.trimap / np.float32(255),
        "alpha": matte.alpha,
        "truth": matte.reference,
        "red too high, blue too low": difference,
    }
    return "".join(_figure(title, picture) for title, picture in pictures.items())


def _figure(title: str, picture: NDArray[Any]) -> str:
    import cv2

    height, width = size_within(picture.shape[0], picture.shape[1], SIDE)
    small = (resized(picture, height, width, "area") * 255).round().astype(np.uint8)
    shown = small[..., ::-1] if small.ndim == 3 else small
    data = base64.b64encode(cv2.imencode(".jpg", shown)[1].tobytes()).decode()
    image = f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}">'
    return f"<figure>{image}<figcaption>{escape(title)}</figcaption></figure>"
