"""How the network learns: loss, optimiser, schedule, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torchmetrics.classification import BinaryAccuracy

from slowpoints.errors import UserError

if TYPE_CHECKING:
    from slowpoints.text.batches import Batch
    from slowpoints.training.model import RecurrentClassifier
    from slowpoints.training.options import TrainingOptions


class SentimentClassifier(pl.LightningModule):
    """A recurrent classifier in training.

    Logs curves of `training/loss`, `training/val_loss` and `training/val_accuracy` (share of documents).
    """

    def __init__(self, network: RecurrentClassifier, options: TrainingOptions) -> None:
        super().__init__()
        self.network = network
        self.options = options
        self.accuracy = BinaryAccuracy()

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Return the loss of one batch."""
        loss = self.loss(batch, self.network(batch.tokens, batch.lengths))
        if not torch.isfinite(loss):
            raise UserError(
                f"training: the loss became {loss.item()} at step {self.global_step} (epoch {self.current_epoch}); "
                f"a lower training.rate (now {self.options.rate:g}) or training.gradient_clip (now "
                f"{self.options.gradient_clip}) keeps it finite"
            )
        self.log("training/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Measure loss and accuracy on the validation set."""
        logits = self.network(batch.tokens, batch.lengths)
        self.accuracy(logits, batch.labels)
        size = len(batch.labels)
        loss = self.loss(batch, logits)
        self.log("training/val_loss", loss, on_step=False, on_epoch=True, batch_size=size)
        self.log("training/val_accuracy", self.accuracy, on_step=False, on_epoch=True, batch_size=size, prog_bar=True)

    @staticmethod
    def loss(batch: Batch, logits: Tensor) -> Tensor:
        """Return the mean cross-entropy of a batch (nats)."""
        return binary_cross_entropy_with_logits(logits, batch.labels.to(logits.dtype))

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
