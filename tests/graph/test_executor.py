from __future__ import annotations

import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from matting_nodes import (
    alpha_matte,
    compare,
    estimate_foreground,
    make_trimap,
    read_image,
    sample_data,
    segment,
    write_image,
)
from matting_nodes.arrays import Prompts
from matting_nodes.errors import (
    DependencyError,
    EmptyRegionError,
    MattingError,
    MissingInputError,
    ParameterError,
    SizeMismatchError,
)
from matting_nodes.graph import Folders, Graph, evaluate, node_types
from matting_nodes.job import Cancelled, Job


@pytest.fixture
def folders(tmp_path, fur):
    image, trimap = fur
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in/fur.tif", image)
    write_image(tmp_path / "in/trimap.png", trimap)
    return Folders(tmp_path / "in", tmp_path / "out")


def load(file, **settings):
    return {"class_type": "MattingNodesLoadPicture", "inputs": {"image": file, **settings}}


def save(prefix="it", **inputs):
    inputs = {"filename_prefix": prefix, "file_type": "tiff", **inputs}
    return {"class_type": "MattingNodesSavePicture", "inputs": inputs}


MATTE = {
    "image": load("fur.tif"),
    "drawn": load("trimap.png"),
    "trimap": {"class_type": "ImageToMask", "inputs": {"image": ["drawn", 0], "channel": "red"}},
    "alpha": {
        "class_type": "MattingNodesAlphaMatte",
        "inputs": {"image": ["image", 0], "trimap": ["trimap", 0], "method": "closed_form"},
    },
    "colors": {
        "class_type": "MattingNodesEstimateForeground",
        "inputs": {"image": ["image", 0], "alpha": ["alpha", 0], "method": "multilevel"},
    },
    "saved": save(image=["colors", 0], alpha=["alpha", 0]),
}


def run(graph, folders, job=None):
    return evaluate(Graph.from_json(graph), folders, job)


def test_a_graph_gives_the_pixels_of_python(folders, fur):
    ((path,),) = [outcome.files for outcome in run(MATTE, folders)]
    alpha = alpha_matte(*fur, method="closed_form")
    foreground, _ = estimate_foreground(fur[0], alpha)
    np.testing.assert_array_equal(read_image(path), np.dstack([foreground, alpha]))
    assert path == folders.output / "it_00001_.tif"
    # Nothing is overwritten: the next one is counted on.
    ((path,),) = [outcome.files for outcome in run(MATTE, folders)]
    assert path.name == "it_00002_.tif"


def test_boxes_numbers_and_texts_travel_on_wires(folders, lemur):
    write_image(folders.input / "lemur.tif", lemur[::4, ::4])
    sides = {"x": 37, "y": 12, "width": 98, "height": 98}
    graph = {
        "image": load("lemur.tif"),
        "box": {"class_type": "PrimitiveBoundingBox", "inputs": sides},
        "twice": {"class_type": "PrimitiveInt", "inputs": {"value": 2}},
        "mask": {
            "class_type": "MattingNodesSegment",
            "inputs": {
                "image": ["image", 0],
                "box": ["box", 0],
                "method": "grabcut",
                "method.iterations": ["twice", 0],
            },
        },
        "saved": save(alpha=["mask", 0]),
    }
    ((path,),) = [outcome.files for outcome in run(graph, folders)]
    expected = segment(lemur[::4, ::4], box=(37, 12, 135, 110), iterations=2)
    np.testing.assert_array_equal(read_image(path), expected)
    graph["twice"]["inputs"]["value"] = 1000
    with pytest.raises(MattingError, match=r"Node mask .*: iterations of Segment is 1000"):
        run(graph, folders)


def test_a_frame_in_which_a_detector_found_nothing_has_an_empty_mask(lemur):
    small = lemur[None, ::4, ::4]
    box = {"x": 37, "y": 12, "width": 98, "height": 98}
    segment_batch = node_types()["MattingNodesSegment"].function
    inputs = {"image": np.concatenate([small, small]), "method": "grabcut", "job": Job()}
    (masks,) = segment_batch(**inputs, box=[[box], []]).values
    np.testing.assert_array_equal(
        masks[0], segment(small[0], prompts=Prompts(box=(37, 12, 135, 110)))
    )
    assert masks[0].any()
    assert not masks[1].any()
    for boxes in ([{"x": 3}], ["abc"], 7):
        with pytest.raises(ParameterError, match="The boxes are "):
            segment_batch(**inputs, box=boxes)


def test_a_chain_of_3000_nodes_runs(folders):
    chain = {"0": {"class_type": "SolidMask", "inputs": {"value": 0.25, "width": 4, "height": 4}}}
    for number in range(1, 3000):
        chain[str(number)] = {"class_type": "InvertMask", "inputs": {"mask": [str(number - 1), 0]}}
    chain["end"] = {"class_type": "MaskPreview", "inputs": {"mask": ["2999", 0]}}
    (outcome,) = run(dict(reversed(chain.items())), folders)
    np.testing.assert_array_equal(outcome.values[0], np.full((1, 4, 4), 0.75, np.float32))


def test_a_measurement_is_told(folders, fur):
    alpha = alpha_matte(*fur, method="closed_form")
    write_image(folders.input / "reference.tif", alpha**2)
    graph = MATTE | {
        "reference": load("reference.tif"),
        "grey": {
            "class_type": "ImageToMask",
            "inputs": {"image": ["reference", 0], "channel": "green"},
        },
        "compare": {
            "class_type": "MattingNodesCompare",
            "inputs": {"alpha": ["alpha", 0], "reference": ["grey", 0]},
        },
    }
    (told,) = [outcome.texts for outcome in run(graph, folders) if outcome.texts]
    sad = compare(alpha, alpha**2).table["SAD"]
    assert f"SAD {sad:.6g}" in told[0].splitlines()


def test_an_error_in_a_run_names_node_and_frame(folders):
    stack = np.full((2, 100, 120), 128, np.uint8)
    stack[0, :40], stack[0, 60:] = 255, 0
    tifffile.imwrite(folders.input / "trimap.tif", stack, photometric="minisblack")
    graph = MATTE | {"drawn": load("trimap.tif")}
    with pytest.raises(
        EmptyRegionError, match=r"^Node alpha \(MattingNodesAlphaMatte\): Frame 1: "
    ):
        run(graph, folders)
    assert not folders.output.exists()


def test_a_frame_without_the_object_is_told_and_the_clip_is_done(folders):
    stack = np.zeros((2, 100, 120), np.uint8)
    stack[0, :50], stack[0, 40:60] = 255, 128
    tifffile.imwrite(folders.input / "trimap.tif", stack, photometric="minisblack")
    outcomes = run(MATTE | {"drawn": load("trimap.tif")}, folders)
    (remark,) = (text for outcome in outcomes for text in outcome.texts)
    assert remark == "Frame 1 shows no object: the trimap has no definite foreground"
    files = [path for outcome in outcomes for path in outcome.files]
    alphas = [read_image(path)[..., 3] for path in sorted(files)]
    assert alphas[0].any()
    assert not alphas[-1].any()


def test_load_images_placeholder_is_no_mask(folders):
    pytest.importorskip("av")
    write_image(folders.input / "opaque.png", sample_data.lemur()[::4, ::4])
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "opaque.png"}},
        "2": {
            "class_type": "MattingNodesMakeTrimap",
            "inputs": {"mask": ["1", 1], "method": "band"},
        },
        "3": {"class_type": "MaskPreview", "inputs": {"mask": ["2", 0]}},
    }
    with pytest.raises(MissingInputError, match=r"Node 2 .* 64 × 64 pixels, as Load Image gives"):
        run(graph, folders)


def test_without_pyav_load_image_says_what_to_install(folders, monkeypatch):
    """As where it is not installed: other pixels than ComfyUI's would be worse than none."""
    monkeypatch.setitem(sys.modules, "av", None)
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "fur.tif"}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    with pytest.raises(DependencyError, match=r"Node 1 .*matting-nodes\[run\]") as caught:
        run(graph, folders)
    assert "Load Picture" in caught.value.fix


def test_a_cancel_stops_within_the_solve_and_leaves_no_file(folders):
    told = []

    def report(fraction, message):
        told.append((fraction, message))

    job = Job(report, lambda: any("Solv" in message or f > 0.6 for f, message in told))
    with pytest.raises(Cancelled):
        run(MATTE, folders, job)
    assert told[-1][0] < 1
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert not folders.output.exists()


def test_planes_go_in_and_out_as_one_file(folders):
    masks = np.zeros((3, 40, 50), np.uint8)
    for index in range(3):
        masks[index, 10 : 25 + index, 10:40] = 255
    tifffile.imwrite(folders.input / "masks.tif", masks, photometric="minisblack")
    graph = {
        "1": load("masks.tif"),
        "2": {"class_type": "ImageToMask", "inputs": {"image": ["1", 0], "channel": "red"}},
        "3": {
            "class_type": "MattingNodesMakeTrimap",
            "inputs": {"mask": ["2", 0], "method": "band", "method.inner": 3, "method.outer": 3},
        },
        "4": save(alpha=["3", 0], bits="8", one_file=True),
    }
    ((path,),) = [outcome.files for outcome in run(graph, folders)]
    trimaps = tifffile.imread(path)
    for trimap, mask in zip(trimaps, masks, strict=True):
        np.testing.assert_array_equal(trimap, make_trimap(mask, inner=3, outer=3))


def test_the_file_of_load_picture_has_the_name_it_had_before(folders):
    """Workflows saved before the widget was called `image`, as the Mask Editor has it."""
    write_image(folders.input / "photo.png", sample_data.lemur()[::8, ::8])
    graph = {
        "1": {"class_type": "MattingNodesLoadPicture", "inputs": {"file": "photo.png"}},
        "2": save(image=["1", 0]),
    }
    (outcome,) = run(graph, folders)
    assert outcome.files[0].name == "it_00001_.tif"


def test_what_the_mask_editor_painted_is_the_mask(folders):
    painted = np.dstack([sample_data.lemur()[::8, ::8], np.ones((55, 85))])
    painted[10:20, 30:40, 3] = 0
    (folders.input / "clipspace").mkdir()
    write_image(folders.input / "clipspace/painted.png", painted)
    graph = {
        "1": load("clipspace/painted.png [input]"),
        "2": {"class_type": "MaskPreview", "inputs": {"mask": ["1", 2]}},
    }
    (outcome,) = run(graph, folders)
    np.testing.assert_array_equal(outcome.values[0][0], 1 - painted[..., 3])


@pytest.mark.parametrize("kind", ["webp", "png", "gif"])
def test_the_frames_of_an_animation_are_loaded(folders, kind):
    frames = [Image.new("RGB", (12, 8), color) for color in ("red", "lime", "blue")]
    frames[0].save(
        folders.input / f"moving.{kind}", save_all=True, append_images=frames[1:], lossless=True
    )
    graph = {"1": load(f"moving.{kind}", first=1), "2": save(image=["1", 0], one_file=True)}
    ((path,),) = [outcome.files for outcome in run(graph, folders)]
    shown = tifffile.imread(path)
    assert shown.shape == (2, 8, 12, 3)
    assert shown[:, 4, 6].tolist() == [[0, 1, 0], [0, 0, 1]]


def test_a_saved_png_holds_its_workflow(folders):
    write_image(folders.input / "photo.png", sample_data.lemur()[::8, ::8])
    graph = {"1": load("photo.png"), "2": save(image=["1", 0], file_type="png", bits="16")}
    (outcome,) = run(graph, folders)
    assert Graph.read(outcome.files[0]) == Graph.from_json(graph)
    assert read_image(outcome.files[0]).dtype == np.uint16


def test_an_alpha_of_another_size_is_refused_by_save_picture(folders):
    write_image(folders.input / "photo.png", sample_data.lemur()[::8, ::8])
    write_image(folders.input / "small.png", sample_data.lemur()[::16, ::16])
    graph = {"1": load("photo.png"), "2": load("small.png")}
    graph["3"] = save(image=["1", 0], alpha=["2", 1])
    with pytest.raises(SizeMismatchError, match="alpha is 43 × 28 pixels and image is 85 × 55"):
        run(graph, folders)


def test_strokes_of_each_side_may_be_masks_of_their_own(folders):
    image, strokes = sample_data.lemur()[::4, ::4], np.full((110, 170), 128, np.uint8)
    strokes[40:60, 80:84], strokes[4:8] = 255, 0
    write_image(folders.input / "photo.png", image)
    for name, value in (("inside.png", 255), ("outside.png", 0)):
        write_image(folders.input / name, np.where(strokes == value, np.uint8(255), np.uint8(0)))
    grabcut = {"image": ["1", 0], "method": "grabcut"}
    graph = {
        "1": load("photo.png"),
        "2": {"class_type": "LoadImageMask", "inputs": {"image": "inside.png", "channel": "red"}},
        "3": {"class_type": "LoadImageMask", "inputs": {"image": "outside.png", "channel": "red"}},
        "4": {
            "class_type": "MattingNodesSegment",
            "inputs": grabcut
            | {"foreground_scribbles": ["2", 0], "background_scribbles": ["3", 0]},
        },
        "5": {"class_type": "MaskPreview", "inputs": {"mask": ["4", 0]}},
    }
    (outcome,) = run(graph, folders)
    np.testing.assert_array_equal(
        outcome.values[0][0], segment(read_image(folders.input / "photo.png"), scribbles=strokes)
    )
    graph["4"]["inputs"]["background_scribbles"] = ["2", 0]
    with pytest.raises(ParameterError, match="80 pixels are in the foreground and in"):
        run(graph, folders)


def test_the_whole_pipeline_as_one_node(folders, monkeypatch, tmp_path):
    from matting_nodes.nodes._cutout import cutout

    monkeypatch.setenv("MATTING_NODES_CACHE", str(tmp_path / "empty"))  # no network is on disk
    photo = sample_data.lemur()[::4, ::4]
    write_image(folders.input / "photo.tif", photo)
    write_image(folders.input / "beach.tif", sample_data.beach()[::4, ::4])
    node = {"class_type": "MattingNodesCutout", "inputs": {"image": ["1", 0]}}
    graph = {
        "1": load("photo.tif"),
        "2": node,
        "3": save("cut", image=["2", 0]),
        "4": save("laid", image=["2", 1]),
    }
    expected = cutout(photo)
    cut, laid = (outcome.files[0] for outcome in run(graph, folders))
    np.testing.assert_allclose(read_image(cut), expected.picture, atol=1e-6)
    white = expected.picture[..., :3] * expected.alpha[..., None] + 1 - expected.alpha[..., None]
    np.testing.assert_allclose(read_image(laid), white, atol=0.01)
    # A mask of one's own, and another picture behind.
    graph["5"], graph["6"] = load("beach.tif"), load("mask.png")
    rough = (expected.alpha > 0.5).astype(np.uint8) * 255
    write_image(folders.input / "mask.png", rough)
    graph["7"] = {"class_type": "ImageToMask", "inputs": {"image": ["6", 0], "channel": "red"}}
    node["inputs"] |= {"mask": ["7", 0], "background": ["5", 0]}
    cut, laid = (outcome.files[0] for outcome in run(graph, folders))
    corner = read_image(laid)[:5, :5]
    np.testing.assert_allclose(corner, sample_data.beach()[::4, ::4][:5, :5], atol=0.02)
    node["inputs"]["network"] = "birefnt"
    with pytest.raises(ParameterError, match=r"network of .* is 'birefnt'"):
        run(graph, folders)
