"""Files for image editors: what an editor reads from them."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from matting_nodes import estimate_foreground, sample_data
from matting_nodes.errors import FileError, ShapeError, SizeMismatchError
from matting_nodes.io.layered import PictureLayer, cutout_layers, write_layers


@pytest.fixture(scope="module")
def lemur():
    """Foreground, alpha, background, and the picture that they make up."""
    cut = np.s_[60:180, 200:360]
    image = sample_data.lemur()[cut]
    alpha = sample_data.lemur_alpha()[cut]
    foreground, background = estimate_foreground(image, alpha)
    return foreground, alpha, background, image


def _png(file, name):
    picture = cv2.imdecode(np.frombuffer(file.read(name), np.uint8), cv2.IMREAD_UNCHANGED)
    order = cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(picture, order)


def test_an_openraster_file_holds_the_cutout_in_straight_colors(lemur, tmp_path):
    foreground, alpha, background, image = lemur
    path = write_layers(tmp_path / "lemur.ora", cutout_layers(foreground, alpha, background))
    with zipfile.ZipFile(path) as file:
        first = file.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert file.read("mimetype") == b"image/openraster"
        stack = ElementTree.fromstring(file.read("stack.xml"))
        assert (stack.get("w"), stack.get("h")) == ("160", "120")
        entries = stack.findall("stack/layer")
        # From the highest to the lowest.
        assert [entry.get("name") for entry in entries] == ["alpha", "foreground", "background"]
        assert [entry.get("visibility") for entry in entries] == ["hidden", "visible", "visible"]
        found = _png(file, entries[1].get("src"))
        np.testing.assert_allclose(found[..., :3] / 255, foreground, atol=0.5 / 255 + 1e-6)
        np.testing.assert_allclose(found[..., 3] / 255, alpha, atol=0.5 / 255 + 1e-6)
        merged = _png(file, "mergedimage.png")
        assert max(_png(file, "Thumbnails/thumbnail.png").shape) <= 256
    # I = αF + (1 − α)B
    assert np.abs(merged[..., :3] / 255 - image).mean() < 0.01
    assert (merged[..., 3] == 255).all()


def test_photoshop_reads_the_same_layers_with_a_mask(lemur, tmp_path):
    psd_tools = pytest.importorskip("psd_tools")
    foreground, alpha, background, image = lemur
    path = write_layers(tmp_path / "lemur.psd", cutout_layers(foreground, alpha, background))
    file = psd_tools.PSDImage.open(path)
    assert [layer.name for layer in file] == ["background", "foreground", "alpha"]
    assert [layer.visible for layer in file] == [True, True, False]
    colors, mask = file[1].numpy("color"), np.asarray(file[1].mask.topil()) / 255
    np.testing.assert_allclose(colors, foreground, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(mask, alpha, atol=0.5 / 255 + 1e-6)
    assert np.abs(np.asarray(file.topil())[..., :3] / 255 - image).mean() < 0.01


def test_visible_layers_are_laid_over_each_other(tmp_path):
    white, black = (np.full((4, 5, 3), value, np.float32) for value in (1, 0))
    layers = [PictureLayer("white", white), PictureLayer("black", black, opacity=0.25)]
    path = write_layers(tmp_path / "a.ora", layers)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as file:
        assert (_png(file, "mergedimage.png")[..., :3] == 191).all()


@pytest.mark.parametrize(
    ("layers", "error", "words"),
    [
        ([], FileError, "no layers"),
        ([PictureLayer("a", np.zeros((2, 3, 4, 5), np.uint8))], ShapeError, "'a' has the shape"),
        ([PictureLayer("a", np.full((3, 4), 300, np.uint16))], FileError, "300 in uint16"),
        ([PictureLayer("a", np.full((3, 4), 2, np.float32))], FileError, "from 2 to 2"),
        (
            [PictureLayer("a", np.zeros((3, 4))), PictureLayer("b", np.zeros((4, 3)))],
            SizeMismatchError,
            "'b' is 3 × 4 pixels, the lowest one 4 × 3",
        ),
    ],
)
@pytest.mark.parametrize("ending", ["ora", "psd"])
def test_what_does_not_fit_is_refused_and_leaves_no_file(layers, error, words, ending, tmp_path):
    with pytest.raises(error, match=words):
        write_layers(tmp_path / f"a.{ending}", layers)
    assert not list(tmp_path.iterdir())


def test_other_endings_and_existing_files_are_refused(lemur, tmp_path):
    layers = cutout_layers(*lemur[:3])
    with pytest.raises(FileError, match=r"\.xcf"):
        write_layers(tmp_path / "a.xcf", layers)
    path = write_layers(tmp_path / "a.ora", layers)
    before = path.read_bytes()
    with pytest.raises(FileError, match="exists"):
        write_layers(path, layers)
    assert path.read_bytes() == before
