"""Files with damage of many kinds, read by every reader: each is read, or refused by a message.

A seed makes the same files anywhere. The tests run some; by hand, for an hour:
    python tests/fuzz_files.py --cases 200000 --seed 2
What fails is kept in the folder that --keep names, and listed with the seed that makes it.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import logging
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from matting_nodes import sample_data
from matting_nodes.arrays import Kind
from matting_nodes.errors import MattingError
from matting_nodes.io.decoding import READABLE, decode
from matting_nodes.io.stacks import read_stack

LONGEST = 10
"""Seconds in which a file of some kilobytes is read or refused."""
MOST_MEMORY = 3 * 2**30
"""Bytes of address space beyond what the program itself takes."""
TIFFS = (
    "none",
    "zlib",
    "lzw",
    "packbits",
    "jpeg",
    "zstd",
    "lzma",
    "webp",
    "png",
    "jpeg2000",
    "lerc",
)


class TooLong(BaseException):
    """No Exception, since readers catch those and go on."""


def corpus() -> list[bytes]:
    """Return small whole files of every format and kind, from the bundled pictures."""
    lemur = (sample_data.lemur()[100:124, 200:232] * 255).astype(np.uint8)
    alpha = (sample_data.lemur_alpha()[100:124, 200:232] * 255).astype(np.uint8)
    rgba = np.dstack([lemur, alpha])
    files = [path.read_bytes() for path in sorted(sample_data.FOLDER.rglob("*.*p*g"))[:1]]
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"):
        picture = Image.fromarray(rgba if "A" in mode else lemur)
        if mode in ("I;16", "F"):
            picture = Image.fromarray(lemur[..., 0].astype(np.uint16) * 257)
        picture = picture.convert("I" if mode == "I;16" else mode)
        for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF"):
            files += _saved(lambda stream, p=picture, k=kind: p.save(stream, k))
    frames = [Image.fromarray(np.roll(lemur, n, 0)) for n in range(3)]
    for kind in ("PNG", "GIF", "WEBP", "TIFF"):
        more = {"save_all": True, "append_images": frames[1:]}
        files += _saved(lambda stream, k=kind, m=more: frames[0].save(stream, k, **m))
    files += [imagecodecs.png_encode(rgba.astype(np.uint16) * 257)]
    arrays = (lemur, rgba, lemur[..., 0].astype(np.uint16) * 257, lemur / np.float32(255))
    for array in (*arrays, np.stack([lemur[..., 0]] * 4)):
        photometric = "rgb" if array.shape[2:] in ((3,), (4,)) else "minisblack"
        for compression in TIFFS:
            for more in (
                {},
                {"tile": (16, 16)},
                {"ome": True},
                {"imagej": True},
                {"bigtiff": True},
            ):
                options = {"compression": compression, "photometric": photometric, **more}
                files += _saved(lambda stream, a=array, o=options: tifffile.imwrite(stream, a, **o))
    return files


def _saved(save: Callable[[io.BytesIO], None]) -> list[bytes]:
    """Return the file, or nothing where the format cannot hold it."""
    stream = io.BytesIO()
    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        save(stream)
        return [stream.getvalue()]
    return []


def damaged(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """Return a file with one to four kinds of damage."""
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4))):
        if not changed:
            break
        # Most of the structure is at the beginning, of some TIFFs at the end.
        reach = dice.choice((32, 200, 1000, len(changed)))
        at = dice.randrange(min(reach, len(changed)) or 1)
        at = len(changed) - 1 - at if dice.random() < 0.2 else at
        kind = dice.randrange(7)
        if kind == 0:
            changed[at : at + 1] = bytes([dice.randrange(256)])
        elif kind == 1:  # a number that may be a size, an offset or a count
            width, order = dice.choice((1, 2, 4, 8)), dice.choice(("little", "big"))
            number = dice.choice((0, 1, 2, 127, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**64 - 1))
            changed[at : at + width] = (number % 2 ** (8 * width)).to_bytes(width, order)
        elif kind == 2:
            del changed[at:]
        elif kind == 3:
            del changed[at : at + dice.randrange(1, 64)]
        elif kind == 4:
            changed[at:at] = changed[at : at + dice.randrange(1, 64)] * dice.choice((1, 2, 1000))
        elif kind == 5:
            other = dice.choice(others)
            start = dice.randrange(len(other))
            changed[at : at + 64] = other[start : start + 64]
        else:
            changed[at] ^= 1 << dice.randrange(8)
    return bytes(changed)


def read(path: Path, kind: Kind) -> str:
    """Return how every reader answers."""
    answers = []
    for reader in (
        lambda: decode(path, kind),
        lambda: read_stack(path, kind=kind),
        *_by_ffmpeg(path),
    ):
        try:
            reader()
            answers.append("read")
        except MattingError:
            answers.append("refused")
    return " ".join(answers)


def _by_ffmpeg(path: Path) -> Iterator[Callable[[], object]]:
    from matting_nodes.graph.types import _decoding

    yield lambda: _decoding.decode(path)


def fuzz(cases: int, seed: int, keep: Path | None = None) -> tuple[Counter[str], list[str]]:
    """Return how often files were read or refused, and what failed."""
    whole, counts, failures, slowest = corpus(), Counter(), [], (0.0, 0)
    signal.signal(signal.SIGALRM, _too_long)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(cases):
            dice = random.Random(f"{seed} {number}")
            data = damaged(dice.choice(whole), whole, dice)
            path = Path(folder, f"a{dice.choice((*READABLE, '.gif', '.avif', ''))}")
            path.write_bytes(data)
            signal.alarm(LONGEST)
            started = time.monotonic()
            try:
                counts[read(path, dice.choice(list(Kind)[:5]))] += 1
            except (Exception, TooLong):
                place = traceback.format_exc().splitlines()
                failures.append(
                    f"seed {seed}, case {number}, {path.suffix}: {' '.join(place[-3:])}"
                )
                if keep:
                    keep.mkdir(exist_ok=True)
                    (keep / f"{seed}_{number}{path.suffix}").write_bytes(data)
            finally:
                signal.alarm(0)
            slowest = max(slowest, (time.monotonic() - started, number))
            path.unlink()
    counts[f"slowest: case {slowest[1]}, milliseconds"] = round(1000 * slowest[0])
    return counts, failures


def _too_long(*_: object) -> None:
    raise TooLong(f"not read or refused within {LONGEST} s")


def _limit_memory() -> None:
    """Let what would fill the memory fail instead."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    faulthandler.enable()
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:  # imports all before the memory is limited
        for data in corpus()[1:2]:
            Path(folder, "a.png").write_bytes(data)
            read(Path(folder, "a.png"), Kind.IMAGE)
    if sys.platform == "linux":
        _limit_memory()
    counts, failures = fuzz(options.cases, options.seed, options.keep)
    print(dict(counts))
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
