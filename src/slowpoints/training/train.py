"""Train a network, and keep its best state."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.io.checkpoint_io import CheckpointIO
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from safetensors.torch import load_model, save

from slowpoints.errors import UserError
from slowpoints.files import new_file
from slowpoints.runs.folder import CONFIG, WEIGHTS
from slowpoints.training.device import use_deterministic_algorithms
from slowpoints.training.progress import TrainingProgress
from slowpoints.training.resume import ResumePoint
from slowpoints.training.trained import Trained, forget, read_trained, write_trained

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

    from slowpoints.training.module import TaskModule
    from slowpoints.training.options import TrainingOptions


@dataclass(frozen=True)
class TrainingResult:
    """How a training ended.

    Attributes
    ----------
    checkpoint
        File of the best state's weights (safetensors).
    validation_score
        Of the best state: the share of sequences that it gets right, or what the task has in its place.
    epochs
        Passes over the training set.
    seconds
        Spent on it, without interruptions.
    """

    checkpoint: Path
    validation_score: float
    epochs: int
    seconds: float


class CheckpointFiles(CheckpointIO):
    """Writes weights alone as safetensors, and whole states as torch does, to a temporary name that is then renamed."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write a Lightning checkpoint; of one whose name ends in `.safetensors`, the weights."""
        with new_file(Path(path)) as temporary, temporary.open("wb") as file:  # whose errors say that a disk is full
            if Path(path).suffix == Path(WEIGHTS).suffix:
                file.write(save({name: tensor.contiguous() for name, tensor in checkpoint["state_dict"].items()}))
            else:
                torch.save(checkpoint, file)

    def load_checkpoint(self, path: Any, map_location: Any | None = None, weights_only: bool | None = None) -> Any:
        """Read a whole state: tensors, numbers and texts, never code. Weights alone are read by `load_weights`."""
        return torch.load(path, map_location=map_location or "cpu", weights_only=True)

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)


def make_trainer(
    options: TrainingOptions,
    folder: Path,
    logger: Logger | bool,
    callbacks: Sequence[pl.Callback] = (),
    score: str = "accuracy",
) -> pl.Trainer:
    """Return the Lightning trainer that the options describe.

    It keeps the weights with the best `score` on the validation set in `folder`, and there in `.resume` what an
    interrupted training goes on from.
    """
    monitored = f"training/val_{score}"
    _silence_what_nobody_can_act_on()
    use_deterministic_algorithms(options)
    best = ModelCheckpoint(
        folder, Path(WEIGHTS).stem, monitor=monitored, mode="max", save_weights_only=True, enable_version_counter=False
    )
    best.FILE_EXTENSION = Path(WEIGHTS).suffix
    stop = EarlyStopping(monitored, mode="max", patience=options.patience)
    return pl.Trainer(
        max_epochs=options.max_epochs,
        accelerator=options.accelerator,
        devices=options.devices,
        precision=options.precision,
        deterministic=options.deterministic,
        gradient_clip_val=options.gradient_clip,
        val_check_interval=1 / options.validations_per_epoch,
        logger=logger,
        callbacks=[best, stop, ResumePoint(folder), TrainingProgress(monitored), *callbacks],
        # Lightning would put a job of Slurm back into the queue by itself; whoever submitted the job does.
        plugins=[CheckpointFiles(), *([SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else [])],
        enable_progress_bar=False,  # TrainingProgress has one
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
    )


def train(
    trainer: pl.Trainer, module: TaskModule, data: pl.LightningDataModule, *, resume: bool = False
) -> TrainingResult:
    """Train a network in place, and give it the weights that did best on the validation set.

    Parameters
    ----------
    resume
        Go on from where a training in the trainer's folder was interrupted, if one was; on a CPU the result is the same
        as without the interruption. Otherwise what an earlier training left for that is deleted.

    Raises
    ------
    Interrupted
        If the process is asked to stop; the state of the training is in the folder then.
    """
    (point,) = (each for each in trainer.callbacks if isinstance(each, ResumePoint))  # type: ignore[attr-defined]
    if not resume:
        forget(point.folder)
    if (before := read_trained(point.folder)) is None:
        trainer.fit(module, data, ckpt_path=point.last_state(module.state_dict()), weights_only=True)
        best = trainer.checkpoint_callback
        assert isinstance(best, ModelCheckpoint)
        assert best.best_model_score is not None
        before = Trained(
            Path(best.best_model_path).name, float(best.best_model_score), trainer.current_epoch, point.seconds
        )
        write_trained(point.folder, before)
        point.forget()
    checkpoint = point.folder / before.checkpoint
    load_weights(module, checkpoint)
    return TrainingResult(checkpoint, before.validation_score, before.epochs, before.seconds)


def load_weights(module: TaskModule, path: Path) -> None:
    """Give a network the weights in a file.

    Raises
    ------
    UserError
        If they are those of another network.
    """
    try:
        load_model(module, path)
    except RuntimeError as error:
        raise UserError(f"{path}: has the weights of another network than its run's {CONFIG} describes") from error


def _silence_what_nobody_can_act_on() -> None:
    """Lightning's advice on loader processes (batches are cut from memory) and its notices about the hardware."""
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*Checkpoint directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*number of training batches .* is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", ".*your dataloader is not resumable.*")  # the data module is
    warnings.filterwarnings("ignore", ".*`srun` command is available.*")  # a run outside of Slurm needs none
    warnings.filterwarnings("ignore", ".*treespec, LeafSpec.*", FutureWarning)
    for name in ("pytorch_lightning.utilities.rank_zero", "pytorch_lightning.accelerators.cuda"):
        logging.getLogger(name).setLevel(logging.WARNING)
