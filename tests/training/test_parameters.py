from __future__ import annotations

import pytest

from matting_nodes.errors import FileError, ParameterError
from matting_nodes.models.catalog import model
from matting_nodes.training.parameters import PARTS, checked, load_parameters, parameters
from matting_nodes.training.specs import TRAINING_SPECS, training_spec


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "train.toml"
        path.write_text(text)
        return path

    return write


def test_a_file_says_what_differs_from_the_networks_defaults(write, tmp_path):
    path = write('[data]\nfolder = "mine"\n[run]\nsteps = 7\n[optimizer]\nlearning_rate = 1\n')
    parameters = load_parameters(path, TRAINING_SPECS["tnet"].defaults)
    assert parameters.data.folder == str(tmp_path / "mine")
    assert parameters.run.steps == 7
    assert parameters.optimizer.learning_rate == 1.0
    # T-Net's published parameters
    assert parameters.optimizer.weight_decay == 5e-4
    assert parameters.augmentation.size == 400
    assert parameters.run.batch == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[run\n", "cannot be read: .*line 1"),
        ("[rum]\nsteps = 1\n", r"train.toml has rum. It knows data, augmentation"),
        ("[run]\nstep = 1\n", r"\[run\] of train.toml has step. It knows steps, batch"),
        ("[run]\nsteps = 0\n", r"steps of \[run\] is 0. It must be a whole number from 1"),
        ("[run]\nsteps = 1.5\n", r"steps of \[run\] is 1.5"),
        ('[data]\nlayout = "coco"\n', r"layout of \[data\] is 'coco'. It must be one of folders"),
        ("[augmentation]\ngiven_trimaps = 1\n", "must be true or false"),
        ("run = 3\n", "run of train.toml is 3. It is a table"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(write, text, message):
    with pytest.raises((FileError, ParameterError), match=message):
        load_parameters(write(text), {})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileError, match=r"no\.toml cannot be read"):
        load_parameters(tmp_path / "no.toml", {})


@pytest.mark.parametrize("name", TRAINING_SPECS)
def test_recipes_are_of_the_catalog_and_their_defaults_hold(name):
    assert model(name).task in ("make_trimap", "alpha_matte")
    checked({}, training_spec(name).defaults, name)


def test_other_networks_cannot_be_trained():
    with pytest.raises(ParameterError, match=r"'fba' cannot be trained.*tnet, dim_vgg16"):
        training_spec("fba")


@pytest.mark.parametrize("part", PARTS.values())
def test_every_setting_is_explained(part):
    assert all(parameter.help for parameter in parameters(part))
