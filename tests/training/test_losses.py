"""Each loss on a case that a person can work out."""

from __future__ import annotations

import math

import pytest
import torch

from matting_nodes.training.losses import (
    alpha_loss,
    composition_loss,
    gradient_loss,
    laplacian_loss,
    trimap_loss,
)


def plane(*rows):
    return torch.tensor(rows, dtype=torch.float64)[None, None]


def test_cross_entropy_of_three_classes():
    # Two pixels: softmax gives the true class ½ of the first and ¼ of the second.
    logits = torch.log(torch.tensor([[0.25, 0.5], [0.5, 0.25], [0.25, 0.25]])).T
    logits = logits.T.reshape(1, 3, 1, 2)
    classes = torch.tensor([[[1, 2]]])
    assert trimap_loss(logits, classes).item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_alpha_counts_unknown_pixels_alone():
    prediction, alpha = plane([0.5, 0.9, 0.0]), plane([0.2, 0.9, 1.0])
    unknown = plane([1, 1, 0])
    # |0.3|, then √(0² + ε²) = ε; the third pixel is known.
    assert alpha_loss(prediction, alpha, unknown).item() == pytest.approx((0.3 + 1e-6) / 2)


def test_alpha_has_a_slope_of_0_at_the_truth():
    prediction = plane([0.4]).requires_grad_()
    alpha_loss(prediction, plane([0.4]), plane([1])).backward()
    assert prediction.grad.item() == 0


def test_composition_is_the_difference_of_colors():
    foreground = torch.tensor([1.0, 0.5, 0.0]).reshape(1, 3, 1, 1)
    background = torch.tensor([0.0, 0.5, 0.5]).reshape(1, 3, 1, 1)
    image = 0.6 * foreground + 0.4 * background
    # Alpha is 0.2 too low: the colors differ by 0.2 (1, 0, −½).
    loss = composition_loss(plane([0.4]), image, foreground, background, plane([1]))
    assert loss.item() == pytest.approx((0.2 + 1e-6 + 0.1) / 3, rel=1e-5)


def test_gradients_are_forward_differences():
    # Errors 0.1 and 0.4 above 0.1 and 0.2: 0.3 and 0.1 to the right, 0 and 0.2 down.
    prediction, alpha = plane([0.1, 0.4], [0.1, 0.2]), plane([0.0, 0.0], [0.0, 0.0])
    assert gradient_loss(prediction, alpha, torch.ones_like(alpha)).item() == pytest.approx(0.6 / 4)
    # A shift of all pixels changes no gradient.
    assert gradient_loss(alpha + 0.3, alpha, torch.ones_like(alpha)).item() == 0


def test_the_pyramid_weighs_details_and_what_remains():
    # One pixel of four is off by 0.4: its mean is 0.1, details 0.3, −0.1, −0.1, −0.1.
    prediction, alpha = plane([0.4, 0.0], [0.0, 0.0]), torch.zeros(1, 1, 2, 2)
    loss = laplacian_loss(prediction, alpha, torch.ones(1, 1, 2, 2))
    # Level 0: 0.6; what remains, level 1: 2 · 0.1; per pixel
    assert loss.item() == pytest.approx((0.6 + 2 * 0.1) / 4)


def test_a_constant_error_has_no_details():
    error = torch.full((1, 1, 16, 16), 0.5)
    loss = laplacian_loss(error, torch.zeros_like(error), torch.ones_like(error), levels=3)
    # 4 × 4 pixels of 0.5 remain at level 2, of weight 4.
    assert loss.item() == pytest.approx(4 * 16 * 0.5 / 256)


@pytest.mark.parametrize("loss", [alpha_loss, gradient_loss, laplacian_loss])
def test_without_unknown_pixels_there_is_no_loss_and_no_nan(loss):
    prediction = torch.rand(1, 1, 8, 8, requires_grad=True)
    value = loss(prediction, torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))
    value.backward()
    assert value.item() == 0
    assert prediction.grad.isfinite().all()
