from __future__ import annotations

import inspect
from typing import Annotated, Literal

import numpy as np
import pytest

import matting_nodes
from matting_nodes.arrays import Image, Kind, Mask
from matting_nodes.errors import MissingInputError, ParameterError
from matting_nodes.framework.parameters import Slider
from matting_nodes.framework.register import node
from matting_nodes.framework.run import run
from matting_nodes.framework.spec import Method
from matting_nodes.nodes.alpha_matte import alpha_matte
from matting_nodes.nodes.make_trimap import make_trimap
from matting_nodes.nodes.segment import segment


@pytest.fixture
def toy(registry):
    """A node and a method that are in no file of the package."""

    @node(title="Toy", command="toy", step=9)
    def toy(image: Image, *, method: Method = Method("cut"), invert: bool = False) -> Mask:
        """Make a toy mask.

        Parameters
        ----------
        image : (H, W, C)
            The picture.
        invert : bool
            Swap the sides.
        """
        mask = method(image=image)
        return 1 - mask if invert else mask

    @toy.method(title="Cut")
    def cut(
        image: Image,
        *,
        level: Annotated[float, Slider(0, 1)] = 0.5,
        side: Literal["above", "below"] = "above",
    ) -> Mask:
        """Cut at a level.

        Parameters
        ----------
        level : float
            Where to cut.
        """
        above = image[..., 0] > level
        return (above if side == "above" else ~above).astype(np.float32)

    return toy


def test_a_signature_becomes_a_spec(toy):
    assert [(wire.name, wire.kind, wire.optional) for wire in toy.inputs] == [
        ("image", Kind.IMAGE, False)
    ]
    assert [(output.name, output.kind) for output in toy.outputs] == [("mask", Kind.MASK)]
    invert, *shared = toy.parameters
    assert [parameter.name for parameter in shared] == ["normalization", "per_channel"]
    assert (invert.name, invert.type, invert.default) == ("invert", bool, False)
    assert invert.help == "Swap the sides."
    level, side = toy.methods["cut"].parameters
    assert (level.slider, level.help) == (Slider(0, 1), "Where to cut.")
    assert side.choices == ("above", "below")
    assert toy.default_method == "cut"


def test_python_calls_it_with_keywords_of_node_and_method(toy):
    image = np.float32([[[0.2], [0.8]]])
    np.testing.assert_array_equal(toy(image), [[0, 1]])
    np.testing.assert_array_equal(toy(image, level=0.1, invert=True), [[0, 0]])
    np.testing.assert_array_equal(toy(image, method="cut", side="below"), [[1, 0]])


def test_a_second_method_is_one_function(toy):
    @toy.method(title="All")
    def everything(image: Image) -> Mask:
        """Take all."""
        return np.ones(image.shape[:2], np.float32)

    np.testing.assert_array_equal(toy(np.zeros((1, 2)), method="everything"), [[1, 1]])
    assert list(toy.methods) == ["cut", "everything"]


def test_the_toy_is_on_the_command_line(toy, tmp_path):
    from matting_nodes.hosts.cli import main

    source, target = tmp_path / "in.png", tmp_path / "out.png"
    matting_nodes.write_image(source, np.float32([[0.2, 0.8]]), bits=8)
    assert main(["toy", str(source), "-o", str(target), "--level", "0.9", "--invert"]) == 0
    np.testing.assert_array_equal(matting_nodes.read_image(target), [[255, 255]])


def test_the_toy_is_a_napari_widget(toy):
    pytest.importorskip("napari")
    from matting_nodes.hosts import napari

    assert napari.ToyWidget.spec is toy
    assert {"command": "matting-nodes.toy", "display_name": "Toy"} in napari.manifest()[
        "contributions"
    ]["widgets"]


def test_the_signature_shows_all_that_can_be_given():
    names = list(inspect.signature(segment).parameters)
    assert names[:4] == ["image", "prompts", "method", "device"]
    assert {"algorithm", "objects"} < set(names)
    assert names[-1] == "job"
    assert "rough mask" in inspect.getdoc(segment)


def test_unknown_methods_and_parameters_are_refused_with_what_there_is(fur):
    image, trimap = fur
    with pytest.raises(ParameterError, match=r"no method 'knnn'.*closed_form"):
        alpha_matte(image, trimap, method="knnn")
    with pytest.raises(ParameterError, match=r"no parameter radius.*inner, outer"):
        make_trimap(np.zeros((5, 5)), radius=3)


@pytest.mark.parametrize("value", [-1, 201, "ten", True, np.nan, None])
def test_a_parameter_out_of_range_or_type_is_refused_with_the_range(value):
    with pytest.raises(ParameterError, match=r"inner of Make Trimap \(Band\).*from 0 to 200"):
        make_trimap(np.eye(5), inner=value)


def test_numpy_numbers_are_numbers():
    mask = np.zeros((9, 9))
    mask[3:6, 3:6] = 1
    trimap = make_trimap(mask, inner=np.float32(1), outer=np.int64(1))
    assert trimap[4, 4] == 255


def test_too_many_arguments_are_a_type_error(fur):
    with pytest.raises(TypeError):
        alpha_matte(*fur, "closed_form")


def test_a_missing_input_is_named_with_the_method_that_needs_it(lemur):
    with pytest.raises(MissingInputError, match="Band works on the mask"):
        make_trimap(image=lemur)
    with pytest.raises(MissingInputError, match="Alpha Matte got no trimap"):
        run(alpha_matte, {"image": lemur})


def test_default_stands_for_the_default_method(fur):
    np.testing.assert_array_equal(alpha_matte(*fur, method="default"), alpha_matte(*fur))


def test_a_method_for_the_cpu_refuses_another_device(fur):
    with pytest.raises(ParameterError, match=r"device of Alpha Matte .* is cuda"):
        alpha_matte(*fur, device="cuda", method="closed_form")


def test_provenance_says_how_a_result_was_made(fur):
    inputs = {"image": fur[0], "trimap": fur[1]}
    result = run(alpha_matte, inputs, {"method": "closed_form", "epsilon": 1e-6})
    assert result.provenance == {
        "node": "alpha_matte",
        "parameters": {
            "method": "closed_form",
            "device": "auto",
            "epsilon": 1e-6,
            "iterations": 10_000,
            "normalization": "auto",
            "per_channel": False,
        },
        "ranges": {"image": None},
        "version": matting_nodes.__version__,
    }
