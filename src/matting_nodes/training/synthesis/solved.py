"""Scenes with what sampled propagation makes of them, as bytes on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...alpha._checks import full_contrast
from ...alpha.propagation.refinement import solver_planes
from ...job import Job
from .scenes import SIZE, Scene, scene

Bytes = NDArray[Any]
IMAGE, TRIMAP, SOLVED, SAMPLES, ALPHA = slice(0, 3), 3, 4, slice(5, 7), 7
"""The planes of a solved scene: R, G, B; the trimap; the solver's α; α̂ and its confidence; α."""


def read_photographs(folder: Path, least: int = max(SIZE)) -> list[Bytes]:
    """Return the photographs of a folder in RGB, by name; those with a smaller side are left out.

    Parameters
    ----------
    folder : Path
        With .jpg files.
    least : int, pixels
    """
    pictures = []
    for path in sorted(folder.glob("*.jpg")):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is not None and min(picture.shape[:2]) >= least:
            pictures.append(np.ascontiguousarray(picture[..., ::-1]))
    return pictures


def solved_planes(drawn: Scene) -> Bytes:
    """Return a scene with the solver's matte of it, (H, W, 8); the planes are named above."""
    image = full_contrast(drawn.image)
    alpha, samples = solver_planes(image, drawn.trimap, Job())
    planes = np.empty((*drawn.trimap.shape, 8), np.uint8)
    planes[..., IMAGE] = np.round(255 * image)
    planes[..., TRIMAP] = drawn.trimap
    planes[..., SOLVED] = np.round(255 * alpha)
    planes[..., SAMPLES] = np.round(255 * np.moveaxis(samples, 0, 2))
    planes[..., ALPHA] = np.round(255 * drawn.alpha)
    return planes


def solved_scene(seed: Sequence[int], photographs: Sequence[Bytes]) -> Bytes:
    """Return the solved scene of a seed, (H, W, 8).

    Parameters
    ----------
    seed : sequence of int
    photographs : sequence of (h, w, 3) uint8
    """
    return solved_planes(scene(seed, photographs))
