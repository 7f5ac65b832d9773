"""Batches of sequences of similar length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from slowpoints.tasks.sequences import PADDING

if TYPE_CHECKING:
    from jaxtyping import Int64, Shaped
    from torch import Tensor

    from slowpoints.tasks.sequences import Sequences

# Shuffled sequences are sorted by length within pools of so many batches: large enough for little padding (1-2 %),
# small enough that batches are composed anew in every epoch.
POOL = 64


class Batch(NamedTuple):
    """Sequences padded on the right with zeros, and their targets: of each, or of all steps but the padding.

    Symbols are whole numbers; what is continuous is in single precision.
    """

    tokens: Shaped[Tensor, "batch time *input"]
    lengths: Int64[Tensor, " batch"]
    targets: Shaped[Tensor, ...]


def make_batch(sequences: Sequences, chosen: Int64[np.ndarray, " batch"]) -> Batch:
    """Gather these sequences, in this order."""
    starts = sequences.offsets[chosen]
    lengths = sequences.offsets[chosen + 1] - starts
    time = np.arange(lengths.max())
    inside = time < lengths[:, None]
    shape = (*inside.shape, *sequences.inputs.shape[1:])
    tokens = np.full(shape, PADDING, dtype=np.float32 if sequences.continuous else np.int64)
    tokens[inside] = sequences.inputs[(starts[:, None] + time)[inside]]
    targets = sequences.targets_of(chosen)
    kind = np.int64 if np.issubdtype(targets.dtype, np.integer) else np.float32
    return Batch(*map(torch.from_numpy, (tokens, lengths, targets.astype(kind, copy=False))))


class SequenceBatches(Dataset[Batch]):
    """Sequences, asked for whole batches by their indices."""

    def __init__(self, sequences: Sequences):
        self.sequences = sequences

    def __getitem__(self, chosen: Int64[np.ndarray, " batch"]) -> Batch:
        return make_batch(self.sequences, chosen)


class LengthBuckets(Sampler[np.ndarray]):
    """Which sequences the batches hold: sorted by length, or (with a seed) shuffled anew in every epoch.

    Each pass over a shuffled one is an epoch of its own; `set_epoch` says which is next, so that a resumed training
    goes on where it left off, and `skip` how many of its batches were read before.
    """

    def __init__(self, lengths: Int64[np.ndarray, " sequence"], batch_size: int, seed: int | None = None):
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

    def _split(self, order: Int64[np.ndarray, " sequence"]) -> list[Int64[np.ndarray, " batch"]]:
        return [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]


def batches(sequences: Sequences, batch_size: int, seed: int | None = None) -> DataLoader[Batch]:
    """Load batches of sequences, sorted by length, or (with a seed) shuffled anew in every epoch."""
    sampler = LengthBuckets(sequences.lengths, batch_size, seed)
    return DataLoader(SequenceBatches(sequences), sampler=sampler, batch_size=None)
