"""Work in another thread: its reports arrive in this one, a cancel does not wait for it."""

from __future__ import annotations

import threading
import time

import pytest

from matting_nodes.job import Cancelled, Job, in_background


def test_its_result_its_reports_and_its_notes_come_back():
    here, told = threading.get_ident(), []

    def work(job):
        job.step(0.5, message="half")
        job.announce("no room")
        return threading.get_ident()

    job = Job(lambda *report: told.append((*report, threading.get_ident())))
    assert in_background(work, job) != here
    assert told == [(0.5, "half", here), (0, "no room", here)]
    assert job.notes == {"notices": ["no room"]}


def test_its_error_comes_back():
    def work(_):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        in_background(work, Job())


def test_a_cancel_stops_it_at_its_next_report_and_what_it_cleans_up_is_gone():
    cleaned, begun = [], threading.Event()

    def work(job):
        begun.set()
        try:
            while True:
                job.step(0)
        finally:
            cleaned.append(True)

    with pytest.raises(Cancelled):
        in_background(work, Job(cancelled=begun.is_set))
    assert cleaned == [True]


def test_a_cancel_does_not_wait_for_what_is_silent():
    silence, begun = threading.Event(), threading.Event()

    def work(_):
        begun.set()
        silence.wait(10)

    asked = time.monotonic()
    with pytest.raises(Cancelled):
        in_background(work, Job(cancelled=begun.is_set))
    assert time.monotonic() - asked < 5
    silence.set()
