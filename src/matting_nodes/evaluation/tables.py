"""Tables of an evaluation: for the terminal, for Markdown, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from .measuring import METRICS, REGIONS, Row, means

DIGITS = {"SAD": 2, "MSE": 4, "MAD": 4, "Grad": 2, "Conn": 2}


def table(rows: Sequence[Row], region: str) -> list[list[str]]:
    """Return the means in a region: a header line, then one line per method.

    Parameters
    ----------
    rows : sequence of Row
        The rows of an evaluation.
    region : {"unknown", "whole"}
        The region that is reported.
    """
    lines = [
        [method, *(f"{values[name]:.{DIGITS[name]}f}" for name in METRICS)]
        for (where, method), values in means(rows).items()
        if where == region
    ]
    return [["method", *METRICS], *lines]


def as_text(rows: Sequence[Row]) -> str:
    """Return both regions' means in columns, for the terminal."""
    count = len({row.sample for row in rows})
    parts = []
    for region in REGIONS:
        lines = table(rows, region)
        wide = max(len(line[0]) for line in lines)
        head = f"{region} {'region' if region == 'unknown' else 'picture'}, means over {count}:"
        columns = ("".join(f"{cell:>10}" for cell in line[1:]) for line in lines)
        parts += [
            head,
            *(f"  {line[0]:{wide}}{rest}" for line, rest in zip(lines, columns, strict=True)),
        ]
    return "\n".join(parts)


def as_csv(rows: Sequence[Row]) -> str:
    """Return a line for each method, sample and region, then their means."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["method", "sample", "region", *METRICS])
    for row in rows:
        writer.writerow([row.method, row.sample, row.region, *(row.values[m] for m in METRICS)])
    for (region, method), values in means(rows).items():
        writer.writerow([method, "mean", region, *(values[m] for m in METRICS)])
    return text.getvalue()
