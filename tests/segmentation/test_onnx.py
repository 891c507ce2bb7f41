"""Segment by ONNX files: small graphs made here, run by the real onnxruntime."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save_model

from matting_nodes import Cancelled, Job, segment
from matting_nodes.errors import DependencyError, FileError, ParameterError, WeightsError
from matting_nodes.framework.run import run
from matting_nodes.models import onnx_files
from matting_nodes.models.pool import POOL
from matting_nodes.nodes import all_nodes
from matting_nodes.solvers.parallel import thread_count

FLOAT = TensorProto.FLOAT
ANY = [1, 3, "height", "width"]


@pytest.fixture(autouse=True)
def _nothing_kept():
    yield
    POOL.free()


@pytest.fixture
def saved(tmp_path):
    """Writes a graph of these operators from "x" to "y" and returns its path."""

    def write(
        *nodes, shape=ANY, outputs=("y",), tensors=None, domains=("",), kind=FLOAT, name="a.onnx"
    ):
        graph = helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("x", kind, shape)],
            [helper.make_tensor_value_info(output, kind, None) for output in outputs],
            [numpy_helper.from_array(value, key) for key, value in (tensors or {}).items()],
        )
        opsets = [helper.make_opsetid(domain, 13 if domain == "" else 1) for domain in domains]
        save_model(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / name)
        return str(tmp_path / name)

    return write


RED = np.float32([1, 0, 0]).reshape(1, 3, 1, 1)


def red(output="y"):
    """The picture's first channel, as the network sees it."""
    return helper.make_node("Conv", ["x", "w"], [output])


@pytest.fixture
def scene():
    """A picture whose red channel is a soft disk, not square, and no value 0 or 1."""
    y, x = np.indices((48, 64))
    disk = 1 / (1 + np.exp((np.hypot(y - 24, x - 30) - 14) / 3))
    image = np.dstack([0.1 + 0.7 * disk, 0.5 * disk, 0.3 + 0 * disk])
    return image.astype(np.float32)


def test_the_network_sees_the_picture_and_its_answer_comes_out(saved, scene):
    file = saved(red(), tensors={"w": RED})
    soft = segment(scene, method="onnx", file=file, preset="custom", soft=True)
    np.testing.assert_allclose(soft, scene[..., 0], atol=1e-6)
    hard = segment(scene, method="onnx", file=file, preset="custom")
    np.testing.assert_array_equal(hard, scene[..., 0] > 0.5)


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("isnet", lambda r: (r - r.min()) / (r.max() - r.min())),
        ("u2net", lambda r: (r - r.min()) / (r.max() - r.min())),
        ("birefnet", lambda r: 1 / (1 + np.exp(-(r - 0.485) / 0.229))),
        ("modnet", lambda r: (2 * r - 1).clip(0, 1)),
    ],
)
def test_presets(saved, scene, preset, expected):
    """64 px and more: what is lost by making the picture larger and small again is little."""
    file = saved(red(), tensors={"w": RED})
    soft = segment(scene, method="onnx", file=file, preset=preset, soft=True, side=512)
    np.testing.assert_allclose(soft, expected(scene[..., 0]), atol=0.03)


def test_u2net_sees_the_largest_value_as_1(saved, scene):
    file = saved(red(), tensors={"w": RED})
    given = {"method": "onnx", "file": file, "preset": "u2net", "sigmoid": "yes", "soft": True}
    np.testing.assert_allclose(segment(0.4 * scene, **given), segment(scene, **given), atol=1e-5)


def test_modnet_keeps_proportions_in_multiples_of_32(saved):
    """The graph gives its own height over width, as a constant mask."""
    sides = [
        helper.make_node("Shape", ["x"], ["all"]),
        helper.make_node("Gather", ["all", "two"], ["high"]),
        helper.make_node("Gather", ["all", "three"], ["wide"]),
        helper.make_node("Cast", ["high"], ["h"], to=FLOAT),
        helper.make_node("Cast", ["wide"], ["w"], to=FLOAT),
        helper.make_node("Div", ["h", "w"], ["ratio"]),
        helper.make_node("Expand", ["ratio", "one"], ["y"]),
    ]
    tensors = {"two": np.int64(2), "three": np.int64(3), "one": np.int64([1, 1, 4, 4])}
    file = saved(*sides, tensors=tensors)
    given = {"method": "onnx", "file": file, "soft": True}
    image = np.full((600, 1500, 3), 0.5, np.float32)
    mask = segment(image, preset="modnet", side=64, **given)
    np.testing.assert_allclose(mask, 64 / 160, atol=1e-6)
    np.testing.assert_allclose(segment(image, preset="birefnet", sigmoid="no", **given), 1)


def test_settings_stand_above_the_preset(saved, scene):
    file = saved(red("z"), helper.make_node("Neg", ["z"], ["y"]), outputs="zy", tensors={"w": RED})
    given = {"method": "onnx", "file": file, "preset": "custom", "soft": True}
    second = segment(scene, output_number=2, mean="0.9, 0, 0", deviation="0.8", **given)
    np.testing.assert_allclose(second, (0.9 - scene[..., 0]) / 0.8, atol=1e-6)
    logits = segment(scene, sigmoid="yes", mean="0.5", **given)
    np.testing.assert_allclose(logits, 1 / (1 + np.exp(0.5 - scene[..., 0])), atol=1e-6)


def test_a_file_of_one_size_gets_pictures_of_that_size(saved, scene):
    file = saved(red(), shape=[1, 3, 20, 40], tensors={"w": RED})
    given = {"method": "onnx", "file": file, "preset": "custom", "soft": True}
    np.testing.assert_allclose(segment(scene, **given), scene[..., 0], atol=0.1)
    with pytest.raises(ParameterError, match=r"side is 64 px.*takes pictures 20 px high only"):
        segment(scene, side=64, **given)


def test_half_precision(saved, scene):
    file = saved(red(), tensors={"w": RED.astype(np.float16)}, kind=TensorProto.FLOAT16)
    soft = segment(scene, method="onnx", file=file, preset="custom", soft=True)
    np.testing.assert_allclose(soft, scene[..., 0], atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
@pytest.mark.parametrize("preset", ["isnet", "modnet", "custom"])
def test_a_picture_of_any_shape(saved, shape, preset):
    file = saved(red(), tensors={"w": RED})
    image = np.full((*shape, 3), 0.5, np.float32)
    mask = segment(image, method="onnx", file=file, preset=preset, side=32 * (preset != "custom"))
    assert mask.shape == shape


def test_what_was_run_is_in_the_provenance(saved, scene):
    spec = next(s for s in all_nodes() if s.name == "segment")
    file = saved(red(), tensors={"w": RED}, name="mine.onnx")
    given = {"method": "onnx", "file": file, "preset": "custom", "mean": "0.5", "deviation": "0.1"}
    record = run(spec, {"image": scene}, given).provenance
    assert record["model"] == "mine.onnx"
    assert len(record["checksum"]) == 64
    # Values far outside 0..1 are logits: taken as a mask, they would be wrong without a word.
    assert "set sigmoid to yes" in record["notices"][0]


def test_threads_and_the_session_that_is_kept(saved, scene):
    file = saved(red(), tensors={"w": RED})
    first = onnx_files.open_onnx(file, Job())
    assert onnx_files.open_onnx(file, Job()) is first
    assert first.session.get_session_options().intra_op_num_threads == thread_count()
    saved(red(), tensors={"w": np.roll(RED, 1, axis=1) * 2})
    green = segment(scene, method="onnx", file=file, preset="custom", soft=True)
    np.testing.assert_allclose(green, 2 * scene[..., 1], atol=1e-6)
    assert POOL.free() == 1
    assert onnx_files.open_onnx(file, Job()) is not first


def branch(operator):
    """An operator within a branch, where a first look does not see it."""
    value = helper.make_tensor_value_info("b", FLOAT, None)
    inner = helper.make_graph([operator], "inner", [], [value])
    other = helper.make_graph([helper.make_node("Identity", ["x"], ["b"])], "other", [], [value])
    yes = helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True)))
    return yes, helper.make_node("If", ["yes"], ["y"], then_branch=inner, else_branch=other)


def test_custom_operators_are_refused(saved, scene):
    custom = helper.make_node("Foo", ["x"], ["b"], domain="org.example")
    for nodes in ([helper.make_node("Foo", ["x"], ["y"], domain="org.example")], branch(custom)):
        file = saved(*nodes, domains=("", "org.example"))
        with pytest.raises(FileError, match=r"operator Foo of org\.example\. Only ONNX's own"):
            segment(scene, method="onnx", file=file)


def test_unknown_operators_are_refused(saved, scene):
    file = saved(helper.make_node("Foo", ["x"], ["y"]))
    with pytest.raises(FileError, match=r"onnxruntime .* cannot load a\.onnx: .*Foo"):
        segment(scene, method="onnx", file=file)


def outside(name):
    tensor = numpy_helper.from_array(RED, name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def test_weights_in_other_files_are_refused(saved, scene, tmp_path):
    import onnx

    path = saved(red(), tensors={"w": RED})
    model = onnx.load(path)
    model.graph.initializer[0].CopyFrom(outside("w"))
    save_model(model, path)
    constant = helper.make_node("Constant", [], ["w"], value=outside("w"))
    hidden = saved(*branch(constant), name="b.onnx")
    for file in (path, hidden):
        with pytest.raises(FileError, match=r"keeps 1 of its tensors in other files"):
            segment(scene, method="onnx", file=file)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\0" * 5000, b"{}"])
def test_no_onnx_file(tmp_path, scene, content):
    (tmp_path / "photo.onnx").write_bytes(content)
    with pytest.raises(FileError, match=r"photo\.onnx is not an ONNX file, or is damaged"):
        segment(scene, method="onnx", file=str(tmp_path / "photo.onnx"))


def test_a_file_that_was_cut_off(saved, scene, tmp_path):
    file = saved(red(), tensors={"w": RED})
    whole = (tmp_path / "a.onnx").read_bytes()
    for length in range(1, len(whole), 7):
        (tmp_path / "a.onnx").write_bytes(whole[:length])
        with pytest.raises(FileError):
            segment(scene, method="onnx", file=file)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("", "No ONNX file was named"),
        ("absent.onnx", r"absent\.onnx is not a file"),
        (".", "is not a file"),
    ],
)
def test_no_file(scene, file, message):
    with pytest.raises(FileError, match=message):
        segment(scene, method="onnx", file=file)


@pytest.mark.parametrize(
    ("shape", "kind"), [([1, 1, 8, 8], FLOAT), ([1, 8, 8, 3], FLOAT), (ANY, TensorProto.INT64)]
)
def test_a_network_that_takes_no_picture(saved, scene, shape, kind):
    file = saved(helper.make_node("Identity", ["x"], ["y"]), shape=shape, kind=kind)
    with pytest.raises(FileError, match=r"It must take one picture of floats"):
        segment(scene, method="onnx", file=file)


def test_outputs_that_are_no_mask(saved, scene):
    file = saved(helper.make_node("Identity", ["x"], ["y"]))
    with pytest.raises(ParameterError, match=r"Output 1 of a\.onnx has the shape \[1, 3, 48, 64\]"):
        segment(scene, method="onnx", file=file, preset="custom")
    with pytest.raises(ParameterError, match=r"output_number is 2. a\.onnx has 1: y"):
        segment(scene, method="onnx", file=file, preset="custom", output_number=2)


def test_a_size_that_does_not_fit_what_is_open(saved, scene):
    """The graph says that any size goes, but was made for 8 × 8."""
    flat = helper.make_node("Reshape", ["x", "shape"], ["z"])
    file = saved(
        flat,
        helper.make_node("Conv", ["z", "w"], ["y"]),
        tensors={"shape": np.int64([1, 3, 8, 8]), "w": RED},
    )
    assert segment(scene, method="onnx", file=file, side=8).shape == scene.shape[:2]
    with pytest.raises(ParameterError, match=r"a\.onnx cannot take 64 × 48 pixels: .*Set side to"):
        segment(scene, method="onnx", file=file, preset="custom")


def test_values_that_are_no_numbers(saved, scene):
    file = saved(red("z"), helper.make_node("Log", ["z"], ["y"]), tensors={"w": RED})
    with pytest.raises(WeightsError, match=r"gave 3072 values of 3072 that are NaN or infinite"):
        segment(scene, method="onnx", file=file, preset="custom", mean="2")


@pytest.mark.parametrize("text", ["red", "1, 2", "nan", "1;2;3"])
def test_mean_and_deviation_are_numbers(saved, scene, text):
    file = saved(red(), tensors={"w": RED})
    for name in ("mean", "deviation"):
        with pytest.raises(ParameterError, match=f"{name} is '{text}'. It is one number, or three"):
            segment(scene, method="onnx", file=file, **{name: text})
    with pytest.raises(ParameterError, match=r"deviation is '0'\. The picture is divided by it"):
        segment(scene, method="onnx", file=file, deviation="0")


def test_without_the_extra(saved, scene, monkeypatch):
    file = saved(red(), tensors={"w": RED})
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DependencyError, match=r'onnxruntime cannot.*"matting-nodes\[onnx\]"'):
        segment(scene, method="onnx", file=file)


def test_a_cancel_ends_the_network(saved, scene):
    """A loop that would take minutes; its thread is gone soon after the cancel."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["on"]),
            helper.make_node("Sin", ["last"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("last", FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", FLOAT, None),
        ],
    )
    file = saved(
        red("z"),
        helper.make_node("Loop", ["count", "yes", "z"], ["y"], body=body),
        tensors={"w": RED, "count": np.int64(10**9), "yes": np.array(True)},
    )
    began = []
    job = Job(
        lambda _, message: began.append(time.monotonic()) if message == "run a.onnx" else None,
        lambda: bool(began) and time.monotonic() > began[0] + 0.3,
    )
    before = threading.active_count()
    with pytest.raises(Cancelled):
        segment(scene, method="onnx", file=file, preset="custom", job=job)
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
