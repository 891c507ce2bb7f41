"""Clips on wires, by `matting-nodes run` and in ComfyUI alike."""

from __future__ import annotations

import av
import numpy as np
import pytest

from matting_nodes import read_image, write_image
from matting_nodes.errors import FileError, MattingError, ParameterError
from matting_nodes.graph import Folders, Graph, evaluate
from matting_nodes.job import Cancelled, Job
from matting_nodes.sample_data.clips import lemur_clip
from matting_nodes.video.clip import ClipTask, matte_clip
from matting_nodes.video.reader import Reader


@pytest.fixture
def folders(tmp_path):
    """A clip of twelve frames with sound, and trimaps of its first and ninth frame."""
    from ...video.conftest import write_clip

    frames = list(lemur_clip(height=90, width=160).frames(12))
    (tmp_path / "in").mkdir()
    write_clip(tmp_path / "in/clip.mp4", [f.picture for f in frames], audio=True)
    for number in (0, 8):
        write_image(tmp_path / f"in/trimap{number}.png", frames[number].trimap)
    return Folders(tmp_path / "in", tmp_path / "out", temporary=tmp_path / "temp")


AUTO = {"format": "auto", "codec": "auto"}


def workflow(**matting):
    return {
        "clip": {"class_type": "LoadVideo", "inputs": {"file": "clip.mp4"}},
        "drawn": {"class_type": "MattingNodesLoadPicture", "inputs": {"image": "trimap0.png"}},
        "trimap": {
            "class_type": "ImageToMask",
            "inputs": {"image": ["drawn", 0], "channel": "red"},
        },
        "matte": {
            "class_type": "MattingNodesMatteVideo",
            "inputs": {"video": ["clip", 0], "trimap": ["trimap", 0], "color": "teal", **matting},
        },
        "composite": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["matte", 0], "filename_prefix": "composite", **AUTO},
        },
        "alpha": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["matte", 1], "filename_prefix": "alpha", **AUTO},
        },
    }


def run(nodes, folders, job=None):
    return evaluate(Graph.from_json(nodes), folders, job)


def pictures(path):
    return np.stack([frame.picture for frame in Reader(path).frames()]).astype(int)


def test_a_workflow_gives_the_movies_of_the_command(folders, tmp_path):
    run(workflow(), folders)
    trimap = read_image(tmp_path / "in/trimap0.png")
    for content, name in (("composite", "composite"), ("alpha", "alpha")):
        target = str(tmp_path / f"{name}.mp4")
        task = ClipTask(
            tmp_path / "in/clip.mp4", target, trimap, background="teal", content=content
        )
        matte_clip(task)
        found = pictures(tmp_path / f"out/{name}_00001_.mp4")
        np.testing.assert_array_equal(found, pictures(target))
    with av.open(str(tmp_path / "out/composite_00001_.mp4")) as container:
        assert len(container.streams.audio) == 1


def test_no_trimap_finds_the_object_and_transparent_is_a_webm(folders, tmp_path):
    nodes = workflow(color="transparent", network="grabcut")
    del nodes["matte"]["inputs"]["trimap"]
    run(nodes, folders)
    with av.open(str(tmp_path / "out/composite_00001_.webm")) as container:
        assert container.streams.video[0].metadata.get("alpha_mode", "1") == "1"
        assert len(list(container.decode(video=0))) == 12


def test_trimaps_of_several_frames_have_their_times(folders, tmp_path):
    nodes = workflow(times="0, 0.32")
    nodes["second"] = {
        "class_type": "MattingNodesLoadPicture",
        "inputs": {"image": "trimap8.png"},
    }
    nodes["both"] = {
        "class_type": "ImageBatch",
        "inputs": {"image1": ["drawn", 0], "image2": ["second", 0]},
    }
    nodes["trimap"]["inputs"]["image"] = ["both", 0]
    run(nodes, folders)
    assert len(pictures(tmp_path / "out/alpha_00001_.mp4")) == 12
    nodes["matte"]["inputs"]["times"] = "0"
    with pytest.raises(ParameterError, match="times names 1, and there are 2 trimaps"):
        run(nodes, folders)
    nodes["matte"]["inputs"]["times"] = "0, soon"
    with pytest.raises(ParameterError, match="times is '0, soon'"):
        run(nodes, folders)


def test_pictures_become_a_clip_that_is_matted(folders, tmp_path):
    nodes = workflow()
    nodes["frames"] = {
        "class_type": "RepeatImageBatch",
        "inputs": {"image": ["drawn", 0], "amount": 3},
    }
    nodes["clip"] = {
        "class_type": "CreateVideo",
        "inputs": {"images": ["frames", 0], "fps": 25},
    }
    run(nodes, folders)
    assert len(pictures(tmp_path / "out/composite_00001_.mp4")) == 3


def test_bad_clips_are_refused_by_the_nodes_name(folders, tmp_path):
    (tmp_path / "in/clip.mp4").write_bytes(b"")
    with pytest.raises(MattingError, match=r"MatteVideo.*is empty"):
        run(workflow(), folders)
    (tmp_path / "in/clip.mp4").unlink()
    with pytest.raises(FileError, match=r"clip\.mp4"):
        run(workflow(), folders)


def test_a_cancel_leaves_no_result(folders, tmp_path):
    nodes, asked = workflow(), []

    def cancelled():
        asked.append(None)
        return len(asked) > 20

    with pytest.raises(Cancelled):
        run(nodes, folders, Job(cancelled=cancelled))
    assert not list((tmp_path / "out").glob("*"))
