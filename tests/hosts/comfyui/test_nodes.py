"""The nodes on tensors, as ComfyUI hands them over, with a stand-in for its interface."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from matting_nodes import (
    alpha_matte,
    compare,
    composite,
    estimate_foreground,
    make_trimap,
    read_image,
    sample_data,
    segment,
)
from matting_nodes.arrays import Image, Mask
from matting_nodes.errors import (
    EmptyRegionError,
    MissingInputError,
    ParameterError,
    SizeMismatchError,
)
from matting_nodes.framework.register import node
from matting_nodes.framework.spec import Method
from matting_nodes.models import _folder
from matting_nodes.models.pool import POOL
from matting_nodes.nodes._cutout import NETWORKS

torch = pytest.importorskip("torch")

NAMES = ("comfy", "comfy_api", "folder_paths", "server", "matting_nodes.hosts.comfyui")
DEFAULT = {"method": "sampled_propagation"}


def forget():
    for name in [m for m in sys.modules if m.startswith(NAMES)]:
        del sys.modules[name]


@pytest.fixture
def comfy(monkeypatch):
    """The stand-in, importable as ComfyUI's own modules are inside it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "standin"))
    # What the host installs in the pool of this process is taken back.
    monkeypatch.setattr(POOL, "backend", POOL.backend)
    monkeypatch.setattr(_folder, "_SEARCHED", [])
    forget()
    import comfy.model_management
    import comfy.utils
    import server

    comfy.server = server.PromptServer.instance
    yield comfy
    forget()


@pytest.fixture
def nodes(comfy):
    """Every node class by id."""
    from matting_nodes.hosts.comfyui import comfy_entrypoint

    async def listed():
        return await (await comfy_entrypoint()).get_node_list()

    return {node.define_schema().node_id: node for node in asyncio.run(listed())}


@pytest.fixture
def tensors(fur):
    """Fur as IMAGE (1, H, W, 3) and its trimap as MASK (1, H, W) of 0, 0.5 and 1."""
    image, trimap = fur
    levels = np.where(trimap == 0, 0, np.where(trimap == 255, 1, 0.5)).astype(np.float32)
    return torch.from_numpy(image.copy())[None], torch.from_numpy(levels)[None]


def test_every_node_is_there_under_its_frozen_id(nodes):
    assert list(nodes) == [
        "MattingNodesSegment",
        "MattingNodesMakeTrimap",
        "MattingNodesAlphaMatte",
        "MattingNodesEstimateForeground",
        "MattingNodesComposite",
        "MattingNodesCompare",
        "MattingNodesDifferenceMatte",
        "MattingNodesIDPhoto",
        "MattingNodesMeasure",
        "MattingNodesCutout",
        "MattingNodesEditTrimap",
        "MattingNodesLoadPicture",
        "MattingNodesMarkObject",
        "MattingNodesMatteVideo",
        "MattingNodesSavePicture",
    ]
    pages = Path(sys.modules["matting_nodes.hosts.comfyui"].__file__).parent / "web/docs"
    assert {page.stem for page in pages.iterdir()} == set(nodes)


def test_a_toy_node_and_method_appear(registry, comfy):
    @node(title="Toy", command="toy", step=9)
    def toy(image: Image, *, method: Method = Method("cut")) -> Mask:
        """Make a toy mask."""
        return method(image=image)

    @toy.method(title="Cut")
    def cut(image: Image, *, level: float = 0.5) -> Mask:
        """Cut at a level."""
        return (image[..., 0] > level).astype(np.float32)

    from matting_nodes.hosts.comfyui._nodes import node_class

    output = node_class(toy).execute(
        image=torch.tensor([[[[0.2], [0.8]]]]), method={"method": "cut", "level": 0.1}
    )
    assert output.args[0].tolist() == [[[1.0, 1.0]]]
    (choice,) = [i for i in node_class(toy).define_schema().inputs if i.id == "method"]
    assert [(o.key, [i.id for i in o.inputs]) for o in choice.options] == [("cut", ["level"])]


def test_widgets_carry_defaults_ranges_and_tooltips(nodes):
    inputs = {i.id: i for i in nodes["MattingNodesMakeTrimap"].define_schema().inputs}
    assert inputs["mask"].optional
    assert "1 is foreground" in inputs["mask"].tooltip
    band = inputs["method"].options[0]
    inner = band.inputs[0]
    assert (inner.default, inner.min, inner.max) == (10.0, 0, 200)
    matte = {i.id: i for i in nodes["MattingNodesAlphaMatte"].define_schema().inputs}
    (closed_form,) = [o for o in matte["method"].options if o.key == "closed_form"]
    epsilon = closed_form.inputs[0]
    # The page shows as many decimals as the step has.
    assert epsilon.step <= epsilon.default == 1e-7
    assert epsilon.advanced
    assert matte["device"].options == ["auto", "cpu", "cuda", "mps"]


def test_the_pipeline_gives_the_pixels_of_python(nodes):
    image = np.ascontiguousarray(sample_data.lemur()[::2, ::2])
    batch = torch.from_numpy(image)[None]

    def run(name, **given):
        return nodes[f"MattingNodes{name}"].execute(**given).args

    (mask,) = run("Segment", image=batch, method={"method": "grabcut"})
    (trimap,) = run("MakeTrimap", mask=mask, method={"method": "band", "inner": 8.0})
    (alpha,) = run("AlphaMatte", image=batch, trimap=trimap, method=DEFAULT, device="auto")
    colors = run("EstimateForeground", image=batch, alpha=alpha, method={"method": "multilevel"})
    (result,) = run(
        "Composite", image=batch, alpha=alpha, foreground=colors[0], color="transparent"
    )
    expected = make_trimap(segment(image), inner=8)
    np.testing.assert_array_equal(trimap[0], np.where(expected == 128, 0.5, expected / 255))
    expected = alpha_matte(image, expected)
    np.testing.assert_array_equal(alpha[0], expected)
    foreground, background = estimate_foreground(image, expected)
    np.testing.assert_array_equal(colors[0][0], foreground)
    np.testing.assert_array_equal(colors[1][0], background)
    np.testing.assert_array_equal(
        result[0], composite(image, expected, foreground=foreground, color="transparent")
    )
    assert result.shape == (1, 220, 340, 4)


def test_one_trimap_serves_a_batch(nodes, tensors, fur):
    image, trimap = tensors
    batch = torch.cat([image, image.flip(1)])
    (alpha,) = (
        nodes["MattingNodesAlphaMatte"].execute(image=batch, trimap=trimap, method=DEFAULT).args
    )
    np.testing.assert_array_equal(alpha[0], alpha_matte(*fur))
    np.testing.assert_array_equal(alpha[1], alpha_matte(fur[0][::-1], fur[1]))


def test_batches_of_different_lengths_are_refused(nodes, tensors):
    image, trimap = tensors
    with pytest.raises(SizeMismatchError, match="image has 2, trimap has 3"):
        nodes["MattingNodesAlphaMatte"].execute(
            image=torch.cat([image] * 2), trimap=torch.cat([trimap] * 3), method=DEFAULT
        )


def test_a_mask_without_a_batch_axis_is_one_frame(nodes, tensors):
    image, trimap = tensors
    matte = nodes["MattingNodesAlphaMatte"]
    (flat,) = matte.execute(image=image, trimap=trimap[0], method=DEFAULT).args
    (batched,) = matte.execute(image=image, trimap=trimap, method=DEFAULT).args
    np.testing.assert_array_equal(flat, batched)


def test_load_images_empty_mask_is_recognised(nodes, tensors):
    """64 × 64 zeros stand for "no transparency": not a mask of another size."""
    image, _ = tensors
    nothing = torch.zeros(1, 64, 64)
    with pytest.raises(
        MissingInputError, match="0 throughout and of 64 × 64 pixels, as Load Image"
    ):
        nodes["MattingNodesAlphaMatte"].execute(image=image, trimap=nothing, method=DEFAULT)
    with pytest.raises(MissingInputError, match="Load Image"):
        nodes["MattingNodesMakeTrimap"].execute(mask=nothing, method={"method": "band"})
    # As a prompt it is simply no prompt.
    grabcut = {"method": "grabcut", "iterations": 1}
    segment_node = nodes["MattingNodesSegment"]
    (with_it,) = segment_node.execute(image=image, mask=nothing, method=grabcut).args
    (without,) = segment_node.execute(image=image, method=grabcut).args
    np.testing.assert_array_equal(with_it, without)


def test_a_bounding_box_is_left_top_width_height(nodes):
    image = np.ascontiguousarray(sample_data.lemur()[::4, ::4])
    given = {"image": torch.from_numpy(image)[None], "method": {"method": "grabcut"}}
    box = {"x": 37, "y": 12, "width": 98, "height": 98}
    # Core's, then as SAM, Florence-2 and Impact Pack give them: corners, single or in lists.
    corners = [37, 12, 135, 110]
    others = ([corners], [[corners]], [tuple(corners)], np.float32([corners]))
    for wired in (box, [box], [[box]], corners, *others):
        (mask,) = nodes["MattingNodesSegment"].execute(**given, box=wired).args
        np.testing.assert_array_equal(mask[0], segment(image, box=(37, 12, 135, 110)))


def test_a_list_of_boxes_that_is_empty_or_long_is_told(nodes, comfy):
    image = np.ascontiguousarray(sample_data.lemur()[::4, ::4])
    given = {"image": torch.from_numpy(image)[None], "method": {"method": "grabcut"}}
    with pytest.raises(MissingInputError, match="none was drawn or detected"):
        nodes["MattingNodesSegment"].execute(**given, box=[])
    box = {"x": 37, "y": 12, "width": 98, "height": 98}
    nodes["MattingNodesSegment"].execute(**given, box=[[box, box]])
    assert comfy.server.sent[-1] == ("7", "Frame 0 has 2 boxes: the first is used")
    nodes["MattingNodesSegment"].execute(**given, box=[[[37, 12, 135, 110], [0, 0, 20, 20]]])
    assert comfy.server.sent[-1] == ("7", "Frame 0 has 2 boxes: the first is used")
    with pytest.raises(ParameterError, match="left, top, right and bottom"):
        nodes["MattingNodesSegment"].execute(**given, box=[[37, 12, 135]])
    (masks,) = nodes["MattingNodesSegment"].execute(**given, box=[[37, 12, 135, 110]] * 2).args
    assert len(masks) == 2
    told = "2 boxes for one picture: each gives a frame of its own"
    assert comfy.server.sent[-1] == ("7", told)


def test_points_come_as_the_text_of_a_points_editor(nodes):
    image = np.ascontiguousarray(sample_data.lemur()[::4, ::4])
    given = {"image": torch.from_numpy(image)[None], "method": {"method": "grabcut"}}
    node = nodes["MattingNodesSegment"]
    (mask,) = node.execute(**given, foreground_points='[{"x": 85, "y": 50}]').args
    np.testing.assert_array_equal(mask[0], segment(image, foreground_points=[(85, 50)]))
    with pytest.raises(ParameterError, match=r"points are '85, 50'"):
        node.execute(**given, foreground_points="85, 50")


def test_the_host_may_want_half_precision(nodes, comfy, tensors, monkeypatch):
    monkeypatch.setattr(comfy.model_management, "dtype", torch.float16)
    image, trimap = tensors
    (alpha,) = (
        nodes["MattingNodesAlphaMatte"]
        .execute(image=image.half(), trimap=trimap.half(), method=DEFAULT)
        .args
    )
    assert alpha.dtype == torch.float16


def test_compare_gives_numbers_as_text(nodes, tensors):
    alpha, reference = tensors[1], tensors[1] * 0.5
    picture, text = nodes["MattingNodesCompare"].execute(alpha=alpha, reference=reference).args
    table = compare(alpha[0].numpy(), reference[0].numpy()).table
    assert f"SAD {table['SAD']:.6g}" in text.splitlines()
    assert picture.shape == (1, *alpha.shape[1:], 3)


def test_what_a_node_tells_is_in_the_history_too(nodes, tensors):
    output = nodes["MattingNodesCompare"].execute(alpha=tensors[1], reference=tensors[1])
    assert output.ui["text"] == (output.args[1],)


def test_transparency_that_a_video_node_leaves_out_is_told(nodes, comfy, tensors):
    composite_node = nodes["MattingNodesComposite"]
    given = {"image": tensors[0], "alpha": tensors[1], "color": "transparent"}
    takers = {"7": {"class_type": "Composite", "inputs": {}}}
    takers["8"] = {"class_type": "CreateVideo", "inputs": {"images": ["7", 0], "fps": 30}}
    composite_node.hidden.prompt = takers
    composite_node.execute(**given)
    assert "Create Video leaves transparency out" in comfy.server.sent[-1][1]
    takers["8"]["class_type"] = "SaveWEBM"
    composite_node.execute(**given)
    assert comfy.server.sent[-1][1].endswith(" s")


def test_several_remarks_are_all_told(nodes, comfy, tensors):
    image, trimap = tensors
    several = torch.cat([trimap, 0 * trimap, 0 * trimap])
    output = nodes["MattingNodesAlphaMatte"].execute(image=image, trimap=several, method=DEFAULT)
    told = comfy.server.sent[-1][1].splitlines()
    assert [line.partition(" shows")[0] for line in told] == ["Frame 1", "Frame 2"]
    assert output.ui["text"] == tuple(told)


def test_a_trimap_without_unknown_pixels_is_told(nodes, comfy, tensors):
    image, trimap = tensors
    hard = (trimap > 0.5).float()
    (alpha,) = (
        nodes["MattingNodesAlphaMatte"].execute(image=image, trimap=hard, method=DEFAULT).args
    )
    np.testing.assert_array_equal(alpha, hard)
    told = "Nothing in the trimap is unknown: the matte is the trimap itself"
    assert comfy.server.sent[-1] == ("7", told)


def test_a_preview_is_of_one_frame(nodes, tensors):
    mask = (tensors[1] == 1).float()
    output = nodes["MattingNodesMakeTrimap"].execute(
        mask=torch.cat([mask] * 3), method={"method": "band", "inner": 2.0, "outer": 2.0}
    )
    assert len(output.args[0]) == 3
    assert len(output.ui["images"]) == 1


def test_an_unknown_method_is_refused_by_name(nodes, tensors):
    matte = nodes["MattingNodesAlphaMatte"]
    assert matte.validate_inputs(method="closed_form") is True
    assert matte.validate_inputs(method={"method": "closed_form", "epsilon": 1e-7}) is True
    told = matte.validate_inputs(method="band")
    assert "no method 'band': that is a method of Make Trimap" in told
    assert "closed_form" in told
    # A choice that ComfyUI does not know comes as it stands.
    given = {"image": tensors[0], "trimap": tensors[1]}
    with pytest.raises(ParameterError, match="has no method 'clsed_form'"):
        matte.execute(**given, method="clsed_form")
    with pytest.raises(ParameterError, match="method is missing"):
        matte.execute(**given)


def test_texts_are_in_the_words_of_this_host(nodes):
    """Masks are 0..1 here, and there is neither a command line nor an installed package."""
    foreign = re.compile(r"(?<!n / )(?<!of )\b(255|128)\b| --\w|doctor|\[networks\]")
    texts = []
    for node_ in nodes.values():
        schema = node_.define_schema()
        texts.append(schema.description)
        for socket in schema.inputs:
            texts.append(socket.tooltip)
            for option in getattr(socket, "options", []):
                texts += [i.tooltip for i in getattr(option, "inputs", [])]
    assert len(texts) > 100
    assert not [text for text in texts if foreign.search(text or "")]


def test_a_default_is_shown_with_all_its_digits(nodes):
    floats = [
        (i.step, i.default)
        for node_ in nodes.values()
        for socket in node_.define_schema().inputs
        for option in getattr(socket, "options", [])
        for i in getattr(option, "inputs", [])
        if isinstance(i.default, float)
    ]
    assert (0.001, 0.033) in floats
    for step, default in floats:
        assert round(default / step) * step == pytest.approx(default, rel=1e-6), (step, default)


def test_progress_rises_to_the_end(nodes, comfy, tensors):
    comfy.utils.ProgressBar.values.clear()
    nodes["MattingNodesAlphaMatte"].execute(image=tensors[0], trimap=tensors[1], method=DEFAULT)
    values = comfy.utils.ProgressBar.values
    assert values == sorted(values)
    assert values[-1] == 1000
    assert len(values) > 10


def test_an_interrupt_of_the_host_unwinds_to_it(nodes, comfy, tensors, monkeypatch):
    monkeypatch.setattr(comfy.model_management, "interrupted", True)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        nodes["MattingNodesAlphaMatte"].execute(image=tensors[0], trimap=tensors[1], method=DEFAULT)


def test_an_error_names_the_frame_stands_on_the_node_and_shows_no_code(nodes, comfy, tensors):
    image, trimap = tensors
    bad = torch.full_like(trimap, 0.5)
    with pytest.raises(EmptyRegionError, match=r"Frame 1: .* no definite foreground") as caught:
        nodes["MattingNodesAlphaMatte"].execute(
            image=image, trimap=torch.cat([trimap, bad]), method=DEFAULT
        )
    assert comfy.server.sent[-1] == ("7", str(caught.value))
    files = {str(entry.path) for entry in caught.traceback}
    assert not any("frames.py" in file or "running.py" in file for file in files)


def test_a_frame_without_the_object_is_told_on_the_node(nodes, comfy, tensors):
    image, trimap = tensors
    (alpha,) = (
        nodes["MattingNodesAlphaMatte"]
        .execute(image=image, trimap=torch.cat([trimap, 0 * trimap]), method=DEFAULT)
        .args
    )
    assert alpha[0].any()
    assert not alpha[1].any()
    told = "Frame 1 shows no object: the trimap has no definite foreground"
    assert comfy.server.sent[-1] == ("7", told)


def test_grey_pictures_leave_in_three_channels(nodes):
    grey = torch.rand(1, 20, 20, 1)
    alpha = torch.linspace(0, 1, 20).expand(1, 20, 20)
    multilevel = {"method": "multilevel"}
    foreground, _ = (
        nodes["MattingNodesEstimateForeground"]
        .execute(image=grey, alpha=alpha, method=multilevel)
        .args
    )
    assert foreground.shape == (1, 20, 20, 3)


def test_pictures_of_16_bits_and_many_planes_come_in_and_go_out(
    nodes, comfy, tmp_path, monkeypatch
):
    import folder_paths

    monkeypatch.setattr(folder_paths, "BASE", tmp_path)
    (tmp_path / "input").mkdir()
    stack = np.linspace(0, 65535, 4 * 30 * 20).astype(np.uint16).reshape(4, 30, 20)
    tifffile.imwrite(tmp_path / "input/stack.tif", stack, photometric="minisblack")
    load, save = nodes["MattingNodesLoadPicture"], nodes["MattingNodesSavePicture"]
    (file, *_) = load.define_schema().inputs
    assert file.options[0] == "stack.tif"
    assert "lemur.png [sample]" in file.options
    image, alpha, mask = load.execute(image="stack.tif", first=1).args
    assert image.shape == (3, 30, 20, 3)
    assert alpha.min() == 1
    assert mask.max() == 0
    np.testing.assert_array_equal(image[..., 0], (stack[1:] / 65535).astype(np.float32))
    output = save.execute(image=image, filename_prefix="a/b", file_type="png", bits="16")
    assert [saved["filename"] for saved in output.ui["images"]] == [
        f"b_0000{number}_.png" for number in (1, 2, 3)
    ]
    for number in (1, 2, 3):
        np.testing.assert_array_equal(
            read_image(tmp_path / f"output/a/b_0000{number}_.png")[..., 0], stack[number]
        )


def test_a_file_that_is_missing_is_told_before_the_queue_starts(nodes):
    load = nodes["MattingNodesLoadPicture"]
    assert load.validate_inputs(image="lemur.png [sample]") is True
    told = load.validate_inputs(image="absent.png")
    assert "absent.png is not in the folder" in told
    assert "--" not in told  # there is no command line
    assert "lies outside" in load.validate_inputs(image="../../etc/passwd")


def test_a_workflow_from_before_has_its_inputs_renamed(nodes, comfy):
    """The page's Mask Editor looks for `image`, which Load Picture called `file` before."""
    inputs = {"file": "lemur.png [sample]", "first": 0}
    request = {"prompt": {"1": {"class_type": "MattingNodesLoadPicture", "inputs": inputs}}}
    renamed = comfy.server.handler(request)["prompt"]["1"]["inputs"]
    assert renamed == {"image": "lemur.png [sample]", "first": 0}
    for odd in ({}, {"prompt": []}, {"prompt": {"1": None, "2": {"class_type": []}}}):
        assert comfy.server.handler(dict(odd)) == odd


def test_cutout_says_what_each_network_is_and_what_it_downloads(nodes):
    inputs = nodes["MattingNodesCutout"].define_schema().inputs
    told = next(wire.tooltip for wire in inputs if wire.id == "network").splitlines()
    lines = {line.partition(": ")[0]: line for line in told}
    assert "Downloads 444 MB; MIT" in lines["birefnet"]
    assert "Downloads 381 MB; MIT" in lines["ben2"]
    assert set(lines) > set(NETWORKS)


def test_an_id_photo_with_its_sheet_and_verdicts(nodes):
    """A face from a detector's box, as ComfyUI's nodes give it."""
    portrait = torch.full((1, 200, 150, 3), 0.5)
    alpha = torch.zeros((1, 200, 150))
    alpha[:, 20:, 40:110] = 1
    face = {"x": 45, "y": 30, "width": 60, "height": 60}
    photo, sheet, text = (
        nodes["MattingNodesIDPhoto"]
        .execute(image=portrait, alpha=alpha, face=face, document="us_passport")
        .args
    )
    assert photo.shape == (1, 602, 602, 3)
    assert sheet.shape == (1, 1772, 1181, 3)
    assert "head, allowed 49 to 68.6 %: ok" in text


def test_a_part_of_a_clip_is_matted_and_shown(nodes, comfy, tmp_path):
    pytest.importorskip("av")
    from comfy_api.latest import InputImpl

    from matting_nodes.sample_data.clips import lemur_clip
    from matting_nodes.video.reader import Reader

    from ...video.conftest import write_clip

    frames = list(lemur_clip(height=90, width=160).frames(8))
    path = write_clip(tmp_path / "clip.mp4", [frame.picture for frame in frames])
    trimap = torch.from_numpy(frames[2].trimap[None] / np.float32(255))
    # From the third frame on, three frames of a twenty-fifth of a second.
    video = InputImpl.VideoFromFile(str(path), 0.08, 0.12)
    result = nodes["MattingNodesMatteVideo"].execute(video=video, trimap=trimap, color="teal")
    for made in result.args:
        assert len(list(Reader(made.file).frames())) == 3
    ((name, _, folder),) = result.ui.as_dict()["images"]
    assert (folder, Path(result.args[0].file).name) == ("temp", name)
    wrong = video, torch.zeros((1, 5, 5))
    with pytest.raises(SizeMismatchError, match="5 × 5 pixels"):
        nodes["MattingNodesMatteVideo"].execute(video=wrong[0], trimap=wrong[1])
