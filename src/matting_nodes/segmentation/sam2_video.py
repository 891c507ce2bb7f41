"""SAM 2 in stacks: what is pointed at in one frame is followed through all of them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Box, Image, Mask, Points
from ..errors import MattingError, MissingInputError
from ..framework.register import method
from ..framework.stack import Stack
from ..job import Job
from ..models.inputs import normalized
from ..models.parameters import Precision, Weights
from .sam2 import SIDE, WORK, scaled_prompts

# Multiply-adds for the memory of a frame and for looking at those of seven, beyond the picture's
MEMORY_WORK = 1.5e11
# As far as the network looks back: 16 frames' pointers, 7 frames' features.
FAR = 16
# The inputs that the network takes as prompts
TAKEN = ("box", "foreground_points", "background_points")
# What the network looks at again of an earlier frame
REMEMBERED = ("object_pointer", "maskmem_features", "maskmem_pos_enc")
# Labels by which the network knows the corners of a box among points
CORNERS = (2, 3)


@method(
    "segment",
    title="SAM 2 through a stack (network)",
    networks=("sam2_tiny", "sam2_small", "sam2_base_plus", "sam2_large"),
)
def sam2_video(
    image: Image,
    box: Box | None = None,
    foreground_points: Points | None = None,
    background_points: Points | None = None,
    *,
    size: Literal["tiny", "small", "base_plus", "large"] = "tiny",
    soft: bool = False,
    weights: Weights = "",
    precision: Precision = "auto",
    device: str,
    job: Job,
    stack: Stack,
) -> Mask:
    """Follow what points and a box mark in one frame through a clip or stack, by SAM 2.1.

    It needs the package transformers: pip install "matting-nodes[networks]".
    The first frame with a foreground point or a box says which object is meant. From there it is
    followed to both ends. Points and boxes in other frames correct it there, and count in all
    frames beyond. A prompt that belongs to no frame belongs to the first.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The frame.
    box : (left, top, right, bottom), pixels, optional
        Around the object in this frame.
    foreground_points, background_points : (N, 2) float, pixels, optional
        x and y of places on the object and beside it in this frame.
    size : {"tiny", "small", "base_plus", "large"}
        Size of the network.
    soft : bool
        Give probabilities rather than 0 and 1: for Make Trimap's soft thresholds.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    MissingInputError
        If no frame has a box or a foreground point.
    ValueRangeError
        If a point lies outside the picture.
    WeightsError
        If the weights are not available or do not fit.
    DependencyError
        If transformers is not installed.

    Notes
    -----
    Ravi et al., "SAM 2: Segment Anything in Images and Videos", 2024 (arXiv:2408.00714), in
    transformers' implementation. As in the authors' configuration of 2.1, a corrected frame is
    remembered like the first one; of more than 16 such frames, the nearest.
    """
    from scipy.special import expit

    from ..models.pool import POOL
    from ..models.predict import check_finite, note_network

    if stack.index == 0:
        stack.memory["tracker"] = Tracker(stack, image.shape[:2])
    tracker: Tracker = stack.memory["tracker"]
    name = f"sam2_{size}"
    with POOL.lease(
        f"{name}_video", device=device, precision=precision, weights=weights, job=job.part(0, 0.1)
    ) as network:
        low = tracker.low_logits(network, stack.index, WORK[size] + MEMORY_WORK, job.part(0.1, 1))
        note_network(job, name, network)
    check_finite(name, low)
    logits = _enlarged(low, image.shape[:2])
    mask = expit(logits) if soft else logits > 0
    return mask.astype(np.float32)


class Tracker:
    """An object on its way through a stack.

    Held are the memories of the frames that the network looks back at, and the small masks of
    those before the first prompt, a quarter of a megabyte each, until they are asked for.

    Parameters
    ----------
    stack : Stack
        The frames.
    shape : (height, width), pixels
        Of a frame.
    """

    def __init__(self, stack: Stack, shape: tuple[int, ...]) -> None:
        self._stack = stack
        self._prompts: dict[int, dict[str, NDArray[Any]]] = {}
        self._begin = -1
        for index in range(stack.count):
            prompts = stack.prompts(index)
            given = {name: prompts[name] for name in TAKEN}
            if all(value is None for value in given.values()):
                continue
            try:
                self._prompts[index] = _as_points(shape, given)
            except MattingError as error:
                raise error.in_frame(index) if stack.count > 1 else error from error
            points_at_it = given["box"] is not None or given["foreground_points"] is not None
            if self._begin < 0 and points_at_it:
                self._begin = index
        if self._begin < 0:
            raise MissingInputError(
                "SAM 2 got neither a box nor a foreground point in any frame",
                "It follows what is pointed at in one frame at least",
                "Draw a box around the object in one frame, or set a point on it",
            )
        self._session: Any = None
        self._held: dict[int, NDArray[np.float32]] = {}

    def low_logits(self, network: Any, index: int, work: float, job: Job) -> NDArray[np.float32]:
        """Return the logits of a frame's mask, small; frames are asked for from the first on.

        Parameters
        ----------
        network : Module
            transformers' Sam2VideoModel.
        index : int
            The frame.
        work : float, multiply-adds
            What a frame takes.
        job : Job
            Progress and cancel.
        """
        if self._session is None:
            self._session = _session(self._stack.count)
            # From the first prompt backwards, so that the frames then come in their order.
            way = list(range(self._begin, -1, -1))
            for frame, part in job.each(way):
                self._held[frame] = self._tracked(network, frame, work, part, frame < self._begin)
        if index in self._held:
            return self._held.pop(index)
        return self._tracked(network, index, work, job, False)

    def _tracked(
        self, network: Any, index: int, work: float, job: Job, reverse: bool
    ) -> NDArray[np.float32]:
        from ..models.predict import watched

        message = f"SAM 2: frame {index + 1} of {self._stack.count}"
        job.step(0, message=message)
        self._place(network, index)
        with watched(job, work, message):
            if index != self._begin:
                answer = self._run(network, index, reverse, prompted=False)
            if index in self._prompts:
                answer = self._run(network, index, reverse, prompted=True)
        self._forget(index)
        low: NDArray[np.float32] = answer.pred_masks[0, 0].float().cpu().numpy()
        return low

    def _place(self, network: Any, index: int) -> None:
        """Show the session a frame, on the device of the network, which may have changed."""
        import torch
        from torch.nn.functional import interpolate

        session, where = self._session, next(network.parameters()).device
        for holder in (session, session.cache):
            holder.inference_device = holder.inference_state_device = where
        session.video_storage_device = where
        picture = torch.from_numpy(normalized(self._stack.frame(index)["image"])).to(where)
        square = interpolate(picture[None], (SIDE, SIDE), mode="bilinear", antialias=True)
        session.add_new_frame(square, index)

    def _run(self, network: Any, index: int, reverse: bool, *, prompted: bool) -> Any:
        """Track the object into a frame, or correct it there by the frame's prompts."""
        session, overflowed = self._session, getattr(network, "overflowed", False)
        if prompted:
            self._prompt(index)
        answer = network(inference_session=session, frame_idx=index, reverse=reverse)
        if getattr(network, "overflowed", False) and not overflowed:
            # What it noted in halves is taken back; now it computes in float32.
            session.cache.clear_all()
            for kept in self._outputs():
                kept.pop(index, None)
            if not prompted:
                session.frames_tracked_per_obj[0].pop(index, None)
            return self._run(network, index, reverse, prompted=prompted)
        for kept in self._outputs():
            # Autocast cannot join bfloat16, in which memories are made, with other halves.
            for name in REMEMBERED if index in kept else ():
                kept[index][name] = kept[index][name].float()
        if prompted and index != self._begin:
            first, others = self._outputs()
            first[index] = others.pop(index)
        return answer

    def _prompt(self, index: int) -> None:
        import torch

        session, given = self._session, self._prompts[index]
        inputs = {name: torch.from_numpy(values)[None, None] for name, values in given.items()}
        session.add_point_inputs(session.obj_id_to_idx(1), index, inputs)
        session.obj_with_new_inputs = [1]

    def _outputs(self) -> tuple[dict[int, Any], dict[int, Any]]:
        """Return what is remembered of prompted frames, and of others."""
        outputs = self._session.output_dict_per_obj[0]
        return outputs["cond_frame_outputs"], outputs["non_cond_frame_outputs"]

    def _forget(self, index: int) -> None:
        """Drop what the network does not look at again."""
        prompted, others = self._outputs()
        for kept in (prompted, others):
            if index in kept:
                kept[index].pop("high_res_masks", None)
        self._session.processed_frames.pop(index)
        for frame in list(others):
            # From the first prompt it goes two ways.
            if min(abs(frame - index), abs(frame - self._begin)) > FAR:
                del others[frame]
        by_distance = sorted(prompted, key=lambda frame: abs(frame - index))
        for frame in by_distance[FAR:]:
            if frame != self._begin:
                del prompted[frame]


def _session(count: int) -> Any:
    """Return a session of transformers that knows how many frames will come."""
    import torch
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    class Session(Sam2VideoInferenceSession):  # type: ignore[misc]
        # It counts those that it holds, and they come one by one.
        num_frames = count

    return Session(dtype=torch.float32)


def _as_points(shape: tuple[int, ...], given: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Return a frame's prompts as points with labels, as the session takes them."""
    height, width = shape
    scaled = scaled_prompts(height, width, *(given[name] for name in TAKEN))
    points = scaled.get("input_points", np.empty((0, 2)))
    labels = scaled.get("input_labels", np.empty(0))
    if "input_boxes" in scaled:
        points = np.concatenate([scaled["input_boxes"].reshape(2, 2), points])
        labels = np.concatenate([CORNERS, labels])
    return {"point_coords": points.astype(np.float32), "point_labels": labels.astype(np.int32)}


def _enlarged(low: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    import torch
    from torch.nn.functional import interpolate

    enlarged = interpolate(torch.from_numpy(low)[None, None], tuple(shape), mode="bilinear")
    logits: NDArray[np.float32] = enlarged[0, 0].numpy()
    return logits
