"""Mattes of clips whose truth is known: errors, flicker and delay; and the speed and memory.

    python benchmarks/video.py FOLDER [NAME ...]
    python benchmarks/video.py FOLDER --speed [NAME]
    python benchmarks/video.py FOLDER --memory [NAME]

FOLDER holds input, gt and trimap1 as alphamatting.com's training images. Each object moves by
a known path over scikit-image's astronaut; 60 frames of 640 × 360, with noise,
through H.264 at crf 23. Speed and memory are those of files, from decoding to encoding.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from skimage import data

from matting_nodes.arrays import Kind, as_alpha, as_image, as_trimap
from matting_nodes.hosts.cli import main
from matting_nodes.io.images import read, write_image
from matting_nodes.sample_data.clips import moving_object
from matting_nodes.video.clip import ClipTask, matte_clip
from matting_nodes.video.matting import Matting
from matting_nodes.video.reader import Reader

FRAMES = 60
METHODS = ("sampled_propagation", "guided_filter", "shared_sampling", "closed_form", "knn")


def moving(folder, name, height=360, width=640):
    """Return a picture's object, ready to move."""
    kinds = (("input", Kind.IMAGE), ("gt", Kind.ALPHA), ("trimap1", Kind.TRIMAP))
    image, alpha, trimap = (read(folder / f / f"{name}.png", kind) for f, kind in kinds)
    behind = as_image(data.astronaut())
    planes = as_image(image), as_alpha(alpha), as_trimap(trimap)
    return moving_object(*planes, behind, height, width)


def encode(file, frames, height=360, width=640):
    """Write frames as H.264."""
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.options = {"crf": "23"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.picture)))
        container.mux(stream.encode())


def clip(folder, name):
    """Return the frames of a clip as decoded, and what is true of them."""
    truth = list(moving(folder, name).frames(FRAMES))
    file = BytesIO()
    encode(file, truth)
    return list(Reader(file).frames()), truth


def mattes(frames, trimaps):
    """Return mattes that know each other; with one trimap, it is carried."""
    known = iter(enumerate(trimaps)) if len(trimaps) > 1 else None
    found = Matting().mattes(frames, lambda i, _: trimaps[0] if i == 0 else None, known)
    return np.stack([matte.alpha for matte in found])


def blended(alphas):
    """Return each matte mixed half and half with the last one, as OBS's plugins do."""
    result = [alphas[0]]
    for alpha in alphas[1:]:
        result.append((alpha + result[-1]) / 2)
    return np.stack(result)


def scores(alphas, truth):
    """Return dtSSD, MAD in thousandths, and the delay at which mattes fit best, in frames."""
    flicker = 100 * np.sqrt(np.mean(np.square(np.diff(alphas - truth, axis=0))))
    errors = [np.abs(alphas[5:] - truth[5 - lag : len(truth) - lag]).mean() for lag in range(5)]
    return flicker, 1000 * np.abs(alphas - truth).mean(), int(np.argmin(errors))


def quality(folder, names):
    """Print a table, and the means of the ratios that count."""
    print(f"{'':26}{'dtSSD':>8} {'MAD':>8} {'delay':>8}")
    ratios = []
    for name in names:
        frames, clip_truth = clip(folder, name)
        truth, trimaps = (
            np.stack([getattr(f, k) for f in clip_truth]) for k in ("alpha", "trimap")
        )
        alone = np.stack([mattes([f], [t])[0] for f, t in zip(frames, trimaps, strict=True)])
        rows = {
            "frame by frame": alone,
            "with the last one": blended(alone),
            "together": mattes(frames, trimaps),
            "one trimap": mattes(frames, trimaps[:1]),
        }
        found = {row: scores(alphas, truth) for row, alphas in rows.items()}
        for row, (flicker, error, delay) in found.items():
            print(f"{name} {row}".ljust(26) + f"{flicker:8.2f} {error:8.2f} {delay:8d}", flush=True)
        one, last, ours, carried = found.values()
        ratios.append([ours[0] / one[0], ours[0] / last[0], ours[1] / one[1], carried[1] / ours[1]])
    labels = "dtSSD / alone", "dtSSD / last", "MAD / alone", "SAD of one trimap / all"
    for label, values in zip(labels, np.transpose(ratios), strict=True):
        print(f"{label:26}{np.mean(values):8.2f}  {min(values):.2f} to {max(values):.2f}")


def speed(folder, name):
    """Print frames a second of each method, from a file to a composite in another."""
    with tempfile.TemporaryDirectory() as place:
        for height, width, count in ((360, 640, 80), (720, 1280, 50)):
            source, frames = Path(place) / f"{height}.mp4", moving(folder, name, height, width)
            frames = list(frames.frames(count))
            encode(str(source), frames, height, width)
            for method in METHODS if height == 360 else METHODS[:2]:
                rates = []
                for _ in range(2):  # the first one compiles
                    target = str(Path(place) / "out.mp4")
                    task = ClipTask(
                        str(source), target, frames[0].trimap, background="#404040", force=True
                    )
                    task = ClipTask(**{**vars(task), "matting": Matting(method)})
                    began = time.perf_counter()
                    done = matte_clip(task).frames
                    rates.append(done / (time.perf_counter() - began))
                print(f"{width} × {height} {method:22} {max(rates):6.1f} a second", flush=True)


def memory(folder, name):
    """Print peak memory of a short clip, a long one, and one of 1080p, each in a new process."""
    with tempfile.TemporaryDirectory() as place:
        for height, width, count in ((360, 640, 300), (360, 640, 3000), (1080, 1920, 300)):
            source = Path(place) / "in.mp4"
            encode(str(source), moving(folder, name, height, width).frames(count), height, width)
            trimap = Path(place) / "trimap.png"
            write_image(
                trimap, next(moving(folder, name, height, width).frames(1)).trimap, force=True
            )
            command = [sys.executable, __file__, "--one", str(source), str(trimap), place]
            peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(f"{count} frames of {width} × {height}: {peak.strip()} MB", flush=True)


def peak_memory():
    """Return the peak of this process's memory in MB, on Linux."""
    # Not ru_maxrss: a process inherits its parent's peak, here that of making the clip.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def one(source, trimap, place):
    """Matte a clip, and print the peak of this process in MB."""
    target = str(Path(place) / "out.mp4")
    given = ["--trimap", trimap, "--background", "#404040", "--force", "--quiet"]
    with redirect_stdout(sys.stderr):
        main(["video", source, "-o", target, *given])
    print(peak_memory())


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        one(*sys.argv[2:])
    else:
        where, rest = Path(sys.argv[1]), sys.argv[2:]
        if rest[:1] in (["--speed"], ["--memory"]):
            {"--speed": speed, "--memory": memory}[rest[0]](where, (*rest[1:], "GT05")[0])
        else:
            quality(where, rest or sorted(p.stem for p in (where / "gt").iterdir()))
