"""Mattes of clips whose truth is known: errors, flicker and delay, frame by frame and together.

    python benchmarks/video.py FOLDER [NAME ...]

FOLDER holds input, gt and trimap1 as alphamatting.com's training images. Each object moves by
a known path over scikit-image's astronaut; 60 frames of 640 × 360, with noise,
through H.264 at crf 23.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from skimage import data

from matting_nodes.arrays import Kind, as_alpha, as_image, as_trimap
from matting_nodes.io.images import read
from matting_nodes.sample_data.clips import moving_object
from matting_nodes.video.matting import Matting
from matting_nodes.video.reader import Reader

FRAMES = 60


def clip(folder, name):
    """Return the frames of a clip as decoded, and what is true of them."""
    kinds = (("input", Kind.IMAGE), ("gt", Kind.ALPHA), ("trimap1", Kind.TRIMAP))
    image, alpha, trimap = (read(folder / f / f"{name}.png", kind) for f, kind in kinds)
    behind = as_image(data.astronaut())
    moving = moving_object(as_image(image), as_alpha(alpha), as_trimap(trimap), behind)
    truth = list(moving.frames(FRAMES))
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 360, 640, "yuv420p"
        stream.options = {"crf": "23"}
        for frame in truth:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.picture)))
        container.mux(stream.encode())
    return list(Reader(file).frames()), truth


def mattes(frames, trimaps):
    """Return mattes that know the last ones; with one trimap, it is carried."""
    known = iter(enumerate(trimaps)) if len(trimaps) > 1 else None
    found = Matting().mattes(frames, lambda i, _: trimaps[0] if i == 0 else None, known)
    return np.stack([matte.alpha for matte in found])


def scores(alphas, truth):
    """Return dtSSD, MAD in thousandths, and the delay at which mattes fit best, in frames."""
    flicker = 100 * np.sqrt(np.mean(np.square(np.diff(alphas - truth, axis=0))))
    errors = [np.abs(alphas[5:] - truth[5 - lag : len(truth) - lag]).mean() for lag in range(5)]
    return f"{flicker:8.2f} {1000 * np.abs(alphas - truth).mean():8.2f} {np.argmin(errors):8d}"


def main(folder, names):
    """Print a table."""
    print(f"{'':24}{'dtSSD':>8} {'MAD':>8} {'delay':>8}")
    for name in names:
        frames, clip_truth = clip(folder, name)
        truth, trimaps = (
            np.stack([getattr(f, k) for f in clip_truth]) for k in ("alpha", "trimap")
        )
        alone = [mattes([f], [t])[0] for f, t in zip(frames, trimaps, strict=True)]
        print(f"{name} frame by frame".ljust(24) + scores(np.stack(alone), truth))
        print(f"{name} together".ljust(24) + scores(mattes(frames, trimaps), truth))
        print(
            f"{name} one trimap".ljust(24) + scores(mattes(frames, trimaps[:1]), truth), flush=True
        )


if __name__ == "__main__":
    where = Path(sys.argv[1])
    main(where, sys.argv[2:] or sorted(p.stem for p in (where / "gt").iterdir()))
