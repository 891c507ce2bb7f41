from __future__ import annotations

import pytest

from matting_nodes.job import Cancelled, Job


def test_parts_fill_their_stretch_of_the_bar():
    seen = []
    job = Job(report=lambda fraction, message: seen.append((round(fraction, 3), message)))
    job.part(0.5, 1.0).part(0.0, 0.5).step(1, 2, "half of a quarter")
    assert seen == [(0.625, "half of a quarter")]


def test_items_share_it_equally():
    shared = Job().part(0.5, 1.0).each("ab")
    assert [(item, part.start, part.stop) for item, part in shared] == [
        ("a", 0.5, 0.75),
        ("b", 0.75, 1.0),
    ]


def test_a_cancelled_job_stops_before_it_reports():
    seen = []
    job = Job(lambda *report: seen.append(report), lambda: True)
    with pytest.raises(Cancelled):
        job.part(0, 0.5).step(1)
    assert not seen


def test_reports_that_never_go_back():
    seen = []
    job = Job(report=lambda fraction, message: seen.append((fraction, message))).forward()
    job.part(0.5, 1).step(1, 2)
    job.announce("the memory is short")
    job.step(0.8)
    assert seen == [(0.75, ""), (0.75, "the memory is short"), (0.8, "")]
    assert job.notes == {"notices": ["the memory is short"]}
