from __future__ import annotations

import shutil

import pytest

from matting_nodes.errors import FileError
from matting_nodes.training.material import find_material
from matting_nodes.training.parameters import checked


def material(**data):
    return find_material(checked({"data": data}, {}, "test"))


def names(samples):
    return [sample.name for sample in samples]


def test_a_share_is_set_aside_the_same_each_time(stars):
    found = material(layout="composition1k", folder=str(stars), validation_share=0.25)
    assert len(found.validation) == 6
    assert not set(names(found.validation)) & set(names(found.training))
    again = material(layout="composition1k", folder=str(stars), validation_share=0.25)
    assert names(again.validation) == names(found.validation)


def test_other_data_can_be_measured_on(stars):
    found = material(layout="composition1k", folder=str(stars), validation=str(stars))
    assert names(found.training) == names(found.validation)
    assert len(found.training) == 24


def test_backgrounds_can_lie_anywhere(stars, tmp_path):
    """All of them are drawn from, not only as many as there are foregrounds."""
    for part in ("fg", "alpha"):
        (tmp_path / "data" / part).mkdir(parents=True)
        for number in (0, 1):
            shutil.copy(stars / part / f"star{number:02}.png", tmp_path / "data" / part)
    with pytest.raises(FileError, match="no folder bg"):
        material(layout="composition1k", folder=str(tmp_path / "data"), validation_share=0.5)
    found = material(
        layout="composition1k",
        folder=str(tmp_path / "data"),
        backgrounds=str(stars / "bg"),
        validation_share=0.5,
    )
    assert [path.stem for path in found.backgrounds] == ["astronaut", "chelsea", "coffee", "rocket"]


def test_pictures_stay_as_they_are_without_backgrounds(stars):
    found = material(folder=str(stars), foregrounds="alpha", images="fg", validation_share=0.5)
    assert found.backgrounds == []
