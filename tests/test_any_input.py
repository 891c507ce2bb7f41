"""Property-based: whatever the arrays, a node gives a sound result or a MattingError."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from matting_nodes import all_nodes
from matting_nodes.arrays import Kind
from matting_nodes.errors import MattingError
from matting_nodes.framework.run import run

CASES = [(spec, method) for spec in all_nodes() for method in (list(spec.methods) or [""])]
# Every type that napari and ComfyUI can hand over.
DTYPES = st.sampled_from(
    [
        *("bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "int64"),
        *("float16", "float32", "float64"),
    ]
)
# So that radii and windows fit into pictures of up to 24 pixels at least sometimes.
SMALL = {
    "band": {"inner": 1.0, "outer": 1.0},
    "per_label": {"inner": 1.0, "outer": 1.0},
    "structuring_element": {"radius": 1, "iterations": 1},
    "published": {"recipe": "smooth_ellipse_6"},
    "large_kernel": {"radius": 1},
    "grabcut": {"iterations": 1},
}


@st.composite
def pictures(draw, kind, shape):
    """Arrays for an input: of any type, mostly of the right shape and range, but not always."""
    if kind is Kind.BOX:
        return draw(st.tuples(*[st.integers(-3, 26)] * 4))
    if kind is Kind.POINTS:
        return draw(st.lists(st.tuples(*[st.floats(-2, 26)] * 2), min_size=1, max_size=3))
    if kind in (Kind.MASK, Kind.LABELS) and draw(st.booleans()):
        # An object beside a background: what a trimap can be made of.
        height, width = shape
        step = np.arange(width) >= draw(st.integers(0, width))
        return np.tile(step, (height, 1)).astype("int32" if kind is Kind.LABELS else "float32")
    if draw(st.integers(0, 19)) == 0:
        shape = draw(arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    elif kind is Kind.IMAGE:
        shape = draw(st.sampled_from([shape, (*shape, 1), (*shape, 3), (*shape, 4)]))
    dtype = np.dtype(draw(DTYPES if draw(st.booleans()) else st.sampled_from(["uint8", "float32"])))
    if kind is Kind.LABELS and draw(st.booleans()):
        dtype = np.dtype("int32")
    elements = None
    if dtype.kind == "f":
        elements = st.floats(0, 1, width=dtype.itemsize * 8)
        if draw(st.integers(0, 9)) == 0:
            elements = st.sampled_from([np.nan, np.inf, -np.inf, -0.5, 0.5, 2.0])
    if kind is Kind.TRIMAP and dtype.kind in "fu":
        top = 1 if dtype.kind == "f" else np.iinfo(dtype).max
        elements = st.sampled_from([0, top / 2 if dtype.kind == "f" else top // 2 + 1, top])
    if kind is Kind.LABELS and dtype.kind == "i":
        elements = st.integers(0, 3)
    return draw(arrays.arrays(dtype, shape, elements=elements))


def check_output(kind, value, shape):
    if kind is Kind.TABLE:
        numbers = np.array(list(value.values()))
        # Of an object without a matte, some columns are not a number.
        assert np.isfinite(numbers[~np.isnan(numbers)] if numbers.ndim == 2 else numbers).all()
        return
    assert shape is None or value.shape[:2] == shape
    if kind is Kind.TRIMAP:
        assert value.dtype == np.uint8
        return
    assert value.dtype == np.float32
    assert np.isfinite(value).all()
    # Pictures come out in their own numbers.
    if kind is not Kind.IMAGE:
        assert value.min() >= 0
        assert value.max() <= 1


@pytest.mark.parametrize(("spec", "method"), CASES, ids=lambda c: getattr(c, "name", c))
@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_a_sound_result_or_a_matting_error(spec, method, data):
    shape = data.draw(st.tuples(st.integers(1, 24), st.integers(1, 24)))
    given_inputs, before = {}, {}
    for wire in spec.inputs:
        if wire.optional and data.draw(st.booleans()):
            continue
        given_inputs[wire.name] = data.draw(pictures(wire.kind, shape), label=wire.name)
        before[wire.name] = np.array(given_inputs[wire.name], copy=True)
    parameters = SMALL.get(method, {}) | ({"method": method} if method else {})
    try:
        result = run(spec, given_inputs, parameters)
    except MattingError as error:
        assert error.found
        assert error.rule
        assert error.fix
    else:
        sizes = [np.shape(v)[:2] for k, v in given_inputs.items() if np.ndim(v) >= 2]
        for output in spec.outputs:
            value = result.values[output.name]
            # A photo for a document has that document's size.
            free = output.kind is Kind.TABLE or spec.name == "id_photo"
            check_output(output.kind, value, None if free else sizes[0])
    for name, array in before.items():
        np.testing.assert_array_equal(given_inputs[name], array)
