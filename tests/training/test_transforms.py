from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision import tv_tensors

from matting_nodes.training._transforms import (
    CropOnUnknown,
    Padded,
    Resized,
    geometry,
    random_place,
)
from matting_nodes.training.parameters import Augmentation


def pictures(height, width):
    """Colors that tell where they came from, a soft spot, and a trimap."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    colors = torch.from_numpy(np.stack([y / height, x / width, 0 * y]))
    alpha = torch.zeros(1, height, width)
    alpha[:, height // 4, width // 4 : width // 4 + 3] = 0.5
    trimap = torch.zeros(1, height, width, dtype=torch.uint8)
    trimap[:, : height // 2] = 255
    return {
        "colors": tv_tensors.Image(colors),
        "alpha": tv_tensors.Image(alpha),
        "trimap": tv_tensors.Mask(trimap),
    }


def test_crops_lie_around_a_soft_pixel_and_pictures_stay_together():
    for seed in range(20):
        torch.manual_seed(seed)
        parts = CropOnUnknown(64, 1.0, 1.0)(pictures(200, 300))
        assert parts["colors"].shape == (3, 64, 64)
        row, column = (int(i) for i in parts["alpha"][0].nonzero()[0])
        assert float(parts["alpha"].max()) == 0.5
        assert float(parts["colors"][0, row, column]) == pytest.approx(50 / 200)
        assert 75 / 300 <= float(parts["colors"][1, row, column]) <= 77 / 300


def test_scales_shrink_and_enlarge():
    """The ramp's slope tells how far a pixel of the crop is from the next in the picture."""
    found = []
    for seed in range(40):
        torch.manual_seed(seed)
        column = CropOnUnknown(64, 0.75, 1.25)(pictures(200, 300))["colors"][0, :, 32]
        found.append(1 / (200 * float(column[50] - column[20]) / 30))
    assert 0.74 < min(found) < 0.85
    assert 1.15 < max(found) < 1.27


def test_small_pictures_are_enlarged():
    parts = CropOnUnknown(64, 0.75, 1.25)(pictures(40, 50))
    assert parts["colors"].shape == (3, 64, 64)


def test_alphas_are_smooth_and_trimaps_keep_their_values():
    parts = Resized(50)(pictures(200, 300))
    assert set(parts["trimap"].unique().tolist()) == {0, 255}
    assert len(parts["alpha"].unique()) > 3
    assert float(parts["alpha"].min()) >= 0


def test_padding_makes_squares():
    parts = Padded()(pictures(20, 31))
    assert {tuple(p.shape[1:]) for p in parts.values()} == {(31, 31)}
    assert float(parts["colors"][:, :5].abs().sum()) == 0
    assert torch.equal(parts["colors"][:, 5:25], pictures(20, 31)["colors"])


def test_a_flip_mirrors_all_pictures():
    mirrored = geometry(Augmentation(recipe="square", size=64, flip=1.0))(pictures(64, 64))
    for name, part in pictures(64, 64).items():
        assert torch.equal(mirrored[name], part.flip(2))


def test_places_are_of_the_region_or_anywhere():
    region = torch.zeros(5, 7, dtype=torch.bool)
    region[3, 2] = region[1, 6] = True
    assert {random_place(region) for _ in range(30)} == {(3, 2), (1, 6)}
    assert len({random_place(torch.zeros(5, 7, dtype=torch.bool)) for _ in range(60)}) > 15
