"""Tables: named numbers, or columns with a row for each object; as CSV and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DependencyError
from ..io.images import check_ending, check_target, write_whole

TABLES = (".csv", ".parquet")


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


def check_table(path: Path, force: bool = False) -> Path:
    """Return the path if a table may be written there.

    Parameters
    ----------
    path : Path
        Ends in .csv or .parquet.
    force : bool
        Whether an existing file may be overwritten.

    Raises
    ------
    FileError
        If its type is another, its folder is missing, or it exists and `force` is false.
    DependencyError
        If the type needs a package that is not installed.
    """
    check_ending(path, "Tables", TABLES)
    if path.suffix.lower() == ".parquet":
        _pyarrow()
    return check_target(path, force)


def write_table(path: Path, table: Mapping[str, Any], *, force: bool = False) -> Path:
    """Write a table, whole or not at all: as CSV with nine digits, as Parquet with all of them.

    Parameters
    ----------
    path : Path
        Ends in .csv or .parquet.
    table : mapping of str to array or number
        Its columns; numbers alone are one row.
    force : bool
        Overwrite an existing file.

    Raises
    ------
    MattingError
        As `check_table`, and if the file cannot be written; nothing is left of it then.
    """
    check_table(path, force)
    columns = {name: np.atleast_1d(column) for name, column in table.items()}
    if path.suffix.lower() == ".csv":
        write_whole(path, f"{as_csv(columns)}\n".encode())
        return path
    pyarrow, stream = _pyarrow(), io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    write_whole(path, stream.getvalue())
    return path


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DependencyError(
            f"PyArrow cannot be imported: {error}",
            "Parquet files are written by it",
            'Run: pip install "matting-nodes[parquet]", or save as .csv',
        ) from error
    return pyarrow
