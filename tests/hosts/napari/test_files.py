"""Layers saved by napari and opened again: real files, nothing lost on the way."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from matting_nodes import alpha_matte, read_image, sample_data, write_image
from matting_nodes.errors import FileError, MattingError, ValueRangeError
from matting_nodes.hosts import napari as host
from matting_nodes.hosts.napari._trimap import (
    TAG,
    alpha_options,
    is_trimap,
    trimap_options,
    trimap_to_labels,
)

PLUGIN = "matting-nodes"


@pytest.fixture
def save(viewer, tmp_path):
    """Saves one layer and returns its file."""

    def write(layer, name):
        (path,) = layer.save(str(tmp_path / name), plugin=PLUGIN)
        return path

    return write


# Any ending that the reader takes, a writer gives.
@pytest.mark.parametrize("ending", ["png", "tif", "tiff", "ome.tif", "TIF", "PNG"])
def test_a_trimap_is_a_grey_picture_and_comes_back_as_a_trimap(viewer, save, fur, ending):
    labels = trimap_to_labels(fur[1])
    layer = viewer.add_labels(labels, name="fur trimap", **trimap_options())
    path = save(layer, f"fur trimap.{ending}")
    assert set(np.unique(read_image(path))) == {0, 128, 255}
    viewer.layers.clear()
    (again,) = viewer.open(path, plugin=PLUGIN)
    assert is_trimap(again)
    assert again.name.startswith("fur trimap")
    np.testing.assert_array_equal(again.data, labels)


@pytest.mark.parametrize("axes", [(3,), (2, 3), (1, 3)])
def test_a_stack_of_trimaps_comes_back_with_its_axes(viewer, save, fur, axes):
    planes = np.stack([fur[1], fur[1][::-1], fur[1][:, ::-1]] * (axes[0] if axes[1:] else 1))
    labels = trimap_to_labels(planes).reshape(*axes, *fur[1].shape)
    path = save(viewer.add_labels(labels, **trimap_options()), "trimaps.tif")
    viewer.layers.clear()
    (again,) = viewer.open(path, plugin=PLUGIN)
    np.testing.assert_array_equal(again.data, labels)


def test_a_trimap_that_napari_itself_wrote_opens_as_a_trimap(viewer, tmp_path, fur):
    """Which writer comes first is for npe2 to say: labels 0, 1 and 2 in 32 bits are read too."""
    labels = trimap_to_labels(fur[1])
    layer = viewer.add_labels(labels, name="trimap", **trimap_options())
    (path,) = layer.save(str(tmp_path / "trimap.tif"), plugin="napari")
    (again,) = viewer.open(path, plugin=PLUGIN)
    np.testing.assert_array_equal(again.data, labels)


def test_a_trimap_saved_as_a_color_picture_opens_as_a_trimap(viewer, tmp_path, fur):
    write_image(tmp_path / "trimap.png", np.repeat(fur[1][..., None], 3, axis=2))
    (again,) = viewer.open(str(tmp_path / "trimap.png"), plugin=PLUGIN)
    np.testing.assert_array_equal(again.data, trimap_to_labels(fur[1]))


def test_a_label_that_no_trimap_has_is_not_saved(viewer, tmp_path):
    labels = np.int8([[0, 1, 2, -1]])
    layer = viewer.add_labels(labels, name="painted", **trimap_options())
    with pytest.raises(ValueRangeError, match="painted holds the label -1"):
        layer.save(str(tmp_path / "trimap.png"), plugin=PLUGIN)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("ending", "step"), [("png", 2**-16), ("tif", 0)])
def test_an_alpha_keeps_more_than_eight_bits(viewer, save, ending, step):
    alpha = sample_data.lemur_alpha()[:60, :80] * np.float32(0.999)
    path = save(viewer.add_image(alpha, name="alpha", **alpha_options()), f"alpha.{ending}")
    saved = read_image(path)
    values = saved / np.iinfo(saved.dtype).max if saved.dtype.kind == "u" else saved
    assert np.abs(values - alpha).max() <= step


def test_a_stack_of_mattes_keeps_all_its_axes(viewer, save, fur):
    """Time and depth, as they were; a transparent picture keeps its alpha, straight."""
    alphas = np.stack([fur[1] / np.float32(255)] * 6).reshape(2, 3, *fur[1].shape)
    path = save(viewer.add_image(alphas, name="alpha", **alpha_options()), "alpha.tif")
    np.testing.assert_array_equal(tifffile.imread(path), alphas)
    cutouts = np.concatenate([np.stack([fur[0]] * 6), alphas.reshape(6, *fur[1].shape, 1)], axis=3)
    cutouts = cutouts.reshape(2, 3, *cutouts.shape[1:]).astype(np.float32)
    ours = {"metadata": {TAG: {"kind": "image"}}}
    path = save(viewer.add_image(cutouts, name="cutout", rgb=True, **ours), "cutout.tif")
    np.testing.assert_array_equal(tifffile.imread(path), cutouts)
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)


def test_a_result_in_its_own_numbers_keeps_them(viewer, save):
    counts = np.linspace(100, 352, 12 * 14, dtype=np.float32).reshape(12, 14)
    ours = {"metadata": {TAG: {"kind": "image"}}}
    layer = viewer.add_image(counts, name="composite", **ours)
    np.testing.assert_array_equal(read_image(save(layer, "composite.tif")), counts)
    np.testing.assert_array_equal(read_image(save(layer, "composite.png")), np.floor(counts + 0.5))
    layer.data = np.where(counts > 300, np.nan, counts)
    with pytest.raises(ValueRangeError, match="NaN"):
        save(layer, "holes.png")


def test_a_mask_of_ours_is_black_and_white(viewer, save):
    mask = np.zeros((30, 40), np.uint8)
    mask[5:20, 5:20] = 1
    layer = viewer.add_labels(mask, name="mask", metadata={TAG: {"kind": "mask"}})
    np.testing.assert_array_equal(read_image(save(layer, "mask.png")), mask * 255)
    # What else was painted into it keeps its number.
    layer.data[25:, 25:] = 7
    np.testing.assert_array_equal(tifffile.imread(save(layer, "mask.tif")), layer.data)


def ramp(dtype, *shape):
    """Values that differ from plane to plane, over all of a type's range."""
    if np.dtype(dtype).kind == "f":
        return (np.linspace(-3, 700, np.prod(shape)) ** 2).reshape(shape).astype(dtype)
    ends = np.iinfo(dtype)
    return np.linspace(ends.min, ends.max, np.prod(shape)).reshape(shape).astype(dtype)


COUNTS = ramp(np.uint16, 2, 3, 12, 14) // 200
IMAGES = [
    (COUNTS[0, 0], ["tif", "tiff", "ome.tif", "TIF", "png", "npz"]),
    (COUNTS, ["tif", "png"]),
    (ramp(np.int16, 12, 14), ["tif", "png"]),
    (ramp(np.float32, 3, 12, 14), ["tif", "png"]),
    (ramp(np.float64, 12, 14), ["tif"]),
    (ramp(np.uint8, 12, 14, 3), ["tif", "png"]),
    (ramp(np.uint8, 3, 12, 14, 4), ["tif"]),
    (np.linspace(0, 1, 168, dtype=np.float32).reshape(12, 14), ["tif", "png"]),
    ([COUNTS[0, 0], COUNTS[0, 0, ::2, ::2]], ["tif"]),
]
LABELS = np.arange(2 * 3 * 12 * 14, dtype=np.int64).reshape(2, 3, 12, 14) % 9


def test_a_strangers_image_is_saved_as_without_this_plugin(viewer, tmp_path):
    for number, (data, endings) in enumerate(IMAGES):
        folder = tmp_path / str(number)
        folder.mkdir()
        check_saved_alike(viewer.add_image(data, name="counts"), folder, endings)


def test_a_strangers_labels_are_saved_as_without_this_plugin(viewer, tmp_path):
    for number, data in enumerate([LABELS, LABELS[0, 0].astype(np.uint8), LABELS[0, 0] // 8 * 7]):
        folder = tmp_path / str(number)
        folder.mkdir()
        layer = viewer.add_labels(data, name="cells")
        check_saved_alike(layer, folder, ["tif", "tiff", "TIF", "pgm"])
        with pytest.raises(FileError, match=r"cells.* is no trimap or mask of this plugin"):
            layer.save(str(folder / "cells.png"), plugin=PLUGIN)
        assert not list(folder.glob("cells*"))


def check_saved_alike(layer, folder, endings):
    """Check that our writers hand on what is not ours: asked first, by name, or not at all."""
    for ending in endings:
        expected = saved(layer, folder / f"napari.{ending}", plugin="napari")
        assert saved(layer, folder / f"with.{ending}") == expected
        if ending not in ("npz", "pgm"):
            assert saved(layer, folder / f"asked.{ending}", plugin=PLUGIN) == expected


def saved(layer, path, plugin=None):
    """Return what is in the files that a layer is saved as, or the type of the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            paths = layer.save(str(path), plugin=plugin)
        except Exception as error:
            return type(error)
    return [contents(Path(one)) for one in paths if Path(one).exists()]


def contents(path):
    if path.suffix != ".tif" and path.suffix != ".tiff":
        return path.read_bytes()
    with tifffile.TiffFile(path) as file:
        pages = [(page.dtype, page.photometric, page.extrasamples) for page in file.pages]
        values = file.asarray()
        return pages, values.dtype, values.shape, values.tobytes()


def test_a_stack_is_no_png(viewer, tmp_path):
    layer = viewer.add_image(np.zeros((3, 9, 9), np.float32), name="stack", **alpha_options())
    with pytest.raises(MattingError, match=r"3 frames for stack\.png"):
        layer.save(str(tmp_path / "stack.png"), plugin=PLUGIN)
    assert not list(tmp_path.iterdir())


def test_a_tiff_brings_scale_units_and_provenance_back(viewer, save):
    """What was measured in micrometers still is, for other programs too."""
    alphas = np.stack([sample_data.lemur_alpha()[:60, :80]] * 2)
    options = alpha_options(node="alpha_matte", base="lemur", parameters={"method": "guided"})
    units, names = ("second", "micrometer", "micrometer"), ("t", "y", "x")
    place = {"scale": (2, 0.25, 0.5), "translate": (0, 3, -7), "units": units}
    layer = viewer.add_image(alphas, name="alpha", **options, **place, axis_labels=names)
    made = layer.metadata[TAG]
    path = save(layer, "lemur alpha.tif")
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        per_centimeter = [tags[name].value for name in ("XResolution", "YResolution")]
        assert [n / d for n, d in per_centimeter] == [20_000, 40_000]
        assert tags["ResolutionUnit"].value == 3
    viewer.layers.clear()
    (again,) = viewer.open(path, plugin=PLUGIN)
    assert again.metadata[TAG] == made
    np.testing.assert_array_equal(again.data, alphas)
    np.testing.assert_array_equal(again.scale, place["scale"])
    np.testing.assert_array_equal(again.translate, place["translate"])
    assert [str(unit) for unit in again.units] == list(units)
    assert again.axis_labels == names
    assert again.contrast_limits == [0, 1]


def test_a_transform_of_any_kind_and_colors_come_back(viewer, save, fur):
    cutout = np.dstack([fur[0], fur[1] / np.float32(255)]).astype(np.float32)
    affine = np.array([[0.8, 0.1, 4], [-0.2, 1.1, 5], [0, 0, 1]])
    ours = {"metadata": {TAG: {"kind": "image", "output": "cutout"}}}
    place = {"rotate": 30, "shear": [0.5], "affine": affine}
    layer = viewer.add_image(cutout, name="cutout", rgb=True, **ours, **place)
    (again,) = viewer.open(save(layer, "fur cutout.tiff"), plugin=PLUGIN)
    assert again.rgb
    np.testing.assert_array_equal(again.data, cutout)
    corners = np.array([[0, 0], [0, 9], [7, 3]])
    for corner in corners:
        there, before = again.data_to_world(corner), layer.data_to_world(corner)
        np.testing.assert_allclose(there, before)


def test_a_mask_comes_back_as_labels(viewer, save):
    mask = np.zeros((30, 40), np.uint8)
    mask[5:20, 5:20] = 1
    ours = {"metadata": {TAG: {"kind": "mask"}}}
    layer = viewer.add_labels(mask, name="mask", scale=(3, 3), **ours)
    (again,) = viewer.open(save(layer, "cell mask.tif"), plugin=PLUGIN)
    np.testing.assert_array_equal(again.data, mask)
    assert (again.scale == 3).all()


@pytest.mark.parametrize("painted", [False, True])
def test_a_saved_trimap_tells_that_it_was_painted_over(viewer, dock, finish, save, painted):
    viewer.add_image(sample_data.lemur()[::2, ::2], name="lemur", rgb=True, scale=(2, 2))
    mask = (sample_data.lemur_alpha()[::2, ::2] > 0.5).astype(np.uint8)
    viewer.add_labels(mask, name="mask", scale=(2, 2))
    assert finish(dock("Make Trimap")) == ""
    trimap = viewer.layers["mask trimap"]
    if painted:
        trimap.paint((20, 30), 2)
    path = save(trimap, "lemur trimap.tif")
    viewer.layers.clear()
    (again,) = viewer.open(path, plugin=PLUGIN)
    made = again.metadata[TAG]
    assert made["node"] == "make_trimap"
    assert made.get("edited") == ("painted over after Make Trimap" if painted else None)
    assert (again.scale == 2).all()


def test_a_strangers_file_with_such_a_name_is_left_to_other_readers(viewer, tmp_path):
    import npe2

    path = str(tmp_path / "alpha.tif")
    counts = np.arange(168, dtype=np.uint16).reshape(12, 14)
    tifffile.imwrite(path, counts)
    assert host.read_result(path) is None
    ((data, *_),) = npe2.read([path], stack=False)
    np.testing.assert_array_equal(data, counts)
    # So is one that is no TIFF, or says strange things of itself.
    (tmp_path / "mask.tif").write_bytes(b"II*\0no picture")
    assert host.read_result(str(tmp_path / "mask.tif")) is None
    tifffile.imwrite(path, counts, metadata={TAG: ["tag", 5]})
    assert host.read_result(path) is None


def test_selected_layers_are_saved_as_those_of_an_image_editor(viewer, tmp_path, fur):
    image, trimap = fur
    alpha = alpha_matte(image, trimap)
    viewer.add_image(image, name="fur")
    viewer.add_labels(trimap_to_labels(trimap), name="fur trimap", **trimap_options())
    viewer.add_image(alpha, name="fur alpha", **alpha_options())
    (path,) = viewer.layers.save(str(tmp_path / "fur.ora"), plugin=PLUGIN)
    with zipfile.ZipFile(path) as file:
        stack = ElementTree.fromstring(file.read("stack.xml"))
        entries = stack.findall("stack/layer")
        assert [(e.get("name"), e.get("visibility")) for e in entries] == [
            ("fur alpha", "hidden"),
            ("fur trimap", "hidden"),
            ("fur", "visible"),
        ]
        (tmp_path / "trimap.png").write_bytes(file.read(entries[1].get("src")))
        (tmp_path / "picture.png").write_bytes(file.read(entries[2].get("src")))
    found = trimap_to_labels(read_image(tmp_path / "trimap.png")[..., 0])
    np.testing.assert_array_equal(found, trimap_to_labels(trimap))
    found = read_image(tmp_path / "picture.png")[..., :3] / 255
    np.testing.assert_allclose(found, image, atol=0.5 / 255 + 1e-6)


def test_layers_that_lie_elsewhere_are_not_saved_as_one_picture(viewer, tmp_path, fur):
    viewer.add_image(fur[0], name="fur")
    viewer.add_image(fur[0], name="moved", translate=(0, 3))
    with pytest.raises(FileError, match="moved lies elsewhere than fur: their translate differ"):
        viewer.layers.save(str(tmp_path / "fur.ora"), plugin=PLUGIN)
    assert not list(tmp_path.glob("*.ora"))
