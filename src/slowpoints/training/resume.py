"""Go on with an interrupted training as if nothing had happened.

Between two batches everything that decides how a training continues is in few places: weights, optimiser, schedule,
progress, what the callbacks remember, the generators of random numbers, and the place in the order of batches. They are
written then, and read by `Trainer.fit(ckpt_path=...)`. The best weights so far go along, so that the file of them is
what it was then; and the state before is kept, for the case that the last one cannot be read.
"""

from __future__ import annotations

import logging
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from safetensors.torch import load_file, save_file

from slowpoints.files import new_file
from slowpoints.interruption import STOP
from slowpoints.runs.folder import STATE, STATE_BEFORE, WEIGHTS, RunFolder

log = logging.getLogger(__name__)

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
        self.path = RunFolder(folder).resume / STATE
        self.before = RunFolder(folder).resume / STATE_BEFORE
        self.best = folder / WEIGHTS
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
            self._write(trainer)
            self._due, self._last = False, time.monotonic()
        if STOP.asked:
            STOP.stop()

    def on_save_checkpoint(self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Let the steps of logged curves go on: Lightning expects checkpoints to be written behind a batch."""
        checkpoint["loops"]["fit_loop"]["epoch_loop.state_dict"]["_batches_that_stepped"] -= 1

    def on_load_checkpoint(self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Let the best weights be those in this folder: Lightning forgets how good they are where it was moved."""
        keeper = trainer.checkpoint_callback
        assert isinstance(keeper, ModelCheckpoint)
        state = checkpoint["callbacks"].get(keeper.state_key, {})
        if state.get("best_model_path"):
            here = str(Path(str(keeper.dirpath)) / Path(state["best_model_path"]).name)
            scores = dict.fromkeys([here], state["best_model_score"])
            state |= {"dirpath": keeper.dirpath, "best_model_path": here, "kth_best_model_path": here}
            state["best_k_models"] = scores

    def state_dict(self) -> dict[str, Any]:
        """Return the random numbers' state, the time spent so far, and the best weights."""
        best = load_file(self.best) if self.best.is_file() else None
        return {"random": _random_states(), "seconds": self.seconds, "best": best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the time spent, the random numbers' state for when it is needed, and the best weights."""
        self._random = state["random"]
        self.seconds = state["seconds"]
        if state.get("best") is not None:  # those of earlier versions have none
            with new_file(self.best) as temporary:
                save_file(state["best"], temporary)

    def last_state(self, weights: Mapping[str, torch.Tensor]) -> Path | None:
        """Return the file of the last state that can be read and is one of a network with such weights, if any."""
        there = [path for path in (self.path, self.before) if path.is_file()]
        for path in there:
            if problem := _problem_of(path, weights):
                log.warning("%s cannot be gone on from (%s)", path, problem)
            else:
                return path
        if there:
            log.warning("The training begins anew")
        return None

    def forget(self) -> None:
        """Delete the states: the training is over."""
        self.path.unlink(missing_ok=True)
        self.before.unlink(missing_ok=True)

    def _write(self, trainer: pl.Trainer) -> None:
        if self.path.is_file():
            self.path.replace(self.before)
        trainer.save_checkpoint(self.path, weights_only=False)

    def _count(self) -> None:
        now = time.monotonic()
        self.seconds += now - self._counted
        self._counted = now


def _problem_of(path: Path, weights: Mapping[str, torch.Tensor]) -> str:
    """Return why a training cannot go on from a file; nothing where it can."""
    try:
        with zipfile.ZipFile(path) as archive:
            if (broken := archive.testzip()) is not None:  # torch does not look at the sums of what it reads
                return f"{broken} in it is damaged"
        state = torch.load(path, map_location="cpu", weights_only=True)
        shapes = {name: tensor.shape for name, tensor in state["state_dict"].items()}
        point = state["callbacks"]["ResumePoint"]
        complete = {"random", "seconds"} <= point.keys() and {"loops", "optimizer_states"} <= state.keys()
    except Exception as error:  # as many kinds as there are ways to be damaged
        return (str(error).splitlines() or [type(error).__name__])[0]
    if not complete or shapes != {name: tensor.shape for name, tensor in weights.items()}:
        return "it is not a state of this training"
    return ""


def _random_states() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def _set_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["cpu"])
    if torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
