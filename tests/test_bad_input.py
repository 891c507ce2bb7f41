"""Whatever is wrong with an input, every node answers with an error in three parts."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import all_nodes
from matting_nodes.arrays import Kind
from matting_nodes.errors import MattingError, ShapeError, SizeMismatchError, ValueRangeError
from matting_nodes.framework.run import run
from matting_nodes.job import Job

NODES = {spec.name: spec for spec in all_nodes()}


def good(kind, height=20, width=24):
    ramp = np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))
    if kind is Kind.IMAGE:
        return np.dstack([ramp, 1 - ramp, ramp**2])
    if kind is Kind.TRIMAP:
        return np.where(ramp < 0.3, 0, np.where(ramp > 0.7, 255, 128)).astype(np.uint8)
    if kind is Kind.LABELS:
        return (ramp > 0.3).astype(np.int32) + (ramp > 0.7)
    if kind is Kind.MASK:
        return (ramp > 0.5).astype(np.float32)
    return {Kind.BOX: (2, 2, 22, 18), Kind.POINTS: [(20, 9)]}.get(kind, ramp)


# Settings under which a method fits into a picture of 20 × 24 pixels.
SMALL = {
    "band": {"inner": 2.0, "outer": 2.0},
    "large_kernel": {"radius": 3},
    "per_label": {"inner": 1.0, "outer": 1.0},
    "published": {"recipe": "smooth_ellipse_6"},
}


def settings(spec, method=""):
    return SMALL.get(method, {}) | ({"method": method} if method else {})


def wire_of(spec, name):
    return next(wire for wire in spec.inputs if wire.name == name)


def inputs(spec, **sizes):
    given = {wire.name: good(wire.kind, **sizes) for wire in spec.inputs}
    if "background_scribbles" in given:  # strokes of both kinds may not overlap
        given["background_scribbles"] = 1 - given["background_scribbles"]
    if "second_plate" in given:  # nor may two backgrounds be alike
        given["second_plate"] = 1 - given["second_plate"]
    return given


def refused(spec, given, method=""):
    """Run, and return the error; fail if anything was computed first."""
    begun = []
    job = Job(lambda fraction, message: begun.append(fraction))
    with pytest.raises(MattingError) as caught:
        run(spec, given, settings(spec, method), job)
    assert begun == []
    assert caught.value.found
    assert caught.value.rule
    assert caught.value.fix
    return caught.value


CASES = [
    (spec.name, method, wire.name)
    for spec in all_nodes()
    for method in (list(spec.methods) or [""])
    for wire in spec.inputs
    if wire.kind.is_picture and wire.kind is not Kind.LABELS
]


@pytest.mark.parametrize(("node", "method", "wire"), CASES)
def test_a_good_input_runs_and_bad_values_are_refused_before_anything_is_computed(
    node, method, wire
):
    spec = NODES[node]
    given = inputs(spec)
    # Without a file of their own, networks do not run.
    if method != "onnx" and not (method and spec.methods[method].is_network):
        run(spec, given, settings(spec, method))
    # A picture may have any finite numbers.
    is_image = wire_of(spec, wire).kind is Kind.IMAGE
    for bad in (np.nan, np.inf) if is_image else (np.nan, np.inf, -0.5, 7.0):
        spoilt = np.array(given[wire], np.float32) / max(1, np.max(given[wire]))
        spoilt[3, 4] = bad
        error = refused(spec, given | {wire: spoilt}, method)
        assert isinstance(error, ValueRangeError)
        assert wire in error.found


@pytest.mark.parametrize(("node", "method", "wire"), CASES)
def test_a_wrong_shape_is_refused(node, method, wire):
    spec = NODES[node]
    for shape in ((20,), (2, 20, 24, 3), (0, 0)):
        error = refused(spec, inputs(spec) | {wire: np.zeros(shape, np.float32)}, method)
        assert isinstance(error, ShapeError)
        assert str(shape) in error.found or shape == (0, 0)


def sized(spec):
    return [wire.name for wire in spec.inputs if wire.kind.is_picture and not wire.any_size]


FIXED = [
    (node, method, wire)
    for node, method, wire in CASES
    if wire in sized(NODES[node]) and len(sized(NODES[node])) > 1
]


@pytest.mark.parametrize(("node", "method", "wire"), FIXED)
def test_another_size_is_refused_with_both_sizes(node, method, wire):
    spec = NODES[node]
    other = good(wire_of(spec, wire).kind, height=10, width=12)
    error = refused(spec, inputs(spec) | {wire: other}, method)
    assert isinstance(error, SizeMismatchError)
    assert "12 × 10" in error.found
    assert "24 × 20" in error.found


@pytest.mark.parametrize(
    ("node", "method"),
    [(spec.name, method) for spec in all_nodes() for method in (list(spec.methods) or [""])],
)
def test_one_pixel_gives_a_result_or_a_clear_error(node, method):
    spec = NODES[node]
    given = {
        wire.name: np.full((1, 1), 128, np.uint8) for wire in spec.inputs if wire.kind.is_picture
    }
    try:
        result = run(spec, given, settings(spec, method))
    except MattingError as error:
        assert error.found
        assert error.rule
        assert error.fix
    else:
        for output in spec.outputs:
            if output.kind.is_picture:
                assert result.values[output.name].shape[:2] == (1, 1)


@pytest.mark.parametrize("spec", all_nodes(), ids=lambda spec: spec.name)
def test_an_unknown_input_is_refused_with_the_known_ones(spec):
    error = refused(spec, inputs(spec) | {"imag": np.zeros((20, 24))})
    assert "imag" in error.found
    assert spec.inputs[0].name in error.rule
