"""Where GrabCut begins when nothing is pointed at: what stands out from the picture's border."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..job import Job

Array = NDArray[Any]
Picture = NDArray[np.uint8]
Region = NDArray[np.bool_]

SIDE = 200
"""Longer side of the picture that is looked at, in pixels: gist, not edges."""
SMALLEST = 16
"""Pictures with a shorter side have no room for superpixels."""
SUPERPIXELS = 250
COLOR_SCALE = 10.0
"""Distance in color at which two superpixels count as different, in units of CIELAB."""
PLACE_SCALE = 0.25
"""How far contrast reaches, in longer sides."""
SHARPNESS_WEIGHT = 8.0
"""How much sharpness counts beside color: most objects are in focus, most backgrounds are not."""
BORDER = (1.0, 0.0, 0.5, 0.5)
"""How surely the top, bottom, left and right border is background: subjects stand on the bottom."""
BACKGROUND_WEIGHT = 5.0
SMOOTHNESS = 0.1
"""Smoothness between superpixels of any colors."""
ROUNDS = 3
BOXES = ((0.05, 0.05, 0.95, 1.0), (0.2, 0.15, 0.8, 1.0))
"""Left, top, right and bottom of boxes that are tried, in widths and heights."""
SCORES = {
    "both sides": -8.0,
    "largest part": 18.0,
    "edge": 3.0,
    "separation": 5.0,
    "sharpness": 6.0,
}
"""Weights of what tells an object from a wrong guess: one over each one's standard deviation over
the guesses on the pictures of `benchmarks/segmentation.py --part choose`."""


class View(NamedTuple):
    """A small picture and what is measured of it once."""

    picture: Picture
    lab: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    gradient: NDArray[np.float32]


def salient_region(picture: Picture, job: Job) -> Region | None:
    """Return about where the object is, or None if nothing stands out.

    Guesses come from saliency, from sharpness and from boxes. GrabCut improves each, and the
    best of them is taken: of one piece, with an edge where the picture has one, unlike its
    surroundings in color, in focus, and not reaching from the left border to the right one.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        RGB, at most about `SIDE` pixels large.
    job : Job
        Progress and cancel.

    Returns
    -------
    (H, W) bool

    Notes
    -----
    Saliency: Zhu, Liang, Wei and Sun, "Saliency Optimization from Robust Background Detection",
    CVPR 2014, with sharpness as a fourth channel beside CIELAB.
    """
    if min(picture.shape[:2]) < SMALLEST:
        return None
    view = _view(picture)
    guesses = [
        _above_otsu(saliency(view)),
        _above_otsu(view.sharpness),
        *(_box(picture.shape, box) for box in BOXES),
    ]
    best, highest = None, -np.inf
    for done, guess in enumerate(guesses):
        job.step(done, len(guesses), "look for the object")
        region = _improved(picture, guess)
        score = _score(view, region)
        if score > highest:
            best, highest = region, score
    return best


def saliency(view: View) -> NDArray[np.float32]:
    """Return how much each pixel stands out, 0..1, (H, W)."""
    from skimage.segmentation import slic

    labels: Array = slic(view.picture, SUPERPIXELS, compactness=15, sigma=1, start_label=0)
    count = int(labels.max()) + 1
    if count < 2:
        return np.zeros(labels.shape, np.float32)
    size = np.bincount(labels.ravel(), minlength=count).astype(np.float64)

    def mean(values: Array) -> Array:
        return np.bincount(labels.ravel(), values.ravel(), minlength=count) / size

    channels = (*np.moveaxis(view.lab, 2, 0), SHARPNESS_WEIGHT * view.sharpness)
    difference = _distances(np.stack([mean(channel) for channel in channels], 1))
    rows, columns = np.mgrid[: labels.shape[0], : labels.shape[1]]
    places = np.stack([mean(rows), mean(columns)], 1)
    near = np.exp(-0.5 * (_distances(places / max(labels.shape) / PLACE_SCALE) ** 2))
    sides = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    border = np.zeros(count)
    for weight, side in zip(BORDER, sides, strict=True):
        border += weight * np.bincount(side, minlength=count)
    pairs = _neighbors(labels)
    between = difference[pairs[:, 0], pairs[:, 1]]
    # What differs as little as most do from their closest neighbor is alike.
    least = np.full(count, np.inf)
    for side in pairs.T:
        np.minimum.at(least, side, between)
    alike = least.mean()
    between = np.maximum(between - alike, 0)
    background = _background(difference, alike, pairs, between, border, size)
    contrast = (difference * near) @ (background * size)
    contrast = _stretched(contrast)
    # min_s Σ background s² + Σ contrast (s − 1)² + Σ w (s_i − s_j)²
    w = np.exp(-0.5 * (between / COLOR_SCALE) ** 2) + SMOOTHNESS
    system = np.diag(BACKGROUND_WEIGHT * background + contrast + 1e-6)
    for i, j in (pairs.T, pairs.T[::-1]):
        np.add.at(system, (i, i), w)
        system[i, j] -= w
    return _stretched(np.linalg.solve(system, contrast))[labels].astype(np.float32)


def _background(
    difference: Array, alike: float, pairs: Array, between: Array, border: Array, size: Array
) -> Array:
    """Return how surely each superpixel is background, 0..1, by its boundary connectivity.

    A region is background if much of its outline lies on the border: b = length / √area, both of
    what is reached from a superpixel without a change of color.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra

    count = len(size)
    graph = np.zeros((count, count))
    # Superpixels on the border are neighbors of each other, too. Stored zeros would be no edges.
    outer = np.flatnonzero(border)
    graph[np.ix_(outer, outer)] = np.maximum(difference[np.ix_(outer, outer)] - alike, 0) + 1e-6
    graph[pairs[:, 0], pairs[:, 1]] = graph[pairs[:, 1], pairs[:, 0]] = between + 1e-6
    np.fill_diagonal(graph, 0)
    geodesic = dijkstra(csr_matrix(graph), directed=False)
    reached = np.exp(-0.5 * (geodesic / COLOR_SCALE) ** 2)
    connectivity = (reached @ border) / np.sqrt(reached @ size)
    result: Array = np.where(connectivity < 0.05, 0, 1 - np.exp(-0.5 * connectivity**2))
    return result


def _view(picture: Picture) -> View:
    import cv2

    lab: Array = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = np.minimum(abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.2)), 15)
    sharpness: Array = cv2.GaussianBlur(cv2.dilate(detail, np.ones((5, 5))), (0, 0), 4)
    smooth = cv2.GaussianBlur(lab, (0, 0), 0.8)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return View(picture, lab, sharpness, np.sqrt((across**2 + down**2).sum(2)))


def _score(view: View, region: Region) -> float:
    """Return how much a region looks like an object."""
    import cv2

    share = region.mean()
    if not 0.005 < share < 0.97:
        return -np.inf
    inside = region.astype(np.uint8)
    _, _, table, _ = cv2.connectedComponentsWithStats(inside)
    edge = np.zeros(region.shape, bool)
    edge[1:] |= region[1:] != region[:-1]
    edge[:, 1:] |= region[:, 1:] != region[:, :-1]
    strength = np.median(view.gradient[edge]) / max(view.gradient.mean(), 1e-6)
    lab = cv2.cvtColor(view.picture, cv2.COLOR_RGB2LAB).astype(int)
    bins = (lab[..., 0] // 32 * 16 + lab[..., 1] // 16) * 16 + lab[..., 2] // 16
    inner, outer = (np.bincount(bins[part], minlength=2048) for part in (region, ~region))
    common = np.sqrt(inner / inner.sum() * (outer / outer.sum())).sum()
    sharp, blurred = view.sharpness[region].mean(), view.sharpness[~region].mean()
    cues = {
        "both sides": min(region[:, 0].mean(), region[:, -1].mean()),
        "largest part": table[1:, cv2.CC_STAT_AREA].max() / inside.sum(),
        "edge": np.log(strength + 0.05),
        "separation": 1 - common,
        "sharpness": (sharp - blurred) / (sharp + blurred + 1),
    }
    return float(sum(SCORES[name] * value for name, value in cues.items()))


def _improved(picture: Picture, guess: Region) -> Region:
    """Return what GrabCut makes of a guess."""
    import cv2

    if guess.all() or not guess.any():
        return guess
    labels = np.where(guess, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    inner, outer = np.zeros((2, 1, 65))
    cv2.setRNGSeed(0)
    mode = cv2.GC_INIT_WITH_MASK
    cv2.grabCut(picture, labels, (0, 0, 1, 1), inner, outer, ROUNDS, mode)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _above_otsu(values: NDArray[np.float32]) -> Region:
    from skimage.filters import threshold_otsu

    if values.min() == values.max():
        return np.zeros(values.shape, bool)
    region: Region = values > threshold_otsu(values)
    return region


def _box(shape: tuple[int, ...], box: tuple[float, float, float, float]) -> Region:
    height, width = shape[:2]
    left, top, right, bottom = box
    region = np.zeros((height, width), bool)
    rows = slice(round(top * height), round(bottom * height))
    region[rows, round(left * width) : round(right * width)] = True
    return region


def _neighbors(labels: Array) -> Array:
    """Return the pairs of superpixels that touch, the smaller label first, (N, 2)."""
    steps = ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1]))
    touching = np.concatenate([np.stack([a[a != b], b[a != b]], 1) for a, b in steps])
    pairs: Array = np.unique(np.sort(touching, axis=1), axis=0)
    return pairs


def _distances(points: Array) -> Array:
    """Return the distance of each point from each, (N, N)."""
    result: Array = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    return result


def _stretched(values: Array) -> Array:
    """Return values from 0 to 1."""
    result: Array = (values - values.min()) / max(np.ptp(values), 1e-6)
    return result
