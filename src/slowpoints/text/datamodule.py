"""The batches of a data set, as Lightning asks for them."""

from __future__ import annotations

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from slowpoints.errors import UserError
from slowpoints.text.batches import Batch, LengthBuckets, batches
from slowpoints.text.corpus import EncodedData

EVALUATION = 4  # times as many documents in a batch as in training: no gradients are kept


class SentimentData(pl.LightningDataModule):
    """Batches of a data set's three splits.

    Parameters
    ----------
    batch_size
        Documents in a training batch; those of validation and test hold four times as many.
    seed
        Seed of the order of training batches.

    Raises
    ------
    UserError
        If the data have more than two classes.
    """

    def __init__(self, data: EncodedData, batch_size: int, seed: int):
        super().__init__()
        if data.classes != 2:
            raise UserError(
                f"data.classes: {data.name} was read with {data.classes} classes, but the classifier tells two apart; "
                "use data.classes=2 (five can be read from Python, with load_data)"
            )
        self.data = data
        self.batch_size = batch_size
        self.seed = seed
        self._read_before = 0

    def train_dataloader(self) -> DataLoader[Batch]:
        """Training batches, in another order in every epoch; in a resumed one those that had not been read."""
        loader = batches(self.data.train, self.batch_size, self.seed)
        assert isinstance(loader.sampler, LengthBuckets)
        loader.sampler.skip, self._read_before = self._read_before, 0
        return loader

    def val_dataloader(self) -> DataLoader[Batch]:
        """Validation batches, by length."""
        return batches(self.data.validation, EVALUATION * self.batch_size)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Test batches, by length."""
        return batches(self.data.test, EVALUATION * self.batch_size)

    def state_dict(self) -> dict[str, int]:
        """Return how many batches of the epoch are done, for a training checkpoint."""
        if self.trainer is None:
            return {"batches": 0}
        done = self.trainer.fit_loop.epoch_loop.batch_progress.current.completed
        return {"batches": done % int(self.trainer.num_training_batches)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin the next epoch behind the batches that are done."""
        self._read_before = state["batches"]
