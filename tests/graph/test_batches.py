"""A graph over folders: planned, done by one or several processes or a cluster, resumed."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from matting_nodes import alpha_matte, read_image, sample_data, write_image
from matting_nodes.errors import FileError, GraphError
from matting_nodes.graph import Folders, Graph, GraphNode, Link, node_types, workers
from matting_nodes.graph.batches import Batch, check_all, plan, run_here
from matting_nodes.graph.node_types import TYPES, MaskBatch, node_type
from matting_nodes.graph.workers import run_in_processes, run_on_dask
from matting_nodes.job import Cancelled, Job
from matting_nodes.solvers.parallel import thread_count

MATTE = Graph.from_json(
    {
        "1": {"class_type": "MattingNodesLoadPicture", "inputs": {"image": "?"}},
        "2": {"class_type": "MattingNodesLoadPicture", "inputs": {"image": "?"}},
        "3": {"class_type": "ImageToMask", "inputs": {"image": ["2", 0], "channel": "red"}},
        "4": {
            "class_type": "MattingNodesAlphaMatte",
            "inputs": {"image": ["1", 0], "trimap": ["3", 0], "method": "guided_filter"},
        },
        "5": {
            "class_type": "MattingNodesSavePicture",
            "inputs": {"alpha": ["4", 0], "filename_prefix": "alpha", "file_type": "tiff"},
        },
    }
)
COUNT = 6


@pytest.fixture
def pairs(tmp_path):
    """Parts of a photo and of its trimap, in two folders."""
    image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    for folder in ("photos", "trimaps"):
        (tmp_path / folder).mkdir()
    for number in range(COUNT):
        part = np.s_[60:160, 200 + 5 * number : 320 + 5 * number]
        write_image(tmp_path / f"photos/part{number}.tif", image[part])
        write_image(tmp_path / f"trimaps/part{number}.png", trimap[part])
    return {("1", "image"): tmp_path / "photos", ("2", "image"): tmp_path / "trimaps"}


@pytest.fixture
def batch(tmp_path):
    return Batch(Folders(tmp_path, tmp_path / "out"))


def check_results(tmp_path):
    for number in range(COUNT):
        image = read_image(tmp_path / f"photos/part{number}.tif")
        trimap = read_image(tmp_path / f"trimaps/part{number}.png")
        np.testing.assert_array_equal(
            read_image(tmp_path / f"out/alpha_part{number}.tif"),
            alpha_matte(image, trimap, method="guided_filter"),
        )
    assert not list((tmp_path / "out").rglob("*.part"))


def test_every_picture_gives_a_result_of_its_name(batch, pairs, tmp_path):
    tasks = plan(MATTE, pairs)
    assert [task.name for task in tasks] == [f"part{number}" for number in range(COUNT)]
    done, told = [], []
    run_here(batch, tasks, done.append, Job(lambda fraction, message: told.append(fraction)))
    assert [result.files[0].name for result in done] == [f"alpha_part{n}.tif" for n in range(COUNT)]
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    check_results(tmp_path)


def test_what_is_finished_is_known_until_something_changes(batch, pairs, tmp_path):
    tasks = plan(MATTE, pairs)[:3]
    run_here(batch, tasks, lambda done: None)
    assert all(batch.is_finished(task) for task in tasks)
    # Another setting, another input, a lost output:
    other = plan(MATTE.with_input("4", "method.radius", 9), pairs)[:3]
    assert not any(batch.is_finished(task) for task in other)
    write_image(tmp_path / "photos/part0.tif", sample_data.lemur()[:100, :120], force=True)
    (tmp_path / "out/alpha_part1.tif").unlink()
    assert [batch.is_finished(task) for task in tasks] == [False, False, True]
    # They are done again over what was there.
    run_here(batch, tasks[:1], lambda done: None)
    assert batch.is_finished(tasks[0])


def test_a_strangers_file_is_not_written_over(batch, pairs, tmp_path):
    (tmp_path / "out").mkdir()
    precious = tmp_path / "out/alpha_part2.tif"
    precious.write_bytes(b"precious")
    tasks = plan(MATTE, pairs)
    with pytest.raises(FileError, match=r"alpha_part2\.tif exists"):
        check_all(batch, tasks)
    assert precious.read_bytes() == b"precious"


def test_one_bad_picture_does_not_stop_the_others(batch, pairs, tmp_path):
    write_image(tmp_path / "trimaps/part1.png", np.zeros((100, 120), np.uint8), force=True)
    done = []
    run_here(batch, plan(MATTE, pairs)[:3], done.append)
    assert [str(result.error or "")[:29] for result in done] == [
        "",
        "Node 4 (MattingNodesAlphaMatt",
        "",
    ]


def test_an_error_that_no_node_foresaw_is_handed_back_too(batch, pairs, tmp_path, monkeypatch):
    def fragile(mask: MaskBatch) -> MaskBatch:
        """Stop on a narrow mask."""
        return mask * np.ones(120, np.float32)

    node_types()  # All are there: what comes now is the test's.
    monkeypatch.setitem(TYPES, "MattingNodesFragile", None)  # taken back after the test
    node_type(title="Fragile")(fragile)
    for folder, picture in (("photos", "part1.tif"), ("trimaps", "part1.png")):
        write_image(tmp_path / folder / picture, np.zeros((9, 9)), force=True)
    graph = MATTE.with_node(GraphNode("f", "MattingNodesFragile", {"mask": Link("3")}))
    done = []
    run_here(batch, plan(graph.with_input("4", "trimap", Link("f")), pairs)[:3], done.append)
    assert [bool(result.files) for result in done] == [True, False, True]
    assert re.match(
        r"Node f \(MattingNodesFragile\): ValueError: operands could not be broadcast .* "
        r"\(test_batches\.py, line \d+, in fragile\)",
        str(done[1].error),
    )


def test_pictures_without_a_partner_are_named(pairs, tmp_path):
    (tmp_path / "trimaps/part3.png").unlink()
    with pytest.raises(GraphError, match="same names: part3"):
        plan(MATTE, pairs)


def test_two_savers_of_one_prefix_are_refused(pairs):
    inputs = {"images": Link("1"), "filename_prefix": "alpha"}
    twice = MATTE.with_node(GraphNode("6", "SaveImage", inputs))
    with pytest.raises(GraphError, match=r"Node 5 .* and Node 6 .* both save as alpha"):
        plan(twice, pairs)


def test_names_that_differ_in_their_ending_only_stay_apart(tmp_path):
    for name in ("a.png", "a.tif"):
        write_image(tmp_path / name, np.zeros((4, 4)))
    assert [t.name for t in plan(MATTE, {("1", "image"): tmp_path})] == ["a_png", "a_tif"]
    # Nor does a third one take the place of one of them.
    write_image(tmp_path / "a_png.png", np.zeros((4, 4)))
    tasks = plan(MATTE, {("1", "image"): tmp_path})
    assert {t.name: Path(t.graph.nodes["1"].inputs["image"]).name for t in tasks} == {
        "a_png_": "a.png",
        "a_tif": "a.tif",
        "a_png": "a_png.png",
    }


def test_several_processes_give_the_same_pixels(batch, pairs, tmp_path):
    done = []
    run_in_processes(batch, plan(MATTE, pairs), done.append, 2)
    assert sorted(result.task.name for result in done) == [f"part{n}" for n in range(COUNT)]
    check_results(tmp_path)


def _threads():
    import cv2
    import numba
    import torch

    return [thread_count(), numba.get_num_threads(), cv2.getNumThreads(), torch.get_num_threads()]


@pytest.mark.parametrize(("given", "share"), [("", 1), ("7", 1), ("1", 2)])
def test_worker_processes_share_the_cores(monkeypatch, given, share):
    """Everything that computes in one takes its share, or less if the user said so."""
    for name in workers.THREADS:
        monkeypatch.setenv(name, given)
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, workers._begin, (context.Event(), share)) as pool:
        assert set(pool.apply_async(_threads).get(60)) == {1}


def test_a_cancel_keeps_what_is_finished(batch, pairs):
    tasks, done = plan(MATTE, pairs), []
    with pytest.raises(Cancelled):
        run_here(batch, tasks, done.append, Job(cancelled=lambda: len(done) == 2))
    assert [batch.is_finished(task) for task in tasks] == [True] * 2 + [False] * (COUNT - 2)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_leaves_no_half_file_and_the_next_run_goes_on(pairs, tmp_path, workers):
    """A solve of seconds a picture; the interrupt comes when the first is there."""
    # Large parts, so that there is time to interrupt.
    for number in range(COUNT):
        write_image(tmp_path / f"photos/part{number}.tif", sample_data.lemur(), force=True)
        write_image(tmp_path / f"trimaps/part{number}.png", sample_data.lemur_trimap(), force=True)
    flow, out = tmp_path / "flow.json", tmp_path / "out"
    flow.write_text(json.dumps(MATTE.to_json()))
    command = [sys.executable, "-m", "matting_nodes", "run", str(flow), "--output", str(out)]
    command += [f"--each=1.image={tmp_path}/photos", f"--each=2.image={tmp_path}/trimaps"]
    command += ["--set", "4.method=closed_form", "--workers", workers]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    while not list(out.glob("*.tif")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    # To the whole group, as a terminal does.
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "run again to go on from there" in told
    finished = sorted(out.glob("*.tif"))
    assert 1 <= len(finished) < COUNT
    assert (
        sorted(p for p in out.rglob("*") if p.is_file() and p.suffix not in (".tif", ".json")) == []
    )
    for path in finished:
        assert read_image(path).shape == (440, 680)
    listed = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=True)
    written = [json.loads(p.read_text()) for p in (out / ".matting-nodes").glob("*.json")]
    records = sum(record["digest"] != "" for record in written)
    assert f"{COUNT - records} of {COUNT} to do" in listed.stdout


@pytest.mark.slow
def test_a_dask_cluster_that_loses_a_worker_finishes(batch, pairs, tmp_path):
    distributed = pytest.importorskip("distributed")
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "10s"}):
        cluster = distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(tmp_path / "dask"),
        )
        with cluster, distributed.Client(cluster) as client:
            assert set(client.run(thread_count).values()) == {1}
            pids = client.run(os.getpid)
            killed = []

            def lose_one(done):
                if not killed:
                    killed.append(next(iter(pids.values())))
                    os.kill(killed[0], signal.SIGKILL)

            run_on_dask(batch, plan(MATTE, pairs), lose_one, cluster.scheduler_address)
            assert killed
    check_results(tmp_path)
    assert all(batch.is_finished(task) for task in plan(MATTE, pairs))


def test_a_scheduler_that_does_not_answer_is_told(batch, pairs):
    pytest.importorskip("distributed")
    with pytest.raises(FileError, match="No Dask scheduler answers"):
        run_on_dask(batch, plan(MATTE, pairs), lambda done: None, "tcp://127.0.0.1:9")
