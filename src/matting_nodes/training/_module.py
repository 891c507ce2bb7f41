"""The training of one network as Lightning runs it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.nn import Module
from torchvision.utils import make_grid

from ..errors import TrainingError
from . import losses
from ._start import freeze
from .parameters import Loss, TrainingParameters
from .specs import TrainingSpec

Batch = dict[str, Any]


class Training(LightningModule):
    """A network, its losses and its optimizer.

    Parameters
    ----------
    network : Module
        The network, with its initial weights.
    spec : TrainingSpec
        How it is trained.
    parameters : TrainingParameters
        The parameters of `train.toml`.
    tell : callable(str)
        Called with each file that could not be read.
    """

    def __init__(
        self,
        network: Module,
        spec: TrainingSpec,
        parameters: TrainingParameters,
        tell: Callable[[str], None] = print,
    ) -> None:
        super().__init__()
        self.tell = tell
        self.network, self.training_parameters, self.spec = network, parameters, spec
        self.trained = freeze(network, parameters.loss.stage)
        self.unreadable: set[str] = set()

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs of the first and of the last stage, in float32."""
        answer = self.network(planes)
        first, last = answer if isinstance(answer, tuple) else (answer, answer)
        return first.float(), last.float()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed dropout by the step, so that a resumed run gives the same result."""
        torch.manual_seed(
            self.training_parameters.run.seed + self.global_step * 1009 + self.global_rank
        )

    def on_train_epoch_start(self) -> None:
        """Freeze the statistics of normalization layers in stages that are not trained."""
        if self.training_parameters.loss.stage == "refinement":
            self.network.eval()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch.

        Raises
        ------
        TrainingError
            If it is not finite, or if too many files could not be read.
        """
        self._note_unreadable(batch)
        terms = self.terms(batch)
        loss = torch.stack(list(terms.values())).sum()
        if not math.isfinite(float(loss)):
            raise TrainingError(
                f"The loss is {float(loss)} at step {self.global_step}, "
                f"on {', '.join(batch['name'])}",
                "It must be a number",
                "Look at these samples; if they are sound, choose a lower learning_rate, or fp32",
            )
        self.log_dict({f"train/{name}": term for name, term in terms.items()}, batch_size=1)
        self.log("train/loss", loss, batch_size=1)
        return loss

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of a batch by name, each with its weight."""
        first, last = self(batch["planes"])
        stage = self.training_parameters.loss.stage
        if self.spec.predicts_trimap:
            return {"trimap": losses.trimap_loss(first, classes(batch["trimap"]))}
        terms: dict[str, Tensor] = {}
        if stage != "refinement":
            terms |= matting_terms(first, batch, self.training_parameters.loss)
        if stage != "first":
            # In the paper the second stage has the alpha loss only.
            terms["refined"] = losses.alpha_loss(last, batch["alpha"], unknown(batch))
        return terms

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure the error, and draw the first batch."""
        answer = self(batch["planes"])[self.training_parameters.loss.stage != "first"]
        if self.spec.predicts_trimap:
            error = (answer.argmax(dim=1) != classes(batch["trimap"])).float().mean()
        else:
            answer = answer.clamp(0, 1)
            where = unknown(batch)
            difference = (answer - batch["alpha"]).abs() * where
            error = difference.sum() / where.sum().clamp(min=1)
        self.log("error", error, batch_size=len(answer), sync_dist=True)
        if batch_idx == 0 and self.logger is not None:
            self._draw(batch, answer)

    def configure_optimizers(self) -> Any:
        """Return Adam and the schedule of its learning rate."""
        chosen = self.training_parameters.optimizer
        optimizer = torch.optim.Adam(
            self.trained,
            lr=chosen.learning_rate,
            betas=(chosen.first_moment, 0.999),
            weight_decay=chosen.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._share_of_rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _share_of_rate(self, step: int) -> float:
        chosen, steps = self.training_parameters.optimizer, self.training_parameters.run.steps
        if step < chosen.warmup:
            return (step + 1) / chosen.warmup
        if chosen.schedule == "constant":
            return 1.0
        done = (step - chosen.warmup) / max(1, steps - chosen.warmup)
        return (1 + math.cos(math.pi * min(1.0, done))) / 2

    def _note_unreadable(self, batch: Batch) -> None:
        new = {line for text in batch["unreadable"] for line in text.splitlines()}
        for line in sorted(new - self.unreadable):
            self.tell(f"left out: {line}")
        self.unreadable |= new
        if len(self.unreadable) > self.training_parameters.run.unreadable:
            raise TrainingError(
                f"{len(self.unreadable)} samples could not be read, the last: {max(new)}",
                f"At most {self.training_parameters.run.unreadable} may be ([run] unreadable)",
                "Run `matting-nodes data check`, and mend or remove what it names",
            )

    def _draw(self, batch: Batch, answer: Tensor) -> None:
        """Show up to four samples in TensorBoard: picture, trimap, prediction, truth."""
        board = getattr(self.logger, "experiment", None)
        if board is None or not hasattr(board, "add_image"):
            return
        trimap = batch["trimap"].float() / 255
        truth = trimap if self.spec.predicts_trimap else batch["alpha"]
        shown = answer.argmax(1, keepdim=True) / 2 if self.spec.predicts_trimap else answer
        rows = torch.stack(
            [batch["image"], *(p.expand_as(batch["image"]) for p in (trimap, shown, truth))], dim=1
        )
        board.add_image("samples", make_grid(rows[:4].flatten(0, 1), nrow=4), self.global_step)


def matting_terms(prediction: Tensor, batch: Batch, weights: Loss) -> dict[str, Tensor]:
    """Return the weighted losses of an alpha, those without a weight left out."""
    alpha, where = batch["alpha"], unknown(batch)
    colors = (batch["image"], batch["foreground"], batch["background"])
    terms = {
        "alpha": lambda: losses.alpha_loss(prediction, alpha, where),
        "composition": lambda: losses.composition_loss(prediction, *colors, where),
        "gradient": lambda: losses.gradient_loss(prediction, alpha, where),
        "laplacian": lambda: losses.laplacian_loss(prediction, alpha, where),
    }
    given = {name: getattr(weights, name) for name in terms}
    return {name: weight * terms[name]() for name, weight in given.items() if weight}


def unknown(batch: Batch) -> Tensor:
    """Return 1 where the trimap is unknown, (N, 1, H, W)."""
    trimap: Tensor = batch["trimap"]
    between: Tensor = (trimap != 0) & (trimap != 255)
    return between.float()


def classes(trimap: Tensor) -> Tensor:
    """Return the class of each pixel, (N, H, W): 0 background, 1 unknown, 2 foreground."""
    return (trimap[:, 0] != 0).long() + (trimap[:, 0] == 255).long()
