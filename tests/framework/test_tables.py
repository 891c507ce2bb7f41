"""Tables as files: what other programs read from them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from matting_nodes import measure
from matting_nodes.errors import FileError
from matting_nodes.framework.tables import write_table
from matting_nodes.hosts.cli import main
from matting_nodes.io import images


@pytest.fixture
def discs():
    """Two numbered squares and their matte."""
    labels = np.zeros((40, 60), np.uint8)
    labels[10:20, 10:25], labels[22:36, 30:50] = 1, 2
    return labels, (labels > 0).astype(np.float32)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_measure_writes_its_table_as_a_file(discs, ending, tmp_path, capsys):
    pytest.importorskip("pyarrow")
    for name, value in zip(("labels", "alpha"), discs, strict=True):
        images.write_image(tmp_path / f"{name}.tif", value)
    target = tmp_path / f"table.{ending}"
    command = ["measure", *(str(tmp_path / f"{n}.tif") for n in ("labels", "alpha"))]
    command += ["--table", str(target), "--quiet"]
    assert main(command) == 0
    assert capsys.readouterr().out == ""
    found = _read(target)
    expected = measure(*discs)
    assert list(found) == list(expected)
    for name, column in expected.items():
        np.testing.assert_allclose(found[name], column, rtol=1e-8)
    before = target.read_bytes()
    assert main(command) == 1
    assert f"{target} exists" in capsys.readouterr().err
    assert target.read_bytes() == before
    assert main([*command, "--force"]) == 0


def _read(path: Path) -> dict[str, list[float]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
    from pyarrow.parquet import read_table

    return read_table(path).to_pydict()


def test_numbers_alone_are_one_row(tmp_path):
    path = write_table(tmp_path / "errors.csv", {"SAD": 1.5, "MSE": 0.25})
    assert path.read_text(encoding="utf-8") == "SAD,MSE\n1.5,0.25\n"


def test_another_ending_is_refused_before_anything_is_measured(discs, tmp_path):
    with pytest.raises(FileError, match=r"\.xlsx"):
        write_table(tmp_path / "a.xlsx", measure(*discs))
    assert not list(tmp_path.iterdir())
