"""Loss terms. Each takes tensors and returns a mean.

A prediction p and a true alpha α are (N, 1, H, W) in 0..1; `unknown`, of the same shape, is 1
where the trimap is unknown; the error counts only there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-6


def trimap_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Return the three-class cross-entropy of T-Net, −log softmax(logits)[class], in the mean.

    Parameters
    ----------
    logits : (N, 3, H, W)
        Scores of background, unknown, foreground.
    classes : (N, H, W) int64
        0, 1 or 2.

    Notes
    -----
    Chen et al., "Semantic Human Matting", ACM MM 2018 (arXiv:1809.01354), section 3.1.
    """
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits, classes)


def alpha_loss(prediction: Tensor, alpha: Tensor, unknown: Tensor) -> Tensor:
    """Return the mean of √((p − α)² + ε²) over unknown pixels, ε = 10⁻⁶.

    Parameters
    ----------
    prediction, alpha, unknown : (N, 1, H, W)
        p, α, and 1 where the error counts.

    Notes
    -----
    Xu, Price, Cohen and Huang, "Deep Image Matting", CVPR 2017 (arXiv:1703.03872), equation 1.
    """
    return _mean(_smooth(prediction - alpha), unknown)


def composition_loss(
    prediction: Tensor, image: Tensor, foreground: Tensor, background: Tensor, unknown: Tensor
) -> Tensor:
    """Return the mean of √((c − I)² + ε²) over unknown pixels and colors, c = pF + (1 − p)B.

    Parameters
    ----------
    prediction, unknown : (N, 1, H, W)
        p, and 1 where the error counts.
    image, foreground, background : (N, 3, H, W), 0..1
        The picture, and the colors it was composited from.

    Notes
    -----
    Xu et al., as above, equation 2.
    """
    composite = prediction * foreground + (1 - prediction) * background
    return _mean(_smooth(composite - image).mean(dim=1, keepdim=True), unknown)


def gradient_loss(prediction: Tensor, alpha: Tensor, unknown: Tensor) -> Tensor:
    """Return the mean of |∂ₓp − ∂ₓα| + |∂ᵧp − ∂ᵧα|, forward differences, over unknown pixels.

    Parameters
    ----------
    prediction, alpha, unknown : (N, 1, H, W)
        p, α, and 1 where the error counts.

    Notes
    -----
    The L1 gradient loss of Forte and Pitié, "F, B, Alpha Matting", 2020 (arXiv:2003.07711),
    section 3.2.
    """
    from torch.nn.functional import pad

    error = prediction - alpha
    right = pad((error[..., 1:] - error[..., :-1]).abs(), (0, 1, 0, 0))
    down = pad((error[..., 1:, :] - error[..., :-1, :]).abs(), (0, 0, 0, 1))
    return _mean(right + down, unknown)


def laplacian_loss(prediction: Tensor, alpha: Tensor, unknown: Tensor, levels: int = 5) -> Tensor:
    """Return Σ 2ˢ |Lₛ(p) − Lₛ(α)| over levels s = 0 … of Laplacian pyramids, per unknown pixel.

    Parameters
    ----------
    prediction, alpha, unknown : (N, 1, H, W)
        p, α, and 1 where the error counts.
    levels : int
        Number of pyramid levels, the last one being the remainder; fewer if a side becomes odd.

    Notes
    -----
    Niklaus and Liu, CVPR 2018 (arXiv:1803.10967), section 3.3, brought to matting by Hou and
    Liu, "Context-Aware Image Matting", ICCV 2019 (arXiv:1909.09725), equation 6. Each level's
    sum counts 4ˢ times as many pixels at full size, of which its weight makes up a part.
    The blur is the mean of 2 × 2 pixels.
    """
    from torch.nn.functional import avg_pool2d, interpolate

    # Pyramids are linear: that of the difference is the difference of the pyramids.
    level = (prediction - alpha) * unknown
    parts: list[Tensor] = []
    while len(parts) < levels - 1 and not any(side % 2 for side in level.shape[2:]):
        smaller = avg_pool2d(level, 2)
        parts.append(level - interpolate(smaller, scale_factor=2.0, mode="nearest"))
        level = smaller
    sums = [2**s * part.abs().sum() for s, part in enumerate([*parts, level])]
    total: Tensor = sum(sums, start=unknown.new_zeros(()))
    return total / unknown.sum().clamp(min=1)


def _smooth(difference: Tensor) -> Tensor:
    """Return √(d² + ε²): |d| with a slope at 0."""
    return (difference.square() + EPSILON**2).sqrt()


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)
