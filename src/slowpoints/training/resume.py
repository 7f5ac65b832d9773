"""Go on with an interrupted training as if nothing had happened.

Between two batches everything that decides how a training continues is in few places: weights, optimiser, schedule,
progress, what the callbacks remember, the generators of random numbers, and the place in the order of batches. They are
written then, and read by `Trainer.fit(ckpt_path=...)`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from slowpoints.interruption import STOP
from slowpoints.training.trained import RESUME

EVERY = 300.0  # seconds of training that a kill may cost, beside what it costs anyway since the last validation


class ResumePoint(pl.Callback):
    """Writes the state of a training after each validation, every few minutes, and when it is asked to stop.

    It does so before the first batch that follows, when iterators have been made and random numbers drawn for it: all
    that comes later is then the same as without an interruption.

    Parameters
    ----------
    folder
        The run's folder.
    every
        Seconds between two writings where there is no validation.
    """

    def __init__(self, folder: Path, every: float = EVERY) -> None:
        self.folder = folder
        self.path = folder / RESUME / "training.ckpt"
        self.every = every
        self.seconds = 0.0
        self._due = False
        self._random: dict[str, Any] | None = None
        self._last = self._counted = time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Stop in good time from here on, when asked."""
        STOP.deferred = True
        STOP.listen()  # Lightning has put its own handler in place
        self._last = self._counted = time.monotonic()

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Count the time."""
        STOP.deferred = False
        self._count()

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        """Let whoever handles it be stopped at once."""
        STOP.deferred = False

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write before the next batch: the best weights have just been judged."""
        self._due = True

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_index: int
    ) -> None:
        """Take up random numbers where they were left; or write the state, where it is time."""
        if self._random is not None:
            _set_random_states(self._random)
            self._random = None
        elif self._due or STOP.asked or time.monotonic() - self._last > self.every:
            self._count()
            trainer.save_checkpoint(self.path, weights_only=False)
            self._due, self._last = False, time.monotonic()
        if STOP.asked:
            STOP.stop()

    def on_save_checkpoint(self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Let the steps of logged curves go on: Lightning expects checkpoints to be written behind a batch."""
        checkpoint["loops"]["fit_loop"]["epoch_loop.state_dict"]["_batches_that_stepped"] -= 1

    def state_dict(self) -> dict[str, Any]:
        """Return the random numbers' state, and the time spent so far."""
        return {"random": _random_states(), "seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the time spent, and the random numbers' state for when it is needed."""
        self._random = state["random"]
        self.seconds = state["seconds"]

    def _count(self) -> None:
        now = time.monotonic()
        self.seconds += now - self._counted
        self._counted = now


def _random_states() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def _set_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["cpu"])
    if torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
