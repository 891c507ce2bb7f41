"""The data of a training run: training samples, validation samples, backgrounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ParameterError
from .layouts import DataFolders, background_folder, find_samples, pictures_in
from .parameters import Data, TrainingParameters
from .samples import Sample


@dataclass(frozen=True)
class Material:
    """Training and validation samples, backgrounds, and what could not be used."""

    training: Sequence[Sample]
    validation: Sequence[Sample]
    backgrounds: Sequence[Path]
    problems: Sequence[str]

    def __str__(self) -> str:
        return (
            f"{len(self.training)} samples for training, {len(self.validation)} for validation, "
            f"{len(self.backgrounds)} backgrounds"
        )


def find_material(parameters: TrainingParameters) -> Material:
    """Return the samples that the parameters name, some of them set aside for validation.

    Raises
    ------
    FileError
        If a folder is missing or empty.
    ParameterError
        If no sample would be left for training or for validation.
    """
    data = parameters.data
    at = DataFolders(
        data.images, data.alphas, data.trimaps, data.foregrounds, data.backgrounds, composites=1
    )
    found = find_samples(data.folder or ".", data.layout, at)
    if data.validation:
        other = find_samples(data.validation, data.layout, at)
        samples, validation = found.samples, other.samples
        problems = (*found.problems, *other.problems)
    else:
        samples, validation = _split(found.samples, data.validation_share, parameters.run.seed)
        problems = found.problems
    if not samples or not validation:
        raise ParameterError(
            f"{len(samples)} samples are left for training and {len(validation)} for validation",
            "Both need at least one",
            "Change validation_share, or name other data under validation",
        )
    material = Material(samples, validation, _backgrounds(data, at), problems)
    _check(parameters, material)
    return material


def _split(
    samples: Sequence[Sample], share: float, seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Return samples without a random share of them, and that share."""
    order = np.random.default_rng(seed).permutation(len(samples))
    aside = set(order[: round(len(samples) * share)].tolist())
    kept = tuple(sample for i, sample in enumerate(samples) if i not in aside)
    return kept, tuple(samples[i] for i in sorted(aside))


def _backgrounds(data: Data, at: DataFolders) -> list[Path]:
    """Return what may lie behind objects: of Composition-1k its own, if no other is named."""
    if data.layout == "composition1k":
        return pictures_in(background_folder(Path(data.folder or "."), at))
    return pictures_in(Path(data.backgrounds)) if data.backgrounds else []


def _check(parameters: TrainingParameters, material: Material) -> None:
    """Refuse parameters that the samples have nothing for."""
    samples = [*material.training, *material.validation]
    foregrounds = all(sample.foreground for sample in samples) and bool(material.backgrounds)
    for name, wanted in (
        ("composition", parameters.loss.composition),
        ("joined", parameters.augmentation.joined),
    ):
        if wanted and not foregrounds:
            raise ParameterError(
                f"{name} is {wanted}",
                "It needs foregrounds, and backgrounds to lay them over",
                f"Write {name} = 0, or name folders of both",
            )
    bare = next((sample.name for sample in samples if sample.trimap is None), None)
    if parameters.augmentation.given_trimaps and bare is not None:
        raise ParameterError(
            f"given_trimaps is true, and {bare} has no trimap",
            "Every sample needs one then",
            "Write given_trimaps = false, or prepare the data",
        )
