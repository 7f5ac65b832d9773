"""How far a training is."""

from __future__ import annotations

import logging
from typing import Any

import pytorch_lightning as pl

from slowpoints.console import VOICE

log = logging.getLogger(__name__)


class TrainingProgress(pl.Callback):
    """Draws a bar where there is a terminal, and says a line after each validation.

    Parameters
    ----------
    score
        Name of the validation accuracy, or of what the task has in its place, among the metrics.
    """

    def __init__(self, score: str) -> None:
        self.score = score
        self._bar = VOICE.progress()
        self._task = self._bar.add_task("training")

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Begin, in the middle if the training was interrupted there."""
        self._bar.update(self._task, total=trainer.estimated_stepping_batches, completed=trainer.global_step)
        self._bar.start()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=trainer.global_step)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Say what has been reached."""
        metrics = trainer.callback_metrics
        log.info(
            "epoch %d of %s: validation %s %.4f, training loss %.4f",
            trainer.current_epoch + 1,
            trainer.max_epochs,
            self.score.removeprefix("training/val_"),
            metrics[self.score],
            metrics["training/loss"],
        )

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Take the bar away."""
        self._bar.stop()

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        """Take the bar away."""
        self._bar.stop()
