"""The runner without a host gives the pixels of the real ComfyUI, bit for bit."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from matting_nodes import sample_data
from matting_nodes.graph import Folders, Graph, evaluate
from matting_nodes.io.stacks import read_stack
from matting_nodes.video.reader import Reader

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
# Orientations in EXIF: upside down, and on either side.
TURNED = (3, 6, 8)


def photo(size=(333, 221)):
    """Odd sides, so that subsampled colors and padded rows show."""
    with Image.open(sample_data.FOLDER / "lemur.png") as lemur:
        return lemur.convert("RGB").crop((100, 40, 100 + size[0], 40 + size[1]))


def translucent(picture):
    picture = picture.copy()
    picture.putalpha(picture.convert("L"))
    return picture


def write_pictures(folder):
    """Write a picture in every form that people have them in."""
    odd, even = photo(), photo((320, 224))
    see_through = translucent(odd)
    for name, picture, options in (
        ("rgb.png", odd, {}),
        ("rgba.png", see_through, {}),
        ("grey.png", odd.convert("L"), {}),
        ("grey_even.png", even.convert("L"), {}),
        ("grey_alpha.png", see_through.convert("LA"), {}),
        ("palette.png", odd.convert("P"), {}),
        ("clear_palette.png", odd.convert("P"), {"transparency": 3}),
        ("bits.png", odd.convert("1"), {}),
        ("420.jpg", odd, {"quality": 90}),
        ("422.jpg", odd, {"subsampling": 1}),
        ("444.jpg", even, {"subsampling": 0}),
        ("grey.jpg", odd.convert("L"), {}),
        ("progressive.jpg", even, {"progressive": True}),
        ("cmyk.jpg", odd.convert("CMYK"), {}),
        ("bitmap.bmp", odd, {}),
        ("lossy.webp", odd, {}),
        ("lossless.webp", see_through, {"lossless": True}),
        ("colors.tif", odd, {}),
        ("moving.gif", odd, {"save_all": True, "append_images": [odd.rotate(180)]}),
        ("moving.webp", odd, {"save_all": True, "append_images": [odd.rotate(180)]}),
    ):
        picture.save(folder / name, **options)
    for turn in TURNED:
        exif = Image.Exif()
        exif[0x112] = turn
        odd.save(folder / f"turned_{turn}.jpg", exif=exif)
    deep = np.asarray(odd).astype(np.uint16) * 257 ^ 0x55
    cv2.imwrite(str(folder / "deep.png"), deep)
    cv2.imwrite(str(folder / "deep_grey.png"), deep[..., 0])
    tifffile.imwrite(folder / "deep.tif", deep, photometric="rgb")
    stack = np.stack([deep[..., 0], deep[..., 1], deep[..., 2], deep[::-1, :, 0]])
    tifffile.imwrite(folder / "stack.tif", stack, photometric="minisblack")
    (folder / "sequence").mkdir()
    for number in range(3):
        photo((64 + number, 48)).crop((number, 0, number + 60, 48)).save(
            folder / f"sequence/{number}.png"
        )


@pytest.fixture(scope="module")
def folder(server):
    write_pictures(server.base / "input")
    return server.base / "input"


@pytest.fixture
def saved_by_both(server, folder, tmp_path):
    """Runs a graph in ComfyUI and without it; returns both results as float pictures."""

    def run(graph, *wires):
        """Save what these wires carry in 32 bits, so that the last bit counts."""
        for number, (wire, kind) in enumerate(wires):
            graph[f"save{number}"] = {
                "class_type": "MattingNodesSavePicture",
                "inputs": {
                    kind: wire,
                    "filename_prefix": f"{tmp_path.name}_{number}",
                    "file_type": "tiff",
                    "bits": "32",
                },
            }
        history = server.run(graph)
        assert history["status"]["status_str"] == "success", history["status"]
        outcomes = evaluate(Graph.from_json(graph), Folders(folder, tmp_path))
        assert len(outcomes) == len(wires)
        for outcome in outcomes:
            for path in outcome.files:
                (theirs,) = read_stack(server.base / "output" / path.name)
                (mine,) = read_stack(path)
                yield theirs, mine

    return run


FILES = [
    "rgb.png",
    "rgba.png",
    "grey.png",
    "grey_even.png",
    "grey_alpha.png",
    "palette.png",
    "clear_palette.png",
    "bits.png",
    "420.jpg",
    "422.jpg",
    "444.jpg",
    "grey.jpg",
    "progressive.jpg",
    "cmyk.jpg",
    "bitmap.bmp",
    "lossy.webp",
    "lossless.webp",
    "colors.tif",
    "moving.gif",
    "moving.webp",
    "turned_3.jpg",
    "turned_6.jpg",
    "turned_8.jpg",
    "deep.png",
    "deep_grey.png",
    "deep.tif",
]


@pytest.mark.parametrize("name", FILES)
def test_a_picture_is_decoded_alike(saved_by_both, name):
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "2": {"class_type": "LoadImageMask", "inputs": {"image": name, "channel": "blue"}},
    }
    pairs = list(
        saved_by_both(graph, (["1", 0], "image"), (["1", 1], "alpha"), (["2", 0], "alpha"))
    )
    assert len(pairs) == (6 if name.startswith("moving") else 3)
    for theirs, mine in pairs:
        np.testing.assert_array_equal(mine, theirs)


NODES = {
    **{
        f"scale {kernel} {crop} {size}": (
            "ImageScale",
            {"upscale_method": kernel, "crop": crop, "width": size[0], "height": size[1]},
            "image",
        )
        for kernel, crop, size in itertools.product(
            ("nearest-exact", "bilinear", "area", "bicubic", "lanczos"),
            ("disabled", "center"),
            ((100, 150), (500, 0)),
        )
    },
    "by lanczos": ("ImageScaleBy", {"upscale_method": "lanczos", "scale_by": 0.37}, "image"),
    "by bicubic": ("ImageScaleBy", {"upscale_method": "bicubic", "scale_by": 1.7}, "image"),
    "negative": ("ImageInvert", {}, "image"),
    "repeat": ("RepeatImageBatch", {"amount": 3}, "image"),
    "from batch": ("ImageFromBatch", {"batch_index": -1, "length": 9}, "image"),
}


@pytest.mark.parametrize("case", NODES, ids=lambda case: case.replace(" ", "-"))
def test_a_node_on_pictures_computes_alike(saved_by_both, case):
    class_type, settings, kind = NODES[case]
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "420.jpg"}},
        "2": {"class_type": class_type, "inputs": {"image": ["1", 0], **settings}},
    }
    for theirs, mine in saved_by_both(graph, (["2", 0], kind)):
        np.testing.assert_array_equal(mine, theirs)


def test_nodes_on_masks_compute_alike(saved_by_both):
    """One graph of all of them: every result is saved."""
    here, other = {"mask": ["1", 1]}, {"destination": ["1", 1], "source": ["2", 0]}
    edges = {"left": 50, "top": 20, "right": 7, "bottom": 500}
    cut = {"x": 10, "y": 20, "width": 50, "height": 60}
    shapes = {
        "invert": ("InvertMask", here),
        "threshold": ("ThresholdMask", here | {"value": 0.3}),
        "crop": ("CropMask", here | cut),
        "grow": ("GrowMask", here | {"expand": 4, "tapered_corners": True}),
        "shrink": ("GrowMask", here | {"expand": -3, "tapered_corners": False}),
        "feather": ("FeatherMask", here | edges),
        **{
            how: ("MaskComposite", other | {"x": 100, "y": 150, "operation": how})
            for how in ("multiply", "add", "subtract", "and", "or", "xor")
        },
    }
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "rgba.png"}},
        "2": {"class_type": "SolidMask", "inputs": {"value": 0.6, "width": 300, "height": 40}},
    }
    for name, (class_type, inputs) in shapes.items():
        graph[name] = {"class_type": class_type, "inputs": inputs}
    pairs = list(saved_by_both(graph, *(([name, 0], "alpha") for name in shapes)))
    assert len(pairs) == len(shapes)
    for (theirs, mine), name in zip(pairs, shapes, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=name)


def test_transparency_is_joined_and_split_alike(saved_by_both):
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "rgba.png"}},
        "2": {"class_type": "LoadImage", "inputs": {"image": "444.jpg"}},
        "3": {"class_type": "ImageBatch", "inputs": {"image1": ["1", 0], "image2": ["2", 0]}},
        # A mask of another size, one for the two pictures.
        "4": {"class_type": "SolidMask", "inputs": {"value": 0.3, "width": 9, "height": 5}},
        "5": {
            "class_type": "FeatherMask",
            "inputs": {"mask": ["4", 0], **dict.fromkeys(("left", "top", "right", "bottom"), 2)},
        },
        "6": {"class_type": "JoinImageWithAlpha", "inputs": {"image": ["3", 0], "alpha": ["5", 0]}},
        "7": {"class_type": "SplitImageWithAlpha", "inputs": {"image": ["6", 0]}},
        "8": {"class_type": "SplitImageWithAlpha", "inputs": {"image": ["2", 0]}},
        "9": {"class_type": "ImageToMask", "inputs": {"image": ["6", 0], "channel": "alpha"}},
        "10": {"class_type": "MaskToImage", "inputs": {"mask": ["9", 0]}},
        "11": {
            "class_type": "EmptyImage",
            "inputs": {"width": 20, "height": 10, "batch_size": 2, "color": 0x2040FF},
        },
        "12": {"class_type": "ImageBatch", "inputs": {"image1": ["11", 0], "image2": ["6", 0]}},
    }
    pictures = ("3", "6", "7", "10", "11", "12")
    wires = [([node, 0], "image") for node in pictures]
    wires += [(["7", 1], "alpha"), (["8", 1], "alpha"), (["9", 0], "alpha")]
    pairs = list(saved_by_both(graph, *wires))
    assert len(pairs) == 2 + 2 + 2 + 2 + 2 + 4 + 2 + 1 + 2
    for theirs, mine in pairs:
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"image": "deep.png"}, 1),
        ({"image": "deep.tif", "channel": 2}, 1),
        ({"image": "stack.tif", "first": 1, "count": 2, "stretch": True}, 2),
        ({"image": "sequence"}, 3),
        ({"image": "lemur.png [sample]"}, 1),
        ({"image": "cell.png [sample]"}, 1),
    ],
)
def test_load_picture_loads_alike(saved_by_both, settings, count):
    graph = {"1": {"class_type": "MattingNodesLoadPicture", "inputs": settings}}
    pairs = list(saved_by_both(graph, (["1", 0], "image"), (["1", 1], "alpha")))
    assert len(pairs) == 2 * count
    for theirs, mine in pairs:
        np.testing.assert_array_equal(mine, theirs)


def test_save_image_saves_alike(server, folder, tmp_path):
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "420.jpg"}},
        "2": {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": "alike/%width%x%height%_%batch_num%"},
        },
    }
    (theirs,) = server.run(graph)["outputs"]["2"]["images"]
    ((mine,),) = [o.files for o in evaluate(Graph.from_json(graph), Folders(folder, tmp_path))]
    assert mine.relative_to(tmp_path).as_posix() == f"{theirs['subfolder']}/{theirs['filename']}"
    np.testing.assert_array_equal(read_stack(mine)[0], server.picture(theirs))
    # The workflow is inside either, and the runner reads it from there.
    saved = server.base / "output" / theirs["subfolder"] / theirs["filename"]
    assert Graph.read(mine) == Graph.read(saved) == Graph.from_json(graph)


WORKFLOWS = sorted(path.stem for path in (ROOT / "examples/api").glob("*.json"))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_an_example_gives_the_same_pixels(server, example, tmp_path, name):
    graph, folder = example(name), server.base / "output"
    before = set(folder.rglob("*.*"))
    history = server.run(graph.to_json())
    assert history["status"]["status_str"] == "success", history["status"]
    theirs = sorted(set(folder.rglob("*.*")) - before)
    evaluate(graph, Folders(tmp_path, tmp_path))
    mine = sorted(tmp_path.rglob("*.*"))
    assert len(mine) == len(theirs) > 0
    for their_file, my_file in zip(theirs, mine, strict=True):
        assert prefix(their_file.relative_to(folder)) == prefix(my_file.relative_to(tmp_path))
        pairs = zip(frames_of(their_file), frames_of(my_file), strict=True)
        for their_frame, my_frame in pairs:
            if my_file.suffix == ".mp4":
                # Create Video's encoder has settings of its own.
                assert np.abs(my_frame.astype(float) - their_frame).mean() < 3
            else:
                np.testing.assert_array_equal(my_frame, their_frame)


def frames_of(path):
    if path.suffix == ".mp4":
        return [frame.picture for frame in Reader(path).frames()]
    return read_stack(path)


def prefix(path):
    """Return a saved file's name without its number: other runs have counted too."""
    return re.sub(r"_\d+_", "", path.as_posix())
