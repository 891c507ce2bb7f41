"""Random samples for training, the same in every run and for any number of workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision import tv_tensors

from ..arrays import Image, as_rgb
from ..arrays import check_same_size as check_sizes
from ..errors import FileError, MattingError
from ._transforms import background_crop, geometry, jitter
from .parameters import Augmentation
from .samples import Sample, read_picture
from .specs import TrainingSpec
from .trimaps import random_trimap

Place = tuple[int, int]
"""Epoch and index; with the seed they determine every random choice of a sample."""

PATIENCE = 10


class SampleDataset(Dataset[dict[str, Any]]):
    """Samples as tensors, augmented differently in each epoch.

    Parameters
    ----------
    samples : sequence of Sample
        The samples to draw from.
    backgrounds : sequence of Path
        A random one is composited behind each object; if empty, pictures are used as they are.
    augmentation : Augmentation
        The random changes to each sample.
    spec : TrainingSpec
        The inputs of the network.
    seed : int
        The seed of every random choice.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        backgrounds: Sequence[Path],
        augmentation: Augmentation,
        spec: TrainingSpec,
        seed: int,
    ) -> None:
        self.samples, self.backgrounds = samples, backgrounds
        self.augmentation, self.spec, self.seed = augmentation, spec, seed

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, place: Place) -> dict[str, Any]:
        """Return planes, image, foreground, background, alpha, trimap and name of a sample.

        A sample that cannot be read is replaced by the next and reported under "unreadable".

        Raises
        ------
        FileError
            If ten samples in a row cannot be read.
        """
        epoch, index = place
        unreadable: list[str] = []
        while len(unreadable) < PATIENCE:
            sample = self.samples[(index + len(unreadable)) % len(self)]
            key = np.random.SeedSequence([self.seed, epoch, index, len(unreadable)])
            try:
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(int(key.generate_state(1)[0]))
                    example = self._example(sample)
            except MattingError as error:
                unreadable.append(f"{sample.name}: {error}")
            else:
                return {**example, "name": sample.name, "unreadable": "\n".join(unreadable)}
        raise FileError(
            f"{PATIENCE} samples in a row cannot be read: {unreadable[0]} …",
            "Training needs samples",
            "Run `matting-nodes data check`, and mend or remove what it names",
        )

    def _example(self, sample: Sample) -> dict[str, torch.Tensor]:
        parts = self._placed(sample, self.augmentation.given_trimaps)
        colors, alpha = self._jitter(parts["colors"]), parts["alpha"]
        if torch.rand(()) < self.augmentation.joined:
            colors, alpha = self._joined(colors, alpha)
        background = self._background() if self._composited else colors
        image = alpha * colors + (1 - alpha) * background
        trimap = parts["trimap"] if "trimap" in parts else self._trimap(alpha)
        picture = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
        planes = self.spec.planes(picture, trimap[0].numpy())
        return {
            "planes": torch.from_numpy(planes),
            "image": image,
            "foreground": colors,
            "background": background,
            "alpha": alpha,
            "trimap": trimap,
        }

    def _placed(self, sample: Sample, trimap: bool) -> dict[str, torch.Tensor]:
        """Return a sample's pictures at the size that the network sees."""
        parts = self._geometry(_tensors(sample, self._composited, trimap))
        return {name: part.as_subclass(torch.Tensor) for name, part in parts.items()}

    def _trimap(self, alpha: torch.Tensor) -> torch.Tensor:
        chance = np.random.default_rng(int(torch.randint(2**62, ())))
        widths = (self.augmentation.narrowest, self.augmentation.widest)
        return torch.from_numpy(random_trimap(alpha[0].numpy(), chance, *widths))[None]

    @property
    def _composited(self) -> bool:
        return bool(self.backgrounds)

    @cached_property
    def _geometry(self) -> Any:
        return geometry(self.augmentation)

    @cached_property
    def _jitter(self) -> Any:
        return jitter(self.augmentation)

    def _background(self) -> torch.Tensor:
        path = self.backgrounds[int(torch.randint(len(self.backgrounds), ()))]
        crop = background_crop(self.augmentation.size)(_colors(read_picture(path)))
        return torch.Tensor.clamp(crop.as_subclass(torch.Tensor), 0, 1)

    def _joined(
        self, colors: torch.Tensor, alpha: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Lay a foreground over another: α = 1 − (1 − α₁)(1 − α₂), αF = α₁F₁ + (1 − α₁)α₂F₂."""
        other = self.samples[int(torch.randint(len(self), ()))]
        below = self._placed(other, False)
        behind = (1 - alpha) * below["alpha"]
        both = alpha + behind
        if bool((both == 1).all()):
            return colors, alpha
        mixed = (alpha * colors + behind * self._jitter(below["colors"])) / both.clamp(min=1e-6)
        return torch.where(both > 0, mixed, colors), both


def _tensors(sample: Sample, composited: bool, trimap: bool) -> dict[str, torch.Tensor]:
    """Return a sample's pictures, channels first, for transforms to act on together."""
    alpha = sample.read_alpha()
    colors = sample.read_colors() if composited else sample.read_image()
    check_sizes({"alpha": alpha, "picture": colors})
    parts = {"colors": _colors(colors), "alpha": tv_tensors.Image(torch.from_numpy(alpha)[None])}
    if trimap:
        given = sample.read_trimap()
        check_sizes({"alpha": alpha, "trimap": given})
        parts["trimap"] = tv_tensors.Mask(torch.from_numpy(given)[None])
    return parts


def _colors(picture: Image) -> torch.Tensor:
    writable = np.require(as_rgb(picture), requirements="W")
    return tv_tensors.Image(torch.from_numpy(writable).permute(2, 0, 1))


class Stream(Sampler[Place]):
    """An endless stream of (epoch, index), shuffled again in each epoch, starting at any step.

    Parameters
    ----------
    samples : int
        The number of samples.
    seed : int
        The seed of the order.
    start : int
        The number of samples that all devices together have already used.
    rank, devices : int
        This device takes every `devices`-th sample, from `rank` on.
    """

    def __init__(
        self, samples: int, seed: int, start: int = 0, rank: int = 0, devices: int = 1
    ) -> None:
        self.samples, self.seed = samples, seed
        self.start, self.rank, self.devices = start, rank, devices

    def __iter__(self) -> Iterator[Place]:
        shuffled, order = -1, np.empty(0, np.int64)
        for position in count(self.start + self.rank, self.devices):
            epoch, place = divmod(position, self.samples)
            if epoch != shuffled:
                order = np.random.default_rng([self.seed, epoch]).permutation(self.samples)
                shuffled = epoch
            yield epoch, int(order[place])


def loader(samples: SampleDataset, places: Any, batch: int, workers: int) -> DataLoader[Any]:
    """Return a loader of batches that uses this many worker processes."""
    return DataLoader(
        samples,
        batch_size=batch,
        sampler=places,
        num_workers=workers,
        # The one way that every system has; and threads of this process do not survive a fork.
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=_one_thread,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def _one_thread(worker: int) -> None:
    """Leave the cores to the other workers."""
    import cv2

    cv2.setNumThreads(0)
    torch.set_num_threads(1)
