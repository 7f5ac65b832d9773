"""Batches of documents of similar length, for Lightning and for analyses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from slowpoints.errors import UserError
from slowpoints.text.corpus import PADDING, Corpus, EncodedData

if TYPE_CHECKING:
    from jaxtyping import Int64
    from torch import Tensor

# Shuffled documents are sorted by length within pools of so many batches: large enough for little padding (1-2 %),
# small enough that batches are composed anew in every epoch.
POOL = 64


class Batch(NamedTuple):
    """Documents padded on the right with zeros."""

    tokens: Int64[Tensor, "batch time"]
    lengths: Int64[Tensor, " batch"]
    labels: Int64[Tensor, " batch"]


def make_batch(corpus: Corpus, documents: Int64[np.ndarray, " batch"]) -> Batch:
    """Gather these documents of a corpus, in this order."""
    starts = corpus.offsets[documents]
    lengths = corpus.offsets[documents + 1] - starts
    time = np.arange(lengths.max())
    inside = time < lengths[:, None]
    tokens = np.full(inside.shape, PADDING, dtype=np.int64)
    tokens[inside] = corpus.tokens[(starts[:, None] + time)[inside]]
    return Batch(torch.from_numpy(tokens), torch.from_numpy(lengths), torch.from_numpy(corpus.labels[documents]))


class CorpusBatches(Dataset[Batch]):
    """A corpus, asked for whole batches by their documents' indices."""

    def __init__(self, corpus: Corpus):
        self.corpus = corpus

    def __getitem__(self, documents: Int64[np.ndarray, " batch"]) -> Batch:
        return make_batch(self.corpus, documents)


class LengthBuckets(Sampler[np.ndarray]):
    """Which documents the batches hold: sorted by length, or (with a seed) shuffled anew in every epoch.

    Each pass over a shuffled one is an epoch of its own; `set_epoch` says which is next, so that a resumed training
    goes on where it left off, and `skip` how many of its batches were read before.
    """

    def __init__(self, lengths: Int64[np.ndarray, " document"], batch_size: int, seed: int | None = None):
        self.lengths = lengths
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0
        self.skip = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass (Lightning calls this)."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[Int64[np.ndarray, " batch"]]:
        # Run when the first batch is asked for: Lightning says which epoch it is after it has made the iterator.
        batches = self.batches()[self.skip :]
        self.epoch += 1
        self.skip = 0
        yield from batches

    def batches(self) -> list[Int64[np.ndarray, " batch"]]:
        """The batches of the next pass."""
        if self.seed is None:
            return self._split(np.argsort(self.lengths, kind="stable"))
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(len(self.lengths))
        pools = np.arange(len(order)) // (POOL * self.batch_size)
        batches = self._split(order[np.lexsort((self.lengths[order], pools))])
        return [batches[index] for index in generator.permutation(len(batches))]

    def _split(self, order: Int64[np.ndarray, " document"]) -> list[Int64[np.ndarray, " batch"]]:
        return [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]


def batches(corpus: Corpus, batch_size: int, seed: int | None = None) -> DataLoader[Batch]:
    """Load batches of a corpus, sorted by length, or (with a seed) shuffled anew in every epoch."""
    sampler = LengthBuckets(corpus.lengths, batch_size, seed)
    return DataLoader(CorpusBatches(corpus), sampler=sampler, batch_size=None)


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
