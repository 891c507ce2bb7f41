"""Tables: named numbers, or columns with a row for each object."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np


def has_rows(table: Mapping[str, Any]) -> bool:
    """Return whether a table has columns, and is not numbers alone."""
    return any(isinstance(column, np.ndarray) for column in table.values())


def rows_of(table: Mapping[str, Any]) -> list[list[float]]:
    """Return the rows of a table with columns."""
    rows: list[list[float]] = np.column_stack(list(table.values())).tolist()
    return rows


def as_csv(table: Mapping[str, Any]) -> str:
    """Return a table with columns as CSV: nine digits, nothing where there is no number.

    Examples
    --------
    >>> print(as_csv({"label": np.array([1.0, 2.0]), "area": np.array([0.5, np.nan])}))
    label,area
    1,0.5
    2,
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    for row in rows_of(table):
        writer.writerow("" if number != number else f"{number:.9g}" for number in row)
    return text.getvalue().rstrip("\n")
