"""What is done with each block: measured, sampled, and solved; and with all of them in between.

Samples, their weights and the links between similar colors are those of one solve of the whole, to
the bit: they are found in windows that reach as far as one solve looks. What a block is solved
from beyond its halo is the coarse solution at first, then what the other blocks have found.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from ..alpha._checks import full_contrast, has_both_regions
from ..alpha.propagation.color_links import CELLS_PER_AXIS, ColorLinks, _stride, linked_squares
from ..alpha.propagation.color_samples import (
    EXPANSION_REACH,
    EXPANSION_SAMPLES,
    PAIR_REACH,
    PAIR_SAMPLES,
    PROXIMITY_RADIUS,
    REFERENCE_DIAGONAL,
    SPATIAL_WEIGHT,
    _estimate,
    _expand,
    principal_colors,
)
from ..alpha.propagation.data_term import data_term, gather_unknowns
from ..alpha.propagation.sample_grid import TILE, SampleGrid, TileBatch, label_counts
from ..alpha.propagation.solve import EPSILON, propagate, sample_colors
from ..arrays import BACKGROUND, FOREGROUND, UNKNOWN, Trimap, unknown
from ..framework.normalization import measured, normalized
from ..job import Job
from ..solvers.boxes import Slices, corner, shifted, sides, whole, widened
from ..solvers.laplacian import laplacian_rows
from ..solvers.parallel import in_parallel
from .plan import Floats, Plan, whole_file

MAX_REACH = 2048
"""How far around a block known pixels are looked for at most, in pixels."""
SAMPLED_VALUES = 64
"""Values along each side of a block that tell what numbers the picture is stored in."""
LINKED = 1 << 31
"""Marks an unknown pixel beside its cell of color space."""


def measure(plan: Plan, block: int, job: Job) -> None:
    """Count the labels of a block, find its extremes, and shrink it.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    block : int
        Number of the block, row by row.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    import cv2

    job.step(0, message="Measuring")
    box = plan.box(block)
    labels, pixels = plan.labels(box), plan.pixels(box)
    labels = np.where(unknown(labels), UNKNOWN, labels)
    size = tuple(-(-side // plan.factor) for side in sides(box)[::-1])
    pad = [(0, -side % plan.factor) for side in sides(box)]
    small = cv2.resize(
        np.pad(pixels.astype(np.float32), [*pad, (0, 0)], mode="edge"),
        size,
        interpolation=cv2.INTER_AREA,
    )
    if pixels.dtype.kind in "ui":
        small = np.floor(small + 0.5).astype(pixels.dtype)
    padded = np.pad(labels, pad, mode="edge")
    share = {
        side: cv2.resize((padded == side).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        for side in (BACKGROUND, FOREGROUND)
    }
    # A scribble that is thinner than a coarse pixel stays.
    coarse = np.full(size[::-1], UNKNOWN, np.uint8)
    for side, other in ((BACKGROUND, FOREGROUND), (FOREGROUND, BACKGROUND)):
        coarse[(share[side] >= 0.5) & (share[other] == 0)] = side
    step = [max(1, side // SAMPLED_VALUES) for side in sides(box)]
    plan.keep(
        "measured",
        block,
        {
            "counts": label_counts(labels),
            "rows": np.count_nonzero(labels == UNKNOWN, axis=1),
            "low": pixels.min(),
            "high": pixels.max(),
            "sample": pixels[:: step[0], :: step[1], 0].ravel(),
            "image": small.reshape(*size[::-1], -1),
            "trimap": coarse,
        },
    )


def gather(plan: Plan) -> None:
    """Put together what was measured of the blocks."""
    height, width = plan.shape
    counts = np.zeros((3, -(-height // TILE), -(-width // TILE)), np.int64)
    small = tuple(-(-side // plan.factor) for side in plan.shape)
    row_starts = np.zeros((plan.count, plan.side + 1), np.int64)
    trimap: Trimap = np.empty(small, np.uint8)
    image: NDArray[Any] | None = None
    lows, highs, samples = [], [], []
    for block in range(plan.count):
        part, box = plan.load_several("measured", block), plan.box(block)
        tiles, coarse = (
            tuple(slice(s.start // n, -(-s.stop // n)) for s in box) for n in (TILE, plan.factor)
        )
        counts[(slice(None), *tiles)] = part["counts"]
        rows = np.cumsum(part["rows"])
        row_starts[block, 1 : len(rows) + 1] = rows
        row_starts[block, len(rows) + 1 :] = rows[-1]
        if image is None:
            image = np.empty((*small, part["image"].shape[2]), part["image"].dtype)
        image[coarse], trimap[coarse] = part["image"], part["trimap"]
        lows.append(part["low"])
        highs.append(part["high"])
        samples.append(part["sample"])
    there = [side for n, side in enumerate((BACKGROUND, FOREGROUND)) if counts[n].any()]
    has_both_regions(np.array([[UNKNOWN, *there]], np.uint8))
    low, high = np.min(lows), np.max(highs)
    some = np.concatenate([[low, high], *samples]).astype(np.asarray(low).dtype)
    values = measured([some[:, None, None]], plan.mode, "image")
    low, high = (
        normalized(np.full((1, 1, 1), value), values, "image").item() for value in (low, high)
    )
    assert image is not None
    plan.keep("coarse_image", None, image)
    plan.keep("coarse_trimap", None, trimap)
    none: Any = np.zeros((1, 1))
    plan.keep(
        "whole",
        None,
        {
            "value_low": values.low if values else none,
            "value_high": values.high if values else none,
            "by_type": np.bool_(values.by_type) if values else none,
            "low": np.float32(low),
            "high": np.float32(high),
            "counts": counts,
            "row_starts": row_starts,
            "offsets": np.concatenate([[0], np.cumsum(row_starts[:, -1])]),
        },
    )


def solve_coarse(plan: Plan, job: Job) -> None:
    """Solve the shrunk plane as a whole: both its solutions guide the blocks.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    image, trimap = np.asarray(plan.load("coarse_image")), np.asarray(plan.load("coarse_trimap"))
    both = trimap.min() == BACKGROUND and trimap.max() == FOREGROUND
    solve = unknown(trimap)
    if not both or not solve.any() or min(trimap.shape) < 3:
        # What is known is thinner than a coarse pixel.
        plan.keep("coarse", None, np.stack(2 * [trimap.astype(np.float32) / 255]))
        return
    picture = full_contrast(normalized(image, plan.whole.values, "image"))
    samples, term = sample_colors(picture, trimap, job.part(0, 0.5))
    start = term[0].copy()
    colors, term = gather_unknowns(samples.colors, term, solve, whole(solve.shape))
    links = ColorLinks(samples.colors).links_of(solve, start, whole(solve.shape), trimap, start)
    del samples
    rows = laplacian_rows(picture, solve, EPSILON, np.float32)
    solutions = propagate(
        rows, colors, solve, (links, links), term, (start, start), job.part(0.5, 1)
    )
    plan.keep("coarse", None, np.stack(solutions))


def guess(plan: Plan, window: Slices) -> Floats:
    """Return both coarse solutions in a window, interpolated, (2, h, w).

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    window : Slices
        Rows and columns of the plane.
    """
    import cv2

    factor, coarse = plan.factor, plan.load("coarse")
    near = tuple(slice(s.start // factor, -(-s.stop // factor)) for s in window)
    box = widened(near, 1, coarse.shape[1:])  # type: ignore[arg-type]
    height, width = sides(window)
    matrix = np.array(
        [
            [1 / factor, 0, (window[1].start + 0.5) / factor - 0.5 - box[1].start],
            [0, 1 / factor, (window[0].start + 0.5) / factor - 0.5 - box[0].start],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.stack(
        [
            cv2.warpAffine(
                np.ascontiguousarray(plane[box]),
                matrix,
                (width, height),
                flags=flags,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for plane in coarse
        ]
    )


def _scale(plan: Plan) -> float:
    return max(1.0, math.hypot(*plan.shape) / REFERENCE_DIAGONAL)


def _around(
    plan: Plan, block: int, reach: float, samples: int, counts: NDArray[Any]
) -> tuple[TileBatch, Slices]:
    """Return the tiles of a block, and the window around it that its samples come from."""
    grid = SampleGrid(plan.shape, reach, samples)
    grid.counts[...] = counts
    tiles = grid.first_tiles(plan.box(block))
    np.minimum(tiles.reaches, MAX_REACH, out=tiles.reaches)
    return tiles, plan.window(block, int(tiles.reaches.max(initial=0)))


def expand(plan: Plan, block: int, job: Job) -> None:
    """Expand the known regions into a block; find the cells of its colors.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    block : int
        Number of the block, row by row.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    scale, counts = _scale(plan), plan.whole.counts
    tiles, window = _around(plan, block, EXPANSION_REACH * scale, EXPANSION_SAMPLES, counts)
    inner = shifted(plan.box(block), window, -1)
    colors = principal_colors(plan.picture(window))
    known = plan.labels(window)
    known = np.where(unknown(known), UNKNOWN, known)
    expanded = known.copy()
    estimates, distances = np.zeros((2, 2, *known.shape), np.float32)
    weight = np.float32(SPATIAL_WEIGHT / scale)
    for chunk in tiles.chunks(job):
        in_parallel(
            _expand,
            len(chunk[0]),
            colors,
            known,
            counts,
            *chunk,
            weight,
            distances,
            expanded,
            estimates,
            *corner(window),
        )
    own = expanded[inner]
    solve = known[inner] == UNKNOWN
    whole_range = np.float32(plan.whole.low != plan.whole.high)
    cells = np.empty(own.shape, np.uint32)
    # Of the whole plane's colors, the least is 0 and the greatest is 1; grey is padded with 0.
    in_parallel(_cells, len(cells), colors[inner], solve, whole_range, cells, smallest=64)
    plan.keep("cells", block, cells)
    plan.keep("expanded", block, own)
    plan.keep("expanded_counts", block, label_counts(own))
    plan.keep("closeness", block, estimates[1][inner][solve])


@numba.njit(cache=True, nogil=True)
def _cells(start, stop, colors, solve, whole_range, cells):
    scale = np.float32(CELLS_PER_AXIS - 1) * whole_range
    n = np.uint32(CELLS_PER_AXIS)
    for y in range(start, stop):
        for x in range(cells.shape[1]):
            red = np.uint32(colors[y, x, 0] * scale)
            green = np.uint32(colors[y, x, 1] * scale)
            blue = np.uint32(colors[y, x, 2] * scale)
            cell = (red * n + green) * n + blue
            cells[y, x] = cell | np.uint32(LINKED) if solve[y, x] else cell


def gather_expanded(plan: Plan, job: Job) -> None:
    """Count the expanded labels of the whole plane, and link its pixels of similar color.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    counts = np.zeros_like(plan.whole.counts)
    for block in range(plan.count):
        tiles = tuple(slice(s.start // TILE, -(-s.stop // TILE)) for s in plan.box(block))
        counts[(slice(None), *tiles)] = plan.load("expanded_counts", block)
    plan.keep("all_expanded_counts", None, counts)
    _chain_all(plan, job)


def _chain_all(plan: Plan, job: Job) -> None:
    """Link the unknown pixels in chains, as `ColorLinks` does."""
    links: NDArray[np.int32] = np.full((2, plan.unknown_count), -1, np.int32)
    squares = linked_squares(plan.shape)
    for n, square in enumerate(squares):
        job.step(n, len(squares), "Linking similar colors")
        cells = np.empty(sides(square), np.uint32)
        for block in plan.blocks_in(square):
            theirs, mine = _common(plan.box(block), square)
            cells[mine] = plan.load("cells", block)[theirs]
        labels = np.where(cells & np.uint32(LINKED), UNKNOWN, BACKGROUND).astype(np.uint8)
        numbers = trimap_numbers(plan, square, labels)
        _chain(cells, numbers, *map(_stride, cells.shape), links)
    plan.keep("links", None, links)


@numba.njit(cache=True, nogil=True)
def _chain(cells, numbers, down, across, links):
    """Link each unknown pixel of a square to the last one of its cell, in a scrambled order."""
    height, width = cells.shape
    last = np.full(CELLS_PER_AXIS**3, -1, np.int32)
    known = ~np.uint32(LINKED)
    y = x = 0
    for _ in range(height):
        for _ in range(width):
            cell, number = cells[y, x] & known, numbers[y, x]
            before = last[cell]
            if number >= 0 and before >= 0:
                links[0, number] = before
                links[1, before] = number
            last[cell] = number
            x += across
            x -= width if x >= width else 0
        y += down
        y -= height if y >= height else 0


def estimate(plan: Plan, block: int, job: Job) -> None:
    """Estimate a block's α from pairs of colors; keep the data term and the coarse guess.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    block : int
        Number of the block, row by row.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    scale, box = _scale(plan), plan.box(block)
    counts = np.array(plan.load("all_expanded_counts"), np.int64)
    tiles, window = _around(plan, block, PAIR_REACH * scale, PAIR_SAMPLES, counts)
    inner = shifted(box, window, -1)
    colors = principal_colors(plan.picture(window))
    expanded = np.empty(colors.shape[:2], np.uint8)
    for other in plan.blocks_in(window):
        theirs, mine = _common(plan.box(other), window)
        expanded[mine] = plan.load("expanded", other)[theirs]
    labels = plan.labels(box)
    solve = unknown(labels)
    estimates = np.zeros((2, *expanded.shape), np.float32)
    estimates[1][inner][solve] = plan.load("closeness", block)
    radius = np.float32((PROXIMITY_RADIUS * scale) ** 2)
    for chunk in tiles.chunks(job):
        in_parallel(
            _estimate,
            len(chunk[0]),
            colors,
            expanded,
            counts,
            *chunk,
            radius,
            estimates,
            *corner(window),
        )
    own = np.ascontiguousarray(expanded[inner]), np.ascontiguousarray(estimates[:, *inner])
    coarse = guess(plan, box)
    # No pair within reach: the coarse solution is the best that is known.
    nothing = (own[0] == UNKNOWN) & (own[1][1] == 0)
    own[1][0][nothing] = coarse[1][nothing].clip(0, 1)
    term = data_term(labels, *own)
    plan.keep("term", block, term[:, solve])
    plan.keep("guess", block, coarse[:, solve])


def _common(box: Slices, window: Slices) -> tuple[Slices, Slices]:
    """Return what a box and a window have in common, counted within each."""
    both: Any = tuple(
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(box, window, strict=True)
    )
    return shifted(both, box, -1), shifted(both, window, -1)


def concatenate(plan: Plan, name: str) -> None:
    """Put the (n, N) float32 of all blocks together into one of all unknown pixels.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    name : str
        Name of the arrays.
    """
    rows = plan.load(name, 0).shape[0]
    with whole_file(plan.file(name)) as file:
        # Written, not mapped: on a full disk a mapped file would end the process without a word.
        header = {"descr": "<f4", "fortran_order": False}
        header["shape"] = rows, max(1, plan.unknown_count)
        np.lib.format.write_array_header_1_0(file, header)
        for row in range(rows):
            for block in range(plan.count):
                file.write(np.ascontiguousarray(plan.load(name, block)[row], "<f4").data)
            if plan.unknown_count == 0:
                file.write(np.zeros(1, "<f4").data)


def trimap_numbers(plan: Plan, window: Slices, labels: Trimap) -> NDArray[np.int32]:
    """Return the number of each unknown pixel of a window, −1 elsewhere.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    window : Slices
        Rows and columns of the plane.
    labels : (h, w) uint8
        The trimap in the window.
    """
    numbers: NDArray[np.int32] = np.full(labels.shape, -1, np.int32)
    for block in plan.blocks_in(window):
        box = plan.box(block)
        theirs, mine = _common(box, window)
        # Unknown pixels left of the window in the same block come first.
        before = np.zeros(sides(mine)[0], np.int64)
        if theirs[1].start > 0:
            rows = slice(box[0].start + theirs[0].start, box[0].start + theirs[0].stop)
            beside = plan.labels((rows, slice(box[1].start, box[1].start + theirs[1].start)))
            before = np.count_nonzero(unknown(beside), axis=1)
        first = plan.whole.offsets[block] + plan.whole.row_starts[block, theirs[0]] + before
        _number(labels[mine], first, numbers[mine])
    return numbers


@numba.njit(cache=True, nogil=True)
def _number(labels, first, numbers):
    for y in range(labels.shape[0]):
        number = first[y]
        for x in range(labels.shape[1]):
            if BACKGROUND < labels[y, x] < FOREGROUND:
                numbers[y, x] = number
                number += 1
