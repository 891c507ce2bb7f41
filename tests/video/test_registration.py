"""A frame itself says where its object is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from matting_nodes.job import Job
from matting_nodes.sample_data.clips import lemur_clip
from matting_nodes.video.flow import Tracks, grey, motion, places
from matting_nodes.video.reader import Frame
from matting_nodes.video.window import Window

OFFSET = 0.4


def test_wrong_tracks_are_corrected_by_what_earlier_frames_predict():
    import cv2

    clip = lemur_clip(180, 320)
    frames = list(clip.frames(10))
    window, before = Window(0, Job()), None
    for index, frame in enumerate(frames):
        now, flow = grey(frame.picture), None
        if before is not None:
            flow = motion(now, before)
            if index == len(frames) - 1:
                column, row = np.rint(flow.tracks.now).astype(int).T
                inside = frame.trimap[row.clip(0, 179), column.clip(0, 319)] == 255
                moved = flow.tracks.other + np.float32(OFFSET) * inside[:, None]
                flow = flow._replace(tracks=Tracks(flow.tracks.now, moved))
        before = now
        shown = Frame(frame.picture, Fraction(index, 25))
        (step,) = window.add(index, shown, frame.trimap, flow)
    edge = frames[-1].trimap == 128
    was = clip._object_positions(len(frames) - 2)
    found = [cv2.remap(p, *places(step.before, 180, 320), cv2.INTER_LINEAR) for p in was]
    scale = was[0][90, 161] - was[0][90, 160]
    away = [(f - p)[edge] / scale for f, p in zip(found, clip._object_positions(9), strict=True)]
    assert np.hypot(*np.mean(away, axis=1)) < 0.5 * np.hypot(OFFSET, OFFSET)
