"""Pictures matted block by block: against one solve, killed and resumed, on a cluster."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from matting_nodes import Job, alpha_matte, matte_zarr, sample_data
from matting_nodes.blocks import matting, solving
from matting_nodes.blocks.seams import seams
from matting_nodes.errors import EmptyRegionError, FileError, ShapeError, SizeMismatchError
from matting_nodes.hosts.cli import main
from matting_nodes.job import Cancelled

zarr = pytest.importorskip("zarr")
pytest.importorskip("yaozarrs")
BLOCK = 256


@pytest.fixture(scope="module")
def picture():
    """The lemur beside its mirror image: 640 × 800."""
    image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    image, trimap = (np.concatenate([part, part[:, ::-1]], axis=1) for part in (image, trimap))
    return image[:400, :1000], trimap[:400, :1000]


@pytest.fixture(scope="module")
def stores(picture, tmp_path_factory):
    """The same as Zarr arrays."""
    folder = tmp_path_factory.mktemp("stores")
    paths = [folder / "image.zarr", folder / "trimap.zarr"]
    for path, array in zip(paths, picture, strict=True):
        chunks = (128, 128, 3)[: array.ndim]
        zarr.create_array(str(path), data=array, chunks=chunks)
    return paths


@pytest.fixture(scope="module")
def result(stores, tmp_path_factory):
    """The matte of them, in 2 × 4 blocks."""
    return matte_zarr(
        *stores, tmp_path_factory.mktemp("result") / "a.ome.zarr", block=BLOCK, halo=96
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (".zattrs", "zarr.json")
    }


def test_blocks_agree_with_one_solve(picture, result):
    image, trimap = picture
    one, blocks = alpha_matte(image, trimap), zarr.open(str(result))["0"][:]
    assert (blocks[trimap == 0] == 0).all()
    assert (blocks[trimap == 255] == 1).all()
    unknown = (trimap > 0) & (trimap < 255)
    difference = abs(one - blocks)[unknown]
    assert difference.mean() <= 0.001
    assert np.quantile(difference, 0.999) <= 0.02


def test_borders_of_blocks_cannot_be_seen(result):
    found = seams(result)
    assert found.count > 100
    # So few pixels have steps of their own there: one solve has the same ratio.
    one = seams(np.asarray(alpha_matte(*_arrays(result))), BLOCK)
    assert found.ratio == pytest.approx(one.ratio, rel=0.05)


def _arrays(result):
    image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    image, trimap = (np.concatenate([part, part[:, ::-1]], axis=1) for part in (image, trimap))
    return image[:400, :1000], trimap[:400, :1000]


def test_blocks_that_are_cut_wrongly_are_seen(stores, result, tmp_path, monkeypatch):
    """Without a halo, a coarse guide or what the others found, seams show."""
    monkeypatch.setattr(solving, "FIRST_ROUNDS", 1)
    monkeypatch.setattr(solving, "SECOND_ROUNDS", 1)
    monkeypatch.setattr(matting, "FACTOR", 16)
    wrong = matte_zarr(*stores, tmp_path / "wrong.zarr", block=BLOCK, halo=0)
    assert seams(wrong).ratio > 1.1 * seams(result).ratio


def test_what_is_written_is_valid_and_halves_level_by_level(result):
    import yaozarrs

    yaozarrs.validate_zarr_store(str(result))
    group = zarr.open(str(result))
    assert group["0"].shape == (400, 1000)
    assert group.attrs["matting_nodes"]["block"] == BLOCK


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_reads_it(version, tmp_path):
    parser, reader = (pytest.importorskip(f"ome_zarr.{name}") for name in ("io", "reader"))
    import yaozarrs

    image = np.zeros((1, 1100, 80, 3), np.uint8)
    trimap = np.zeros((1100, 80), np.uint8)
    trimap[:, 40:] = 255
    path = matte_zarr(image, trimap, tmp_path / "a.ome.zarr", version=version, bits=16)
    yaozarrs.validate_zarr_store(str(path))
    node = next(iter(reader.Reader(parser.parse_url(str(path)))()))
    assert [level.shape for level in node.data] == [(1, 1100, 80), (1, 550, 40)]
    assert int(node.data[0].max().compute()) == 65535


def test_cancelled_work_goes_on_where_it_stopped(stores, result, tmp_path):
    target, calls = tmp_path / "a.ome.zarr", 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls > 60

    with pytest.raises(Cancelled):
        matte_zarr(*stores, target, Job(cancelled=cancelled), block=BLOCK, halo=96)
    assert not target.exists()
    kept = len(list((tmp_path / "a.ome.zarr.parts").rglob("*.npy")))
    assert kept > 0
    matte_zarr(*stores, target, block=BLOCK, halo=96)
    assert contents(target) == contents(result)
    assert not (tmp_path / "a.ome.zarr.parts").exists()


def test_killed_work_goes_on_with_equal_bytes(stores, result, tmp_path):
    """Killed with no warning at several moments, each time after one more block or so."""
    target = tmp_path / "a.ome.zarr"
    options = ["-o", str(target), "--block", "256", "--halo", "96", "--quiet"]
    command = [sys.executable, "-m", "matting_nodes", "matte", *map(str, stores), *options]
    parts, kept = tmp_path / "a.ome.zarr.parts", {}
    for name in ("measured-*", "closeness-*", "alpha0-*"):
        process = subprocess.Popen(command)
        while process.poll() is None and len(list(parts.rglob(name))) < 3:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    # What was complete is not written again.
    before = {path: path.stat().st_mtime_ns for path in parts.rglob("alpha0-*.npy")}
    matte_zarr(
        *stores,
        target,
        Job(lambda *_: kept.update({p: p.stat().st_mtime_ns for p in before if p.exists()})),
        block=BLOCK,
        halo=96,
    )
    assert kept == before
    assert contents(target) == contents(result)


def test_other_work_does_not_go_on_with_its_parts(stores, picture, tmp_path):
    target, calls = tmp_path / "a.ome.zarr", []
    with pytest.raises(Cancelled):
        matte_zarr(
            *stores, target, Job(cancelled=lambda: calls.append(1) or len(calls) > 40), block=BLOCK
        )
    with pytest.raises(FileError, match="holds parts of other work"):
        matte_zarr(*stores, target, block=128)


def test_a_cluster_gives_the_same_bytes_though_a_worker_is_lost(stores, result, tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path)
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        lost = []

        def report(fraction: float, _message: str) -> None:
            if fraction > 0.5 and not lost:
                lost.append(next(iter(cluster.workers.values())).pid)
                os.kill(lost[0], signal.SIGKILL)

        target = tmp_path / "a.ome.zarr"
        matte_zarr(*stores, target, Job(report), block=BLOCK, halo=96, dask=client)
    assert lost
    assert contents(target) == contents(result)


def test_a_stack_is_matted_plane_by_plane(tmp_path):
    image, trimap = sample_data.lemur()[::4, ::4], sample_data.lemur_trimap()[::4, ::4]
    stack = np.stack([image, image[:, ::-1], image])
    # The last one shows no object.
    trimaps = np.stack([trimap, trimap[:, ::-1], 0 * trimap])
    path = matte_zarr(stack, trimaps, tmp_path / "a.zarr")
    found = zarr.open(str(path))["0"][:]
    assert (found[1] == alpha_matte(stack[1], trimaps[1])).all()
    assert found.shape == trimaps.shape
    assert not found[2].any()


def test_a_plane_without_unknown_pixels_is_its_trimap(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (100, 130, 3), dtype=np.uint8)
    trimap = np.zeros((100, 130), np.uint8)
    trimap[20:80, 30:100] = 255
    path = matte_zarr(image, trimap, tmp_path / "a.zarr", block=64, halo=16)
    assert (zarr.open(str(path))["0"][:] == trimap / 255).all()


def test_the_command_takes_zarr(stores, result, tmp_path, capsys):
    target = tmp_path / "a.ome.zarr"
    options = ["-o", str(target), "--block", "256", "--halo", "96", "--quiet"]
    assert main(["matte", *map(str, stores), *options]) == 0
    assert contents(target) == contents(result)
    main(["seams", str(target)])
    assert "ratio" in capsys.readouterr().out
    assert main(["matte", *map(str, stores), *options]) == 1
    assert "exists" in capsys.readouterr().err


def test_bad_input_is_told(stores, picture, tmp_path):
    image, trimap = picture
    target = tmp_path / "a.zarr"
    with pytest.raises(SizeMismatchError):
        matte_zarr(image, trimap[1:], target)
    with pytest.raises(EmptyRegionError):
        matte_zarr(image, np.full_like(trimap, 128), target, block=BLOCK)
    shutil.rmtree(f"{target}.parts")
    with pytest.raises(ShapeError):
        matte_zarr(np.zeros((2, 3, 2, 400, 1000)), trimap, target)
    broken = tmp_path / "broken.zarr"
    shutil.copytree(stores[0], broken)
    chunk = next(path for path in broken.rglob("*") if path.is_file() and path.name != "zarr.json")
    chunk.write_bytes(b"broken")
    with pytest.raises(FileError, match="cannot be read"):
        matte_zarr(broken, trimap, target, block=BLOCK)
