"""The batches of a task, as Lightning asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytorch_lightning as pl

from slowpoints.tasks.batches import LengthBuckets, batches

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from slowpoints.tasks.batches import Batch
    from slowpoints.tasks.task import Task

EVALUATION = 4  # times as many sequences in a batch as in training: no gradients are kept


class TaskData(pl.LightningDataModule):
    """Batches of a task's three splits.

    Parameters
    ----------
    batch_size
        Sequences in a training batch; those of validation and test hold four times as many.
    seed
        Seed of the order of training batches.
    """

    def __init__(self, task: Task, batch_size: int, seed: int):
        super().__init__()
        self.task = task
        self.batch_size = batch_size
        self.seed = seed
        self._read_before = 0

    def train_dataloader(self) -> DataLoader[Batch]:
        """Training batches, in another order in every epoch; in a resumed one those that had not been read."""
        loader = batches(self.task.train, self.batch_size, self.seed)
        assert isinstance(loader.sampler, LengthBuckets)
        loader.sampler.skip, self._read_before = self._read_before, 0
        return loader

    def val_dataloader(self) -> DataLoader[Batch]:
        """Validation batches, by length."""
        return batches(self.task.validation, EVALUATION * self.batch_size)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Test batches, by length."""
        return batches(self.task.test, EVALUATION * self.batch_size)

    def state_dict(self) -> dict[str, int]:
        """Return how many batches of the epoch are done, for a training checkpoint."""
        if self.trainer is None:
            return {"batches": 0}
        done = self.trainer.fit_loop.epoch_loop.batch_progress.current.completed
        return {"batches": done % int(self.trainer.num_training_batches)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin the next epoch behind the batches that are done."""
        self._read_before = state["batches"]
