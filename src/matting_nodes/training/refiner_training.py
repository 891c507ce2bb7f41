"""Training the refiner on solved scenes: crops, losses, steps, checkpoints."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..alpha.propagation.refinement import correction_weight
from ..arrays import BACKGROUND, FOREGROUND
from ..metrics import gradient_kernels
from ..networks.refiner import ALPHA, INPUTS, UNKNOWN, Refiner
from .synthesis.solved import ALPHA as TRUTH
from .synthesis.solved import IMAGE, SAMPLES, SOLVED, TRIMAP

CROP = 160
"""Side of a crop, in pixels."""
WARM_UP = 300
"""Steps over which the learning rate rises."""
FALL = 0.4
"""Share of the training, the last, over which it falls."""
AVERAGED = 0.998
"""Share of the averaged weights that a step keeps."""
QUANTILE = 0.9
"""Of the error: the predicted one is to be exceeded by a tenth of the pixels."""
WEIGHTS = {"square": 4.0, "gradient": 0.3, "laplacian": 0.3, "grad": 1.0, "error": 0.2}
"""Of the terms of the loss, beside the mean absolute error. Most pixels of the solver's matte are
right, so that the median of a small error is no correction: its square is what begins to teach. It
counts less and less, as do hard crops, down to the shares below: without it the mean squared error
rises again."""
HARD, WRONG = 0.5, 0.1
"""Share of the first crops that lie around a pixel which is wrong by more than the second."""
LEAST_SQUARES, LEAST_HARD = 0.75, 0.1
"""What remains of the square's weight, and of the share of hard crops."""
NEW, NEWEST = 0.5, 0.25
"""Share of the crops that come from the newest scenes, and what share of the scenes these are."""

SHARE = 8
"""The plane that `weighted` adds to a scene."""

Bytes = NDArray[np.uint8]
Chance = np.random.Generator


class RefinerTraining:
    """A network, its optimizer, and the crops that they see.

    Parameters
    ----------
    folder : Path
        With solved scenes, `**/*.npy`; files may come and be replaced meanwhile.
    minutes, batch, rate
        How long to train in all, crops a step, and the highest learning rate, which rises, and
        falls by a cosine over the last of the minutes.
    seed : int
        Of the order of the crops.
    half : bool
        Whether convolutions run in bfloat16: where the processor has it, many times as fast.
    """

    def __init__(
        self,
        folder: Path,
        minutes: float,
        batch: int = 8,
        rate: float = 1e-3,
        seed: int = 0,
        half: bool = True,
    ) -> None:
        torch.manual_seed(seed)
        self.folder, self.minutes, self.batch, self.rate = folder, minutes, batch, rate
        self.half, self.step, self.seconds, self.began = half, 0, 0.0, 0
        self.chance = np.random.default_rng(seed)
        self.network = Refiner().to(memory_format=torch.channels_last)
        self.average = {k: v.clone() for k, v in self.network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(self.network.parameters(), rate, weight_decay=1e-4)

    def run(self, count: int) -> float:
        """Take some steps; return the mean loss."""
        paths, losses = self.scenes(), []
        for _ in range(count):
            began = time.monotonic()
            self.step += 1
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate * self._schedule()
            crops = [self._crop(paths) for _ in range(self.batch)]
            losses.append(self._learn(np.stack(crops)))
            self._average()
            self.seconds += time.monotonic() - began
        return float(np.mean(losses))

    @property
    def _maturity(self) -> float:
        """The share of what only a beginner needs that is over."""
        return 1.0 if self.began else self.progress

    def scenes(self) -> list[Path]:
        """Return the paths of the scenes, the newest last."""
        return sorted(self.folder.rglob("*.npy"), key=lambda path: (path.stat().st_mtime_ns, path))

    def _average(self) -> None:
        new = 1 - min(AVERAGED, self.step / (self.step + 10))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, new)
            else:
                self.average[name].copy_(value)

    def _schedule(self) -> float:
        """Return the share of the learning rate: a rise, and at last a cosine down to nothing."""
        rise = min(1.0, (self.step - self.began + 1) / WARM_UP)
        fall = max(0.0, (self.progress - 1 + FALL) / FALL)
        return rise * 0.5 * (1 + float(np.cos(np.pi * fall)))

    @property
    def progress(self) -> float:
        """The share of the training that is done."""
        return min(1.0, self.seconds / (60 * self.minutes))

    def _crop(self, paths: list[Path]) -> Bytes:
        scene = weighted(np.load(drawn_path(self.chance, paths)))
        hard = max(LEAST_HARD, HARD * (1 - self._maturity))
        return augmented(self.chance, random_crop(self.chance, scene, hard=hard))

    def _learn(self, crops: Bytes) -> float:
        (planes, truth), weight = tensors(crops), correction_weights(crops)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            correction, error = self.network.corrections(planes)
        squares = max(LEAST_SQUARES, (1 - self._maturity) ** 2)
        correction = weight * correction.float()
        loss = refiner_loss(planes, correction, error.float(), truth, squares=squares)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.detach())

    def averaged(self) -> Refiner:
        """Return a network with the averaged weights."""
        network = Refiner()
        network.load_state_dict(self.average)
        return network.eval()

    def held_out(self, folder: Path, most: int | None = None) -> dict[str, float]:
        """Return errors on held-out scenes relative to the solver's, and how true the claims are.

        Parameters
        ----------
        folder : Path
            With solved scenes.
        most : int, optional
            Of the scenes, evenly spread, to look at; all if not given.

        Returns
        -------
        dict
            SAD and MSE; and of the pixels with a predicted error below 0.05, the share that is
            off by less.
        """
        network, sums = self.averaged(), np.zeros(6)
        paths = sorted(folder.rglob("*.npy"))
        for path in paths[:: -(-len(paths) // most) if most else 1]:
            scenes = weighted(np.load(path))[None]
            (planes, truth), weight = tensors(scenes), correction_weights(scenes)[0, 0]
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self.half):
                alpha, claimed = network(planes).float()[0]
            where = planes[0, UNKNOWN] > 0
            alpha = planes[0, ALPHA] + weight * (alpha - planes[0, ALPHA])
            off = abs(alpha - truth[0, 0])[where]
            was = abs(planes[0, ALPHA] - truth[0, 0])[where]
            sure = claimed[where] < 0.05
            sums += [
                *(float(v.sum()) for v in (off, was, off**2, was**2)),
                float((off[sure] < 0.05).sum()),
                float(sure.sum()),
            ]
        ratios = sums[::2] / sums[1::2].clip(1e-9)
        return dict(zip(("SAD", "MSE", "claims"), map(float, ratios), strict=True))

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        part = path.with_suffix(".part")
        state = {
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "began": self.began,
        }
        torch.save(state, part)
        part.replace(path)

    def resume(self, path: Path) -> None:
        """Continue from a checkpoint."""
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.began = state.get("began", 0)
        self.chance = np.random.default_rng([self.step])

    def start(self, path: Path) -> None:
        """Begin again, with new scenes or terms, from the averaged weights of a checkpoint."""
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["average"])
        self.average = {k: v.clone() for k, v in self.network.state_dict().items()}
        self.began = self.step = state["step"]
        self.chance = np.random.default_rng([self.step])


def drawn_path(chance: Chance, paths: list[Path]) -> Path:
    """Return one of the scenes; half of the times, one of the newest.

    Parameters
    ----------
    chance : numpy.random.Generator
    paths : list of Path
        The newest last.
    """
    first = int(len(paths) * (1 - NEWEST)) if chance.random() < NEW else 0
    return paths[int(chance.integers(first, len(paths)))]


def weighted(scene: Bytes) -> Bytes:
    """Return a scene with one plane more: how much of a correction counts.

    Parameters
    ----------
    scene : (H, W, 8) uint8
    """
    weight = np.round(255 * correction_weight(scene[..., TRIMAP])).astype(np.uint8)
    return np.concatenate([scene, weight[..., None]], axis=2)


def correction_weights(crops: Bytes) -> Tensor:
    """Return how much of a correction counts, (N, 1, h, w) float32, 0..1.

    Parameters
    ----------
    crops : (N, h, w, 9) uint8
        Of scenes that are `weighted`.
    """
    return torch.from_numpy(crops[..., SHARE][:, None] * np.float32(1 / 255))


def random_crop(chance: Chance, scene: Bytes, side: int = CROP, hard: float = 0) -> Bytes:
    """Return a crop of a scene around an unknown pixel, with all planes.

    Parameters
    ----------
    chance : numpy.random.Generator
    scene : (H, W, 8 or more) uint8
    side : int, pixels
    hard : float
        Share of the crops around a pixel that the solver has wrong.
    """
    height, width = scene.shape[:2]
    least = 255 * WRONG if chance.random() < hard else -1
    for _ in range(300):
        y, x = int(chance.integers(height)), int(chance.integers(width))
        trimap, solved, truth = (int(scene[y, x, plane]) for plane in (TRIMAP, SOLVED, TRUTH))
        counts = scene.shape[2] <= SHARE or scene[y, x, SHARE] > 0
        if counts and BACKGROUND < trimap < FOREGROUND and abs(solved - truth) > least:
            break
    top = min(max(0, y - int(chance.integers(side))), height - side)
    left = min(max(0, x - int(chance.integers(side))), width - side)
    return np.array(scene[top : top + side, left : left + side])


def augmented(chance: Chance, crop: Bytes) -> Bytes:
    """Return a crop turned, mirrored, and with other brightness and balance of colors.

    Sometimes foreground and background change places: α becomes 1 − α.

    Parameters
    ----------
    chance : numpy.random.Generator
    crop : (h, w, 8 or more) uint8
    """
    crop = np.rot90(crop, int(chance.integers(4)))
    if chance.random() < 0.5:
        crop = crop[:, ::-1]
    crop = np.ascontiguousarray(crop)
    if chance.random() < 0.5:
        levels = np.arange(256) / 255
        for channel in range(3):
            gain, gamma = chance.uniform(0.85, 1.1), np.exp(chance.normal(0, 0.12))
            table = np.round(255 * (gain * levels**gamma).clip(0, 1)).astype(np.uint8)
            crop[..., channel] = table[crop[..., channel]]
    if chance.random() < 0.5:
        crop[..., IMAGE] = crop[..., chance.permutation(3)]
    if chance.random() < 0.15:
        for plane in (TRIMAP, SOLVED, SAMPLES.start, TRUTH):
            # 128 is unknown on either side.
            inverted = 255 - crop[..., plane]
            crop[..., plane] = (
                np.where(inverted == 127, 128, inverted) if plane == TRIMAP else (inverted)
            )
    return crop


def tensors(crops: Bytes) -> tuple[Tensor, Tensor]:
    """Return what the network takes, and the true α, of (N, h, w, 8 or more) bytes.

    Returns
    -------
    planes : (N, 8, h, w) float32
    truth : (N, 1, h, w) float32
    """
    planes = np.empty((*crops.shape[:3], INPUTS), np.float32)
    planes[..., :3] = crops[..., IMAGE] * np.float32(2 / 255) - 1
    trimap = crops[..., TRIMAP]
    planes[..., 3] = trimap == FOREGROUND
    planes[..., 4] = (trimap > BACKGROUND) & (trimap < FOREGROUND)
    planes[..., 5] = crops[..., SOLVED] * np.float32(1 / 255)
    planes[..., 6:] = crops[..., SAMPLES] * np.float32(1 / 255)
    truth = crops[..., TRUTH][:, None] * np.float32(1 / 255)
    # As the memory lies: channels last.
    return torch.from_numpy(planes).permute(0, 3, 1, 2), torch.from_numpy(truth)


def refiner_loss(
    planes: Tensor, correction: Tensor, error: Tensor, truth: Tensor, *, squares: float = 0
) -> Tensor:
    """Return the loss of corrections and predicted errors, where the trimap is unknown.

    The mean absolute error, that of differences of neighbors, that of a Laplacian pyramid (Hou and
    Liu, "Context-Aware Image Matting", ICCV 2019), what the gradient error measures, and the
    pinball loss of the predicted error (Koenker and Bassett, "Regression Quantiles", Econometrica
    46, 1978).

    Parameters
    ----------
    planes : (N, 8, h, w)
        As the network got them.
    correction, error, truth : (N, 1, h, w)
    squares : float
        How much the square of the error counts, of its weight above.
    """
    unknown = planes[:, UNKNOWN : UNKNOWN + 1]
    count = unknown.sum().clamp_min(1)
    off = unknown * (planes[:, ALPHA : ALPHA + 1] + correction - truth)
    absolute, square = off.abs().sum() / count, (off * off).sum() / count
    steps = off.diff(dim=2).abs().sum() + off.diff(dim=3).abs().sum()
    laplacian, level, residual = off.new_zeros(()), 0, off
    for level in range(4):
        coarse = F.avg_pool2d(residual, 2)
        smooth = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        # 4 ** level pixels of the picture for each one of the level.
        laplacian = laplacian + 2**level * (residual - smooth).abs().sum()
        residual = coarse
    alpha = (planes[:, ALPHA : ALPHA + 1] + correction).detach().clamp(0, 1)
    missed = unknown * ((alpha - truth).abs() - error)
    pinball = torch.maximum(QUANTILE * missed, (QUANTILE - 1) * missed).sum() / count
    return (
        absolute
        + squares * WEIGHTS["square"] * square
        + WEIGHTS["gradient"] * steps / count
        + WEIGHTS["laplacian"] * laplacian / count
        + WEIGHTS["grad"] * gradient_error(truth + off, truth, unknown)
        + WEIGHTS["error"] * pinball
    )


def gradient_error(alpha: Tensor, truth: Tensor, unknown: Tensor) -> Tensor:
    """Return the mean squared difference of the magnitudes of gradients, as `metrics.grad` has it.

    Parameters
    ----------
    alpha, truth, unknown : (N, 1, h, w)
        Pixels whose gradient reaches beyond the crop do not count.
    """
    derivative, gauss = (torch.from_numpy(values).float() for values in gradient_kernels())
    kernel = torch.stack([torch.outer(gauss, derivative), torch.outer(derivative, gauss)])[:, None]
    half = kernel.shape[-1] // 2
    magnitude, true_magnitude = (
        # Smooth at 0, where a magnitude has no derivative.
        (F.conv2d(plane, kernel).square().sum(1, keepdim=True) + 1e-4).sqrt()
        for plane in (alpha, truth)
    )
    inside = unknown[..., half:-half, half:-half]
    return (inside * (magnitude - true_magnitude).square()).sum() / inside.sum().clamp_min(1)
