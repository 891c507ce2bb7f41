"""One painted frame serves a clip; a correction counts up to its neighbors."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.sample_data.clips import lemur_clip
from matting_nodes.video.carrying import BackwardCarrier, Carrier, carried
from matting_nodes.video.flow import grey, motion, object_motion


@pytest.fixture(scope="module")
def frames():
    return list(lemur_clip(180, 320).frames(24))


def wrong(trimap, truth):
    """Return the share of pixels that are called foreground but are not, or the other way."""
    return ((trimap == 255) & (truth == 0) | (trimap == 0) & (truth == 255)).mean()


def test_a_trimap_follows_its_object(frames):
    carrier, before = Carrier(frames[0].trimap), grey(frames[0].picture)
    for frame in frames[1:]:
        now = grey(frame.picture)
        carrier.step(motion(now, before))
        before = now
        assert wrong(carrier.trimap, frame.trimap) < 0.002
        known = (carrier.trimap != 128) & (frame.trimap != 128)
        assert known.mean() > 0.85
    still = wrong(frames[0].trimap, frames[-1].trimap)
    assert wrong(carrier.trimap, frames[-1].trimap) < 0.2 * still


def test_the_band_does_not_widen(frames):
    found = dict(carried((f.picture for f in frames), {0: frames[0].trimap}, len(frames)))
    first, last = ((found[i] == 128).mean() for i in (0, len(frames) - 1))
    assert last < 1.4 * first


def test_key_frames_count_both_ways(frames):
    pictures = [frame.picture for frame in frames]
    keys = {12: frames[12].trimap}
    found = dict(carried(iter(pictures), keys, len(pictures)))
    assert sorted(found) == list(range(24))
    assert np.array_equal(found[12], frames[12].trimap)
    for index in (0, 6, 18, 23):
        assert wrong(found[index], frames[index].trimap) < 0.002


def test_a_correction_changes_frames_up_to_its_neighbors(frames):
    pictures = [frame.picture for frame in frames]
    keys = {i: frames[i].trimap for i in (0, 16)}
    before = dict(carried(iter(pictures), keys, len(pictures)))
    corrected = frames[8].trimap.copy()
    corrected[100:130, 140:180] = 0
    after = dict(carried(iter(pictures), keys | {8: corrected}, len(pictures)))
    changed = [i for i in range(24) if (before[i] != after[i]).mean() > 0.005]
    assert set(range(5, 12)) <= set(changed) <= set(range(1, 16))


def test_what_enters_the_object_unseen_becomes_unknown(frames):
    before, now = (grey(frames[i].picture) for i in (0, 1))
    now = now.copy()
    now[90:130, 140:190] = np.random.default_rng(0).integers(0, 255, (40, 50))
    carrier = Carrier(frames[0].trimap)
    carrier.step(motion(now, before))
    covered = carrier.trimap[95:125, 145:185]
    assert (covered == 128).mean() > 0.4


def test_hair_moves_with_what_it_grows_on():
    """At the object's edge, plain flow follows the background as often as the object."""
    clip = lemur_clip()
    frames = list(clip.frames(2))
    x, y = clip._object_positions(1)
    before_x, before_y = clip._object_positions(0)
    flow = motion(grey(frames[1].picture), grey(frames[0].picture))
    moved = object_motion(flow, frames[1].trimap == 255)
    edge = frames[1].trimap == 128
    import cv2

    def error(flow):
        found = [cv2.remap(p, flow.x, flow.y, cv2.INTER_LINEAR) for p in (before_x, before_y)]
        return np.hypot(found[0] - x, found[1] - y)[edge].mean()

    assert error(moved) < 0.75 * error(flow)


def test_frames_wait_on_disk(frames, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with BackwardCarrier() as behind:
        for index, frame in enumerate(frames[:6]):
            behind.add(index, grey(frame.picture), None)
        assert len(list(tmp_path.rglob("*.npy"))) == 6
        assert [i for i, _ in behind.carry(frames[5].trimap)] == list(range(6))
        assert not list(tmp_path.rglob("*.npy"))
    assert not list(tmp_path.iterdir())
