"""Methods over real pictures: the bundled lemur, and parts of it."""

from __future__ import annotations

import csv
import io as streams
import shutil

import numpy as np
import pytest

from matting_nodes import alpha_matte, compare, sample_data
from matting_nodes.arrays import Kind
from matting_nodes.errors import ParameterError
from matting_nodes.evaluation.measuring import METRICS, evaluate, means
from matting_nodes.evaluation.methods import method_settings
from matting_nodes.evaluation.report import WorstCases, as_html
from matting_nodes.evaluation.tables import as_csv, as_text, table
from matting_nodes.io import images
from matting_nodes.job import Job
from matting_nodes.training.layouts import find_samples

PARTS = {
    "fur": np.s_[60:160, 220:340],
    "tail": np.s_[250:350, 120:260],
    "ear": np.s_[30:130, 380:480],
}
METHODS = ["guided_filter", "guided_filter:radius=5,epsilon=1e-3"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lemurs")
    sources = {
        "input": (sample_data.lemur(), Kind.IMAGE),
        "trimap": (sample_data.lemur_trimap(), Kind.TRIMAP),
        "gt": (sample_data.lemur_alpha(), Kind.ALPHA),
    }
    for part, (picture, kind) in sources.items():
        (folder / part).mkdir()
        for name, where in PARTS.items():
            images.write(folder / part / f"{name}.png", picture[where], kind)
    return folder


@pytest.fixture(scope="module")
def found(data):
    return find_samples(data, "alphamatting").samples


@pytest.fixture(scope="module")
def result(found):
    return evaluate(found, METHODS)


def test_numbers_are_those_of_compare(found, result):
    sample = next(sample for sample in found if sample.name == "fur")
    trimap, truth = sample.read_trimap(), sample.read_alpha()
    alpha = alpha_matte(sample.read_image(), trimap, method="guided_filter", radius=5, epsilon=1e-3)
    rows = {(r.method, r.sample, r.region): r.values for r in result.rows}
    for region, where in (("unknown", trimap), ("whole", None)):
        expected = compare(alpha, truth, trimap=where).table
        for name in METRICS:
            assert rows[METHODS[1], "fur", region][name] == expected[name]


def test_means_are_over_the_samples(result):
    values = [r.values for r in result.rows if (r.method, r.region) == (METHODS[0], "whole")]
    assert len(values) == len(PARTS)
    expected = np.mean([v["SAD"] for v in values])
    assert means(result.rows)["whole", METHODS[0]]["SAD"] == pytest.approx(expected)


def test_tables_say_the_same(result):
    first = table(result.rows, "unknown")[1]
    text = as_text(result.rows)
    assert "means over 3" in text
    for cell in first:
        assert cell in text
    rows = list(csv.DictReader(streams.StringIO(as_csv(result.rows))))
    assert len(rows) == 2 * 2 * len(PARTS) + 4
    (mean,) = (
        r
        for r in rows
        if (r["sample"], r["method"], r["region"]) == ("mean", METHODS[0], "unknown")
    )
    assert f"{float(mean['SAD']):.2f}" == first[1]


def test_the_report_shows_the_worst_first(found):
    worst = WorstCases(2)
    result = evaluate(found, METHODS, seen=worst)
    sads = {
        r.sample: r.values["SAD"]
        for r in result.rows
        if r.method == METHODS[0] and r.region == "unknown"
    }
    expected = sorted(sads, key=sads.__getitem__, reverse=True)[:2]
    assert [title.partition(":")[0] for title, _ in worst.of(METHODS[0])] == expected
    page = as_html(result.rows, ["<b>: broken"], worst)
    assert page.count("<img src=") == 2 * 2 * 5
    assert "&lt;b&gt;: broken" in page


def test_what_cannot_be_measured_is_told_and_left_out_for_all(data, tmp_path):
    copy = shutil.copytree(data, tmp_path / "data")
    images.write(
        copy / "trimap" / "ear.png", np.full((100, 100), 128, np.uint8), Kind.TRIMAP, force=True
    )
    result = evaluate(find_samples(copy).samples, METHODS)
    assert {row.sample for row in result.rows} == {"fur", "tail"}
    assert len(result.problems) == 1
    assert "ear: The trimap has no definite foreground" in result.problems[0]


def test_progress_rises_to_the_last_sample(found):
    told = []
    evaluate(found, METHODS, job=Job(lambda fraction, _: told.append(fraction)))
    assert told == sorted(told)
    assert 0.9 < told[-1] <= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("closed", "Alpha Matte has no method 'closed'"),
        ("guided_filter:radio=3", "has no parameter radio"),
        ("guided_filter:radius", "Parameters are NAME=VALUE"),
        ("guided_filter:radius=wide", "radius of .* is 'wide'"),
        ("deep_image_matting:refinement=no", "refinement of .* is 'no'"),
    ],
)
def test_methods_that_cannot_be_are_refused(text, message):
    with pytest.raises(ParameterError, match=message):
        method_settings(text)


def test_settings_have_their_types():
    assert method_settings("deep_image_matting:network=segnet,refinement=false,tile=256") == {
        "method": "deep_image_matting",
        "network": "segnet",
        "refinement": False,
        "tile": 256,
    }
