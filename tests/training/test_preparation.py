from __future__ import annotations

import shutil

import numpy as np
import pytest

from matting_nodes import read_image
from matting_nodes.arrays import Kind
from matting_nodes.errors import FileError
from matting_nodes.io import images
from matting_nodes.training.layouts import DataFolders, find_samples, pictures_in
from matting_nodes.training.preparation import Preparation, prepare, random_crop, squared


@pytest.fixture
def samples(stars):
    return find_samples(stars, "composition1k", DataFolders(composites=2)).samples[:4]


@pytest.fixture
def people(tmp_path, lemur):
    """Cut-outs as human matting data has them: a photo, and its RGBA cut-out."""
    alpha = np.zeros(lemur.shape[:2], np.float32)
    alpha[100:300, 200:400] = 1
    alpha[100:300, 400:403] = (0.75, 0.5, 0.15)
    for part, picture in (("clip_img", lemur), ("matting", np.dstack([lemur, alpha]))):
        folder = tmp_path / part / "1" / f"{'clip' if part == 'clip_img' else 'matting'}_0"
        folder.mkdir(parents=True)
        images.write_image(folder / "x.png", picture)
    return tmp_path


def test_composites_can_be_stored_and_found_again(samples, tmp_path):
    assert not list(prepare(samples, tmp_path / "new", Preparation()))
    again = find_samples(tmp_path / "new")
    assert [sample.name for sample in again.samples] == [sample.name for sample in samples]
    for before, after in zip(samples, again.samples, strict=True):
        np.testing.assert_allclose(after.read_image(), before.read_image(), atol=0.5 / 255 + 1e-6)
        np.testing.assert_array_equal(after.read_alpha(), before.read_alpha())


def test_a_cutout_gives_alpha_and_trimap(people, tmp_path):
    found = find_samples(people, "aifenge")
    assert not list(prepare(found.samples, tmp_path / "out", Preparation(threshold=50, width=11)))
    (sample,) = find_samples(tmp_path / "out").samples
    assert sample.name == "1/clip_0/x"
    row, trimap = sample.read_alpha()[200, 395:412], sample.read_trimap()[200, 395:412]
    np.testing.assert_allclose(row[5:8], (0.75, 0.5, 0.15), atol=0.5 / 255)
    # 0.75 and 0.5 are above 50 of 255, 0.15 is not: the edge lies after column 401.
    assert list(trimap) == [255, 255] + [128] * 10 + [0] * 5


def test_the_fixed_size_recipe_pads_resizes_and_changes_what_lies_behind(people, stars, tmp_path):
    found = find_samples(people, "aifenge")
    behind = pictures_in(stars / "bg")
    results = []
    for folder in ("one", "two"):
        preparation = Preparation(size=320, backgrounds=behind, seed=3)
        assert not list(prepare(found.samples, tmp_path / folder, preparation))
        results.append(read_image(tmp_path / folder / "img" / "1" / "clip_0" / "x.png"))
    assert results[0].shape == (320, 320, 3)
    np.testing.assert_array_equal(*results)
    (sample,) = find_samples(tmp_path / "one").samples
    assert sample.read_alpha()[:50].max() == 0
    # Where nothing of the object is, a photo lies, not the padding.
    assert sample.read_image()[:50].std() > 0.05


def test_squares_keep_proportions():
    tall = np.ones((40, 20), np.float32)
    small = squared(tall, 20, "smooth")
    np.testing.assert_array_equal(small, np.pad(np.ones((20, 10)), ((0, 0), (5, 5))))


def test_crops_come_from_anywhere_in_the_picture():
    ramp = np.tile(np.arange(100, dtype=np.float32)[:, None, None] / 100, (1, 30, 3))
    tops = {float(random_crop(ramp, 20, 20, np.random.default_rng(i))[0, 0, 0]) for i in range(30)}
    assert min(tops) < 0.15
    assert max(tops) > 0.65
    assert random_crop(ramp[:10, :10], 20, 30, np.random.default_rng(0)).shape == (20, 30, 3)


def test_broken_files_are_told_and_the_index_lists_the_rest(samples, stars, tmp_path):
    shutil.copytree(stars, tmp_path / "data")
    broken = tmp_path / "data" / "fg" / "star00.png"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    found = find_samples(tmp_path / "data", "composition1k", DataFolders(composites=1))
    problems = list(prepare(found.samples[:3], tmp_path / "out", Preparation()))
    assert len(problems) == 1
    assert "star00.png cannot be read" in problems[0]
    assert (tmp_path / "out" / "index.txt").read_text().split() == ["star01_0", "star02_0"]
    with pytest.raises(FileError, match="is not written over"):
        list(prepare(found.samples, tmp_path / "out", Preparation()))


def test_alphas_keep_16_bits(samples, tmp_path):
    list(prepare(samples[:1], tmp_path / "new", Preparation()))
    (sample,) = find_samples(tmp_path / "new").samples
    assert images.read(sample.alpha, Kind.ALPHA).dtype == np.uint16
