"""A frame itself says where its object is."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from matting_nodes.job import Job
from matting_nodes.sample_data.clips import lemur_clip
from matting_nodes.video.flow import Tracks, grey, motion, places
from matting_nodes.video.reader import Frame
from matting_nodes.video.window import Window

COUNT, WRONG, OFFSET = 20, 12, 0.4


def test_wrong_tracks_are_corrected_by_what_other_frames_predict():
    clip = lemur_clip(180, 320)
    window, steps, before = Window(COUNT, Job()), [], None
    for index, frame in enumerate(clip.frames(COUNT)):
        now = grey(frame.picture)
        flow = None if before is None else motion(now, before)
        if index == WRONG:
            columns, rows = np.rint(flow.tracks.now).astype(int).T
            inside = frame.trimap[rows, columns] == 255
            moved = flow.tracks.other + np.float32(OFFSET) * inside[:, None]
            flow = flow._replace(tracks=Tracks(flow.tracks.now, moved))
        before, shown = now, Frame(frame.picture, Fraction(index, 25))
        steps += window.add(index, shown, frame.trimap, flow)
    steps += window.rest()

    step = steps[WRONG]
    edge = step.trimap == 128
    edge[-4:] = False  # Below is no frame to look it up in.
    at, was = (clip._object_positions(index) for index in (WRONG, WRONG - 1))
    scale = was[0][90, 161] - was[0][90, 160]
    found = [cv2.remap(p, *places(step.before, 180, 320), cv2.INTER_LINEAR) for p in was]
    away = [(f - p)[edge] / scale for f, p in zip(found, at, strict=True)]
    assert np.hypot(*away).mean() < 0.65 * np.hypot(OFFSET, OFFSET)
