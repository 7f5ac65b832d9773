"""How the network learns: loss, optimiser, schedule, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from slowpoints.errors import UserError

if TYPE_CHECKING:
    from slowpoints.tasks.batches import Batch
    from slowpoints.training.model import RecurrentClassifier
    from slowpoints.training.options import TrainingOptions


class TaskModule(pl.LightningModule):
    """A recurrent network in training.

    Logs curves of `training/loss`, `training/val_loss` and `training/val_accuracy` (share of sequences); or of the
    score that the task's outputs have in its place, by its own name. Losses are the task's; what `recurrent_l2` adds
    in training is the curve `training/recurrent_penalty`.
    """

    def __init__(self, network: RecurrentClassifier, options: TrainingOptions) -> None:
        super().__init__()
        self.network = network
        self.options = options
        self.score = network.outputs.metric()

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Return what is minimised: the loss of one batch, and the penalty on the cell's parameters."""
        loss = self.network.outputs.loss(self.network(batch.tokens, batch.lengths), batch.targets)
        total = loss
        if self.options.recurrent_l2:
            penalty = self.options.recurrent_l2 * self.network.recurrent_norm()
            self.log("training/recurrent_penalty", penalty)
            total = loss + penalty
        if not torch.isfinite(total):
            raise UserError(
                f"training: the loss became {total.item()} at step {self.global_step} (epoch {self.current_epoch}); "
                f"a lower training.rate (now {self.options.rate:g}) or training.gradient_clip (now "
                f"{self.options.gradient_clip}) keeps it finite"
            )
        self.log("training/loss", loss, prog_bar=True)
        return total

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Measure loss and score on the validation set."""
        outputs = self.network(batch.tokens, batch.lengths)
        self.score(outputs, batch.targets)
        size = len(batch.targets)
        loss = self.network.outputs.loss(outputs, batch.targets)
        self.log("training/val_loss", loss, on_step=False, on_epoch=True, batch_size=size)
        name = f"training/val_{self.network.outputs.score}"
        self.log(name, self.score, on_step=False, on_epoch=True, batch_size=size, prog_bar=True)

    def configure_optimizers(self) -> Any:
        """Adam with decoupled weight decay; its rate rises linearly, then decays exponentially."""
        options = self.options
        fused = options.precision == "32-true"  # with scaled gradients, fused kernels and clipping exclude each other
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=options.rate, weight_decay=options.weight_decay, fused=fused
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.rate_share(step, steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def rate_share(self, step: int, steps: int) -> float:
        """Return the rate at a step as a share of `training.rate`."""
        warm = min(1.0, (step + 1) / (self.options.warmup_steps + 1))
        decay: float = self.options.final_rate_share ** (step / max(1, steps))
        return warm * decay
