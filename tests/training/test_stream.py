from __future__ import annotations

import multiprocessing
import shutil
from itertools import islice

import numpy as np
import pytest
import torch

from matting_nodes import sample_data as bundled
from matting_nodes.arrays import Kind
from matting_nodes.errors import FileError
from matting_nodes.io import images
from matting_nodes.models.inputs import grey_trimap, normalized
from matting_nodes.training._stream import SampleDataset, Stream, loader
from matting_nodes.training.layouts import DataFolders, find_samples, pictures_in
from matting_nodes.training.parameters import Augmentation
from matting_nodes.training.specs import training_spec

AUGMENTATION = Augmentation(size=64, widest=6, joined=0.5)


def samples_of(folder, **changes):
    found = find_samples(folder, "composition1k", DataFolders(composites=1)).samples
    given = {
        "backgrounds": pictures_in(folder / "bg"),
        "augmentation": AUGMENTATION,
        "spec": training_spec("indexnet"),
        "seed": 1,
    }
    return SampleDataset(found, **given | changes)


def equal(one, other):
    same = (torch.equal(one[k], other[k]) for k in one if torch.is_tensor(one[k]))
    return all(same) and one["name"] == other["name"]


def test_a_sample_is_what_it_says(stars):
    example = samples_of(stars)[0, 5]
    alpha, image = example["alpha"], example["image"]
    mixed = alpha * example["foreground"] + (1 - alpha) * example["background"]
    torch.testing.assert_close(image, mixed)
    trimap = example["trimap"][0].numpy()
    assert set(np.unique(trimap)) <= {0, 128, 255}
    assert (alpha[0].numpy()[trimap == 255] == 1).all()
    # The network sees what it will see when it is used.
    picture = image.permute(1, 2, 0).numpy()
    planes = np.concatenate([normalized(picture), grey_trimap(trimap)])
    np.testing.assert_array_equal(example["planes"].numpy(), planes)


def test_a_sample_depends_on_seed_epoch_and_index_alone(stars):
    samples = samples_of(stars)
    first = samples[3, 5]
    torch.rand(7)
    samples[0, 1]
    assert equal(samples[3, 5], first)
    assert equal(samples_of(stars)[3, 5], first)
    assert not equal(samples[4, 5], first)
    assert not equal(samples_of(stars, seed=2)[3, 5], first)


def test_drawing_a_sample_leaves_the_generator_alone(stars):
    samples = samples_of(stars)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    samples[0, 0]
    assert torch.equal(torch.rand(3), expected)


def test_batches_are_the_same_for_any_number_of_workers(stars, monkeypatch):
    # As on Windows
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    samples = samples_of(stars)
    alone, together = (
        list(islice(loader(samples, Stream(24, seed=1), 4, workers), 3)) for workers in (0, 2)
    )
    assert all(equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_stream_goes_on_anywhere_and_devices_share_it():
    whole = list(islice(Stream(10, seed=4), 35))
    assert sorted(index for _, index in whole[:10]) == list(range(10))
    assert whole[:10] != [(0, index) for _, index in whole[10:20]]
    assert list(islice(Stream(10, seed=4, start=17), 18)) == whole[17:]
    ranks = [list(islice(Stream(10, 4, 8, rank, 2), 6)) for rank in (0, 1)]
    assert [place for pair in zip(*ranks, strict=True) for place in pair] == whole[8:20]


def test_two_joined_foregrounds_hide_more(stars):
    apart, joined = (
        samples_of(stars, augmentation=Augmentation(size=64, joined=share, flip=0, jitter=0))
        for share in (0.0, 1.0)
    )
    for index in range(5):
        one, two = apart[0, index], joined[0, index]
        assert (two["alpha"] >= one["alpha"]).all()
        where = (one["alpha"] == 1).expand(3, -1, -1)
        assert torch.equal(two["foreground"][where], one["foreground"][where])
    assert float(two["alpha"].sum()) > float(one["alpha"].sum())


def test_given_trimaps_are_used(lemur, lemur_trimap, tmp_path):
    for part, value, kind in (
        ("img", lemur, Kind.IMAGE),
        ("trimap", lemur_trimap, Kind.TRIMAP),
        ("alpha", bundled.lemur_alpha(), Kind.ALPHA),
    ):
        (tmp_path / part).mkdir()
        images.write(tmp_path / part / "lemur.png", value, kind)
    samples = SampleDataset(
        find_samples(tmp_path).samples,
        (),
        Augmentation(recipe="square", size=680, flip=0, jitter=0, given_trimaps=True),
        training_spec("indexnet"),
        0,
    )
    example = samples[0, 0]
    assert np.array_equal(example["trimap"][0, 120:560].numpy(), lemur_trimap)
    np.testing.assert_allclose(example["image"][:, 120:560].permute(1, 2, 0), lemur, atol=1e-6)


def test_a_broken_file_is_told_and_the_next_sample_takes_its_place(stars, tmp_path):
    shutil.copytree(stars, tmp_path / "data")
    broken = tmp_path / "data" / "fg" / "star05.png"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    example = samples_of(tmp_path / "data")[0, 5]
    assert example["name"] == "star06_0"
    assert "star05.png cannot be read" in example["unreadable"]


def test_nothing_but_broken_files_is_an_error(stars, tmp_path):
    shutil.copytree(stars, tmp_path / "data")
    for path in (tmp_path / "data" / "fg").iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FileError, match="10 samples in a row cannot be read: star05"):
        samples_of(tmp_path / "data")[0, 5]
