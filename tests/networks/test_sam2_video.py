"""SAM 2 through a stack, beside transformers' own inference on the whole clip."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from matting_nodes import Cancelled, Job, Prompts, map_frames, segment
from matting_nodes.errors import MissingInputError, ValueRangeError, WeightsError
from matting_nodes.framework.stack import Stack
from matting_nodes.models.catalog import model
from matting_nodes.models.pool import POOL
from matting_nodes.segmentation.sam2_video import Tracker

from .conftest import fill

POINTED, CORRECTED = 1, 2
FOREGROUND, BACKGROUND = [(60.0, 50.0), (75.0, 40.0)], [(20.0, 70.0)]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The video network and a file of its weights, by which objects stay in sight."""
    pytest.importorskip("transformers")
    reference = model("sam2_tiny_video").build().eval()
    shapes = {name: list(value.shape) for name, value in reference.state_dict().items()}
    state = fill(shapes)
    state["mask_decoder.pred_obj_score_head.proj_out.bias"] += 100
    reference.load_state_dict(state)
    path = tmp_path_factory.mktemp("sam2") / "weights.pth"
    torch.save(reference.state_dict(), path)
    yield reference, str(path)
    POOL.free()
    path.unlink()


@pytest.fixture(scope="module")
def clip(lemur):
    return [lemur[100 + 4 * i : 200 + 4 * i, 150 + 6 * i : 280 + 6 * i] for i in range(4)]


def followed(clip, path, foreground, background=None, **parameters):
    given = {"image": clip, "foreground_points": foreground, "background_points": background}
    inputs = {name: frames for name, frames in given.items() if frames is not None}
    settings = {"method": "sam2_video", "weights": path, "soft": True, "device": "cpu"}
    results = map_frames(segment, inputs, settings | parameters)
    return [result.values["mask"] for result in results]


def at(index, value, count=4):
    return [value if i == index else None for i in range(count)]


@torch.no_grad()
def by_transformers(network, clip):
    """Pointed at in one frame, tracked back and on, corrected in a later frame, tracked on."""
    from transformers import Sam2ImageProcessor, Sam2VideoProcessor, Sam2VideoVideoProcessor

    processor = Sam2VideoProcessor(Sam2ImageProcessor(), Sam2VideoVideoProcessor(do_rescale=False))
    video = torch.from_numpy(np.stack(clip)).permute(0, 3, 1, 2)
    session = processor.init_video_session(video=video)
    masks = {}

    def note(answer):
        size = [list(video.shape[-2:])]
        low = [answer.pred_masks]
        masks[answer.frame_idx] = processor.post_process_masks(low, size, binarize=False)[0][0, 0]

    def prompt(index, points, label):
        labels = [[[label] * len(points)]]
        processor.add_inputs_to_inference_session(
            session, index, 1, input_points=[[[list(p) for p in points]]], input_labels=labels
        )
        note(network(inference_session=session, frame_idx=index))

    prompt(POINTED, FOREGROUND, 1)
    for answer in network.propagate_in_video_iterator(session, POINTED, reverse=True):
        note(answer)
    for answer in network.propagate_in_video_iterator(session, POINTED, CORRECTED - POINTED):
        note(answer)
    prompt(CORRECTED, BACKGROUND, 0)
    # The authors' configuration of 2.1: add_all_frames_to_correct_as_cond
    outputs = session.output_dict_per_obj[0]
    outputs["cond_frame_outputs"][CORRECTED] = outputs["non_cond_frame_outputs"].pop(CORRECTED)
    for answer in network.propagate_in_video_iterator(session, CORRECTED):
        note(answer)
    return [masks[index].sigmoid().numpy() for index in range(len(clip))]


def test_a_clip_is_followed_as_by_transformers_and_a_correction_counts_from_its_frame_on(
    network, clip
):
    reference, path = network
    expected = by_transformers(reference, clip)
    corrected = followed(clip, path, at(POINTED, FOREGROUND), at(CORRECTED, BACKGROUND))
    for index in range(len(clip)):
        assert expected[index].std() > 0.01
        np.testing.assert_allclose(corrected[index], expected[index], atol=1e-3)
    plain = followed(clip, path, at(POINTED, FOREGROUND))
    for index in range(CORRECTED):
        np.testing.assert_array_equal(plain[index], corrected[index])
    for index in range(CORRECTED, len(clip)):
        assert np.abs(plain[index] - corrected[index]).max() > 0.01


def test_a_prompt_that_belongs_to_no_frame_belongs_to_the_first(network, clip):
    """A box around the object, and no frame stays in the session once it was tracked."""
    path, box = network[1], (40.0, 20.0, 110.0, 90.0)
    for_all = [
        result.values["mask"]
        for result in map_frames(
            segment,
            {"image": clip[:2], "box": [box]},
            {"method": "sam2_video", "weights": path, "device": "cpu", "soft": True},
        )
    ]
    stack = Stack(2, lambda i: {"image": clip[i]}, lambda i: prompts(box if i == 0 else None))
    tracker = Tracker(stack, clip[0].shape[:2])
    for index, mask in enumerate(for_all):
        low = tracker.low_logits(network[0], index, 1e11, Job())
        large = interpolate(torch.from_numpy(low)[None, None], mask.shape, mode="bilinear")
        np.testing.assert_allclose(mask, large[0, 0].sigmoid(), atol=1e-3)
        assert not tracker._session.processed_frames


def test_progress_names_each_frame_and_a_cancel_ends_it_between_them(network, clip):
    said = []
    job = Job(
        lambda fraction, message: said.append((fraction, message)),
        lambda: any("frame 2 of 4" in message for _, message in said),
    )
    with pytest.raises(Cancelled):
        list(
            map_frames(
                segment,
                {"image": clip, "foreground_points": at(0, FOREGROUND)},
                {"method": "sam2_video", "weights": network[1], "device": "cpu"},
                job,
            )
        )
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions)
    messages = {message for _, message in said}
    assert "SAM 2: frame 1 of 4" in messages
    assert "SAM 2: frame 3 of 4" not in messages


@pytest.mark.parametrize("background", [None, at(2, BACKGROUND)], ids=["none", "beside it"])
def test_a_stack_in_which_nothing_points_at_the_object_is_refused(clip, background):
    with pytest.raises(MissingInputError, match=r"^SAM 2 got neither .* in any frame"):
        followed(clip, "", None, background)


def test_a_point_beside_the_picture_is_refused_with_its_frame(clip):
    with pytest.raises(ValueRangeError, match="Frame 2: A point lies outside"):
        followed(clip, "", at(0, FOREGROUND), at(2, [(500.0, 10.0)]))


def test_prompts_that_come_together_belong_to_the_first_frame_too(clip):
    """The point is taken as the first frame's: the network comes next, whose file is missing."""
    inputs = {"image": clip, "prompts": [Prompts(foreground_points=FOREGROUND)]}
    with pytest.raises(WeightsError, match=r"nowhere\.pth is not a file"):
        list(map_frames(segment, inputs, {"method": "sam2_video", "weights": "nowhere.pth"}))


def prompts(box):
    return {"box": box, "foreground_points": None, "background_points": None}
