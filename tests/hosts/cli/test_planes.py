"""`planes`: painted planes carried to the others, from files."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.hosts.cli import main
from matting_nodes.io.stacks import read_stack, write_stack


@pytest.fixture
def stack(tmp_path):
    """Sections of a ball that moves, and their trimaps, three of which are painted."""
    y, x = np.indices((60, 80))
    far = [np.hypot(y - 30, x - 30 - 2 * n) - 10 - n for n in range(11)]
    truth = [np.where(d < -3, 255, np.where(d > 3, 0, 128)).astype(np.uint8) for d in far]
    write_stack(tmp_path / "stack.tif", [np.uint8(np.where(d < 0, 200, 60)) for d in far], bits=8)
    painted = [t if n in (0, 5, 10) else np.full_like(t, 128) for n, t in enumerate(truth)]
    write_stack(tmp_path / "painted.tif", painted, bits=8)
    return tmp_path, np.stack(truth)


@pytest.mark.parametrize("by", ["shape", "motion", "both"])
def test_planes_between_painted_ones_are_filled(stack, capsys, by):
    folder, truth = stack
    files = [str(folder / name) for name in ("painted.tif", "stack.tif", "filled.tif")]
    command = ["planes", files[0], "--image", files[1], "-o", files[2], "--by", by, "--quiet"]
    assert main(command) == 0
    assert capsys.readouterr().out.endswith("carried: 1, 2, 3, 4, 6, 7, 8, 9\n")
    found = np.stack(read_stack(files[2]))
    np.testing.assert_array_equal(found[[0, 5, 10]], truth[[0, 5, 10]])
    assert ((found != 128) & (truth != 128) & (found != truth)).mean() < 0.01
    assert (found[[2, 7]] == 255).any(axis=(1, 2)).all()
    # Nothing is replaced without --force.
    assert main(command) == 1
    assert "exists" in capsys.readouterr().err


def test_what_cannot_be_filled_is_told(stack, capsys):
    folder, truth = stack
    painted, out = str(folder / "painted.tif"), str(folder / "filled.tif")
    assert main(["planes", painted, "-o", out, "--by", "motion"]) == 1
    assert "no pictures" in capsys.readouterr().err
    write_stack(folder / "short.tif", list(truth[:4]), bits=8)
    assert main(["planes", painted, "--image", str(folder / "short.tif"), "-o", out]) == 1
    assert "4 pictures" in capsys.readouterr().err
    write_stack(folder / "empty.tif", list(np.full_like(truth, 128)), bits=8)
    assert main(["planes", str(folder / "empty.tif"), "-o", out]) == 1
    assert "No plane has a painted trimap" in capsys.readouterr().err
    assert not (folder / "filled.tif").exists()
