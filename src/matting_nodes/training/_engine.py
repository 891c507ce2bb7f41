"""Running the training with Lightning: the trainer, checkpoints, and resuming a stopped run."""

from __future__ import annotations

import logging
import math
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningDataModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ..io.images import replacing
from ..job import Job
from ._module import Training
from ._start import begin
from ._stream import SampleDataset, Stream, loader
from .material import Material
from .parameters import TrainingParameters
from .specs import TrainingSpec

__all__ = ["LAST", "Data", "Training", "begin", "export", "run"]

PRECISIONS: dict[str, Any] = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
LAST, BEST = "last.ckpt", "best.ckpt"
ACCELERATORS = {"auto": "auto", "cpu": "cpu", "cuda": "gpu", "mps": "mps"}


class Data(LightningDataModule):
    """The samples of a run, from its current step on."""

    def __init__(
        self, material: Material, spec: TrainingSpec, parameters: TrainingParameters
    ) -> None:
        super().__init__()
        self.run = parameters.run
        # Validation samples are not augmented in color.
        still = replace(parameters.augmentation, jitter=0.0, joined=0.0, flip=0.0)
        self.training, self.validation = (
            SampleDataset(samples, material.backgrounds, augmentation, spec, parameters.run.seed)
            for samples, augmentation in (
                (material.training, parameters.augmentation),
                (material.validation, still),
            )
        )

    def train_dataloader(self) -> Any:
        """Return batches from the next step on."""
        trainer: Any = self.trainer
        passed = trainer.global_step * self.run.batch * trainer.world_size
        places = Stream(
            len(self.training), self.run.seed, passed, trainer.global_rank, trainer.world_size
        )
        return loader(self.training, places, self.run.batch, self.run.workers)

    def val_dataloader(self) -> Any:
        """Return the validation samples, cropped the same way each time."""
        trainer: Any = self.trainer
        places = [(0, i) for i in range(len(self.validation))]
        mine = places[trainer.global_rank :: trainer.world_size]
        return loader(self.validation, mine, self.run.batch, self.run.workers)


class WholeFiles(TorchCheckpointIO):
    """Checkpoints, written to a temporary file and then moved: a kill never leaves half of one."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint, whole or not at all."""
        save_whole(checkpoint, Path(path))


def save_whole(content: Any, path: Path) -> None:
    """Write a file of torch.save in one step: a reader sees the old one or the new one."""
    with replacing(path) as part, part.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())


class Progress(Callback):
    """Reports every step to the job, which may stop the run."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        """Report the step and its loss."""
        loss, error = (trainer.callback_metrics.get(name) for name in ("train/loss", "error"))
        measured = "" if error is None else f", error {float(error):.4f}"
        message = f"step {trainer.global_step}: loss {float(loss or 0):.4f}{measured}"
        self.job.step(trainer.global_step, trainer.max_steps, message)


class Last(Checkpoint):
    """Stores the state to resume from, every N steps and after each validation.

    After, since otherwise a run that goes on would not know of the best state so far.
    """

    def __init__(self, path: Path, every: int) -> None:
        self.path, self.every = path, every

    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        """Save after every N steps."""
        if trainer.global_step % self.every == 0:
            trainer.save_checkpoint(self.path)

    def on_validation_end(self, trainer: Trainer, *args: Any) -> None:
        """Save together with the best state so far."""
        trainer.save_checkpoint(self.path)


def run(training: Training, data: Data, folder: Path, job: Job) -> float:
    """Train from the beginning, or from `last.ckpt` if it exists; return the lowest error."""
    parameters, last = training.training_parameters, folder / LAST
    best = ModelCheckpoint(
        folder, Path(BEST).stem, monitor="error", mode="min", enable_version_counter=False
    )
    with well_behaved():
        trainer = Trainer(
            accelerator=ACCELERATORS[parameters.run.device],
            devices=parameters.run.devices,
            num_nodes=parameters.run.machines,
            precision=PRECISIONS[parameters.run.precision],
            max_steps=parameters.run.steps,
            max_epochs=-1,
            # Steps are counted over all epochs.
            val_check_interval=min(parameters.run.validate_every, parameters.run.steps),
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            gradient_clip_val=parameters.optimizer.clip or None,
            logger=TensorBoardLogger(folder, name="", version="board"),
            log_every_n_steps=5,
            callbacks=[Progress(job), best, Last(last, parameters.run.save_every)],
            plugins=[WholeFiles()],
            use_distributed_sampler=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            deterministic="warn",
        )
        try:
            trainer.fit(training, datamodule=data, ckpt_path=last if last.is_file() else None)
        except SystemExit as error:
            # Lightning's reaction to Ctrl-C
            raise KeyboardInterrupt from error
        trainer.save_checkpoint(last)
    if not trainer.is_global_zero:
        # A process launched by the first one, which continues alone.
        sys.exit(0)
    return float(best.best_model_score) if best.best_model_score is not None else math.nan


def export(network: str, parameters: TrainingParameters, folder: Path) -> Path:
    """Write the best state as a file of plain tensors, `NETWORK.pth`, and return it.

    A refinement that was not trained is left out, so that it is not used.
    """
    best = next(path for path in (folder / BEST, folder / LAST) if path.is_file())
    state = torch.load(best, map_location="cpu", weights_only=True)["state_dict"]
    trained = {name.removeprefix("network."): tensor for name, tensor in state.items()}
    if parameters.loss.stage == "first":
        trained = {n: tensor for n, tensor in trained.items() if not n.startswith("refine_")}
    path = folder / f"{network}.pth"
    save_whole({"state_dict": trained}, path)
    return path


@contextmanager
def well_behaved() -> Iterator[None]:
    """Silence Lightning, since a job reports already, and restore torch's state afterwards."""
    logger = logging.getLogger("lightning.pytorch")
    level, strict = logger.level, torch.are_deterministic_algorithms_enabled()
    lenient = torch.is_deterministic_algorithms_warn_only_enabled()
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        torch.use_deterministic_algorithms(strict, warn_only=lenient)
