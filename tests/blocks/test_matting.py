"""Pictures matted block by block: against one solve, killed and resumed, on a cluster."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
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
    monkeypatch.setattr(solving, "MAX_ROUNDS", 1)
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


KILLED = """
import os, signal, sys
from pathlib import Path

from matting_nodes import matte_zarr

image, trimap, target, log, stop = sys.argv[1:]
replace, count = Path.replace, 0


def watched(self, name):
    global count
    count += stop in str(name)
    if stop and count == 2 - (os.path.basename(stop) == stop and "-" not in stop):
        os.kill(os.getpid(), signal.SIGKILL)
    found = replace(self, name)
    with open(log, "a") as file:
        file.write(f"{name}\\n")
    return found


Path.replace = watched
matte_zarr(image, trimap, target, block=256, halo=96)
"""
"""Matte, and be killed where the second file with a name of a stage (with - or /), or the only
one, is about to be there."""
STAGES = [
    "work.json",
    "plane/measured-",
    "whole.npy",
    "coarse.npy",
    "plane/closeness-",
    "links.npy",
    "plane/guess-",
    "term.npy",
    "guess.npy",
    "plane/alpha0-",
    "alpha0.npy",
    "start1.npy",
    "plane/alpha1-",
    "plane/written-",
    "result.ome.zarr/0/c/",
]


def test_killed_at_any_stage_nothing_is_done_twice(stores, result, tmp_path):
    """Each time at a file of another stage, while that is being written."""
    target, log = tmp_path / "a.ome.zarr", tmp_path / "log"

    def run(stop: str) -> int:
        command = [sys.executable, "-c", KILLED, *map(str, (*stores, target, log)), stop]
        return subprocess.run(command).returncode

    for stop in STAGES:
        assert run(stop) == -signal.SIGKILL, stop
        assert not target.exists()
    assert run("") == 0
    assert contents(target) == contents(result)
    assert not (tmp_path / "a.ome.zarr.parts").exists()
    names = log.read_text().splitlines()
    chunks = [name for name in names if "/result.ome.zarr/0/" in name]
    # The arrays of a block; chunks and files of the block that was being done may come again.
    once = [name for name in names if "/plane/" in name]
    assert len(once) > 40
    again = {name for name in once if once.count(name) > 1}
    of_a_block = {"cells", "expanded", "expanded_counts", "term"}
    # Written before whole.npy, coarse.npy and links.npy, in one step with them.
    whole = {"all_expanded_counts.npy", "coarse_image.npy", "coarse_trimap.npy"}
    assert {Path(name).name.rpartition("-")[0] or Path(name).name for name in again} <= {
        *of_a_block,
        *whole,
    }
    assert len(again) <= len(of_a_block) + len(whole)
    assert len(chunks) <= 8 + 2 + 1  # and metadata


def test_killed_when_the_result_has_its_name_it_is_complete(stores, result, tmp_path):
    target, log = tmp_path / "a.ome.zarr", tmp_path / "log"
    parts = tmp_path / "a.ome.zarr.parts"
    command = [sys.executable, "-c", KILLED, *map(str, (*stores, target, log)), ".discarded"]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert contents(target) == contents(result)
    assert parts.exists()
    with pytest.raises(FileError, match="exists"):
        matte_zarr(*stores, target, block=BLOCK, halo=96)
    assert not parts.exists()


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


def test_a_full_disk_is_told_and_what_was_done_stays(stores, result, tmp_path):
    """No file may be larger than some size: writing ends with an error, as on a full disk."""
    resource = pytest.importorskip("resource")
    target = tmp_path / "a.ome.zarr"
    options = ["-o", str(target), "--block", "256", "--halo", "96", "--quiet"]
    command = [sys.executable, "-m", "matting_nodes", "matte", *map(str, stores), *options]
    kept = {}
    for limit in (20_000, 300_000):
        done = subprocess.run(
            command,
            preexec_fn=lambda limit=limit: resource.setrlimit(
                resource.RLIMIT_FSIZE, (limit, limit)
            ),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert "cannot be written" in done.stderr
        assert "what is done is kept" in done.stderr
        assert "Traceback" not in done.stderr
        assert all(path.stat().st_mtime_ns == at for path, at in kept.items() if path.exists())
        kept = {
            path: path.stat().st_mtime_ns
            for path in (tmp_path / "a.ome.zarr.parts").rglob("measured-*")
        }
        assert not list(tmp_path.rglob("*.partial"))
    matte_zarr(*stores, target, block=BLOCK, halo=96)
    assert contents(target) == contents(result)


def test_a_folder_that_cannot_be_written_is_told(stores, tmp_path):
    (tmp_path / "a.ome.zarr.parts").write_text("a file where the parts go")
    with pytest.raises(FileError, match="holds parts of other work"):
        matte_zarr(*stores, tmp_path / "a.ome.zarr", block=BLOCK)
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write anywhere")
    with pytest.raises(FileError, match="cannot be written"):
        matte_zarr(*stores, folder / "a.ome.zarr", block=BLOCK)


def test_a_chunk_that_is_restored_is_enough_to_go_on(stores, result, picture, tmp_path):
    broken, target = tmp_path / "image.zarr", tmp_path / "a.ome.zarr"
    shutil.copytree(stores[0], broken)
    chunk = broken / "c" / "3" / "7" / "0"
    whole, times = chunk.read_bytes(), chunk.stat()
    chunk.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="cannot be read"):
        matte_zarr(broken, stores[1], target, block=BLOCK, halo=96)
    kept = {p: p.stat().st_mtime_ns for p in Path(f"{target}.parts").rglob("measured-*")}
    assert len(kept) == 7
    chunk.write_bytes(whole)
    os.utime(chunk, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(FileError, match="has changed since"):
        matte_zarr(broken, stores[1], target, block=BLOCK, halo=96)
    matte_zarr(broken, stores[1], target, block=BLOCK, halo=96, force=True)
    assert contents(target) == contents(result)


def test_parts_without_a_note_are_not_taken(stores, tmp_path):
    parts = tmp_path / "a.ome.zarr.parts"
    (parts / "plane").mkdir(parents=True)
    with pytest.raises(FileError, match="holds parts of other work"):
        matte_zarr(*stores, tmp_path / "a.ome.zarr", block=BLOCK)
