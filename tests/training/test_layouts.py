from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from matting_nodes.arrays import Kind, unit_range
from matting_nodes.errors import FileError, ParameterError
from matting_nodes.io import images
from matting_nodes.training.layouts import DataFolders, find_samples


def picture(path, size=(8, 6), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 100).save(path)
    return path


@pytest.fixture
def three(tmp_path):
    for name in ("a", "b", "c"):
        picture(tmp_path / "input" / f"{name}.jpg")
        for part in ("trimap1", "gt"):
            picture(tmp_path / part / f"{name}.png", mode="L")
    return tmp_path


@pytest.mark.parametrize("layout", ["folders", "alphamatting"])
def test_pictures_trimaps_and_alphas_of_one_name_belong_together(three, layout):
    found = find_samples(three, layout)
    assert [sample.name for sample in found.samples] == ["a", "b", "c"]
    first = found.samples[0]
    assert first.image == three / "input" / "a.jpg"
    assert first.trimap == three / "trimap1" / "a.png"
    assert first.alpha == three / "gt" / "a.png"
    assert not found.problems


def test_what_cannot_be_used_is_named_and_left_out(three):
    (three / "trimap1" / "a.png").unlink()
    (three / "input" / "b.jpg").write_bytes(b"not a picture")
    picture(three / "gt" / "c.png", size=(9, 6), mode="L")
    picture(three / "input" / "d.jpg")
    for part in ("trimap1", "gt"):
        picture(three / part / "d.png", mode="L")
    found = find_samples(three)
    assert [sample.name for sample in found.samples] == ["d"]
    problems = {line.partition(":")[0]: line for line in found.problems}
    assert "no trimap of that name" in problems["a"]
    assert "b.jpg cannot be opened" in problems["b"]
    assert "c.jpg is not of the size" in problems["c"]


def test_nothing_usable_is_an_error_that_says_why(three):
    shutil.rmtree(three / "gt")
    with pytest.raises(FileError, match="no folder alpha or"):
        find_samples(three)
    (three / "gt").mkdir()
    with pytest.raises(FileError, match="a: no alpha"):
        find_samples(three)
    with pytest.raises(ParameterError, match="There is no layout 'coco'"):
        find_samples(three, "coco")


def test_folders_with_names_of_their_own_are_named(three):
    (three / "gt").rename(three / "mattes")
    found = find_samples(three, at=DataFolders(alphas="mattes", trimaps=str(three / "trimap1")))
    assert found.samples[1].alpha == three / "mattes" / "b.png"


def test_an_index_says_which_count(three):
    (three / "index.txt").write_text("c\nz\n")
    found = find_samples(three)
    assert [sample.name for sample in found.samples] == ["c"]
    assert found.problems == ("z: no alpha and no image and no trimap of that name",)


def test_a_photo_that_is_stored_on_its_side_fits_its_alpha(three):
    """EXIF says it is to be turned: it is 6 × 8 where it is shown."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a", "b", "c"):
        Image.new("RGB", (6, 8)).save(three / "input" / f"{name}.jpg", exif=exif)
    assert len(find_samples(three).samples) == 3


def test_float_tiffs_fit_too(stars, tmp_path):
    for part in ("fg", "alpha"):
        (tmp_path / part).mkdir()
        values = images.read_image(stars / part / "star00.png")
        images.write_image(tmp_path / part / "star00.tif", unit_range(values, part))
    (sample,) = find_samples(tmp_path).samples
    assert sample.read_colors().dtype == np.float32


def test_cutouts_of_human_matting_data_are_found_across_its_folders(tmp_path):
    name = "1803151818/{}_00000000/1803151818-00000003"
    picture(tmp_path / "clip_img" / f"{name.format('clip')}.jpg")
    cutout = picture(tmp_path / "matting" / f"{name.format('matting')}.png", mode="RGBA")
    picture(tmp_path / "matting" / "1803151818/matting_00000000/._x.png", mode="RGBA")
    found = find_samples(tmp_path, "aifenge")
    assert [sample.alpha for sample in found.samples] == [cutout]
    assert len(found.problems) == 1


def test_each_foreground_meets_backgrounds_of_its_own(stars, tmp_path):
    """In the order of the lists; after the last background the first comes again."""
    shutil.copytree(stars, tmp_path, dirs_exist_ok=True)
    (tmp_path / "test_fg_names.txt").write_text("star03.png\nstar01.png\n")
    (tmp_path / "test_bg_names.txt").write_text("rocket.png\ncoffee.png\nastronaut.png\n")
    found = find_samples(tmp_path, "composition1k", DataFolders(composites=2))
    assert [(sample.name, sample.background.stem) for sample in found.samples] == [
        ("star03_0", "rocket"),
        ("star03_1", "coffee"),
        ("star01_0", "astronaut"),
        ("star01_1", "rocket"),
    ]


def test_a_composite_is_the_mix_of_its_parts(stars):
    sample = find_samples(stars, "composition1k", DataFolders(composites=1)).samples[0]
    colors = images.read(sample.foreground, Kind.IMAGE) / 255
    behind = images.read(sample.background, Kind.IMAGE)[:128, :128] / 255
    alpha = images.read(sample.alpha, Kind.ALPHA)[..., None] / 65535
    expected = alpha * colors + (1 - alpha) * behind
    np.testing.assert_allclose(sample.read_image(), expected, atol=1e-6)
