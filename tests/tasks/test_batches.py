from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from slowpoints.tasks.batches import batches, make_batch
from slowpoints.tasks.datamodule import TaskData
from slowpoints.text.task import documents, sequences_of

sys.path.append(str(Path(__file__).parents[1] / "text"))
from reviews import encoded, random_corpus


def contents(loader):
    """Each batch as lists of (tokens, label)."""
    return [
        [
            (tuple(tokens[:length].tolist()), label)
            for tokens, length, label in zip(batch.tokens, batch.lengths, batch.targets.tolist(), strict=True)
        ]
        for batch in loader
    ]


def all_documents(corpus):
    return sorted((tuple(corpus.document(i).tolist()), int(corpus.labels[i])) for i in range(len(corpus)))


def padding_share(loader):
    cells, words = 0, 0
    for batch in loader:
        cells += batch.tokens.numel()
        words += int(batch.lengths.sum())
    return 1 - words / cells


def test_a_batch_is_padded_on_the_right_with_zeros():
    corpus = random_corpus(20, 9)
    batch = make_batch(sequences_of(corpus), np.array([7, 3, 11]))
    assert batch.tokens.dtype == batch.lengths.dtype == batch.targets.dtype == torch.int64
    assert batch.tokens.shape == (3, int(batch.lengths.max()))
    for row, index in enumerate([7, 3, 11]):
        document = corpus.document(index)
        assert batch.lengths[row] == len(document)
        assert batch.tokens[row, : len(document)].tolist() == document.tolist()
        assert (batch.tokens[row, len(document) :] == 0).all()
        assert batch.targets[row] == corpus.labels[index]


@pytest.mark.parametrize("seed", [None, 0])
def test_every_document_comes_once_in_every_epoch(seed):
    corpus = random_corpus(103, 9)
    loader = batches(sequences_of(corpus), 8, seed)
    for _ in range(2):
        epoch = contents(loader)
        assert len(epoch) == len(loader) == 13
        assert sorted(chain.from_iterable(epoch)) == all_documents(corpus)


def test_training_batches_change_with_epoch_and_seed_and_repeat_with_both():
    corpus = random_corpus(200, 9)
    loader = batches(sequences_of(corpus), 8, seed=1)
    first, second = contents(loader), contents(loader)
    assert first != second
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))  # not the same batches in another order
    again = batches(sequences_of(corpus), 8, seed=1)
    again.sampler.set_epoch(1)
    assert contents(again) == second
    assert contents(batches(sequences_of(corpus), 8, seed=2)) != first


def test_training_batches_come_in_random_order_of_length_with_little_padding():
    corpus = random_corpus(4_000, 200)
    loader = batches(sequences_of(corpus), 32, seed=0)
    longest = [int(batch.lengths.max()) for batch in loader]
    assert abs(np.corrcoef(longest, np.arange(len(longest)))[0, 1]) < 0.3
    assert padding_share(loader) < 0.05


def test_evaluation_batches_are_sorted_by_length():
    loader = batches(sequences_of(random_corpus(500, 100)), 32)
    lengths = torch.cat([batch.lengths for batch in loader])
    assert (lengths.diff() >= 0).all()
    assert padding_share(loader) < 0.1


def test_evaluation_batches_can_be_traced_to_their_documents():
    corpus = random_corpus(50, 9)
    loader = batches(sequences_of(corpus), 16)
    order = np.concatenate(loader.sampler.batches())
    assert torch.cat([batch.targets for batch in loader]).tolist() == corpus.labels[order].tolist()


class Recorder(pl.LightningModule):
    """Trains nothing, and keeps the batches of every epoch."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.epochs: list[list[list[int]]] = []
        self.tested = 0

    def on_train_epoch_start(self):
        self.epochs.append([])

    def training_step(self, batch):
        self.epochs[-1].append(batch.tokens[:, 0].tolist())
        return self.weight.sum()

    def validation_step(self, batch):
        assert batch.tokens.shape[0] == len(batch.targets)

    def test_step(self, batch):
        self.tested += len(batch.targets)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.0)


def run(data, epochs, tmp_path, checkpoint=None):
    model = Recorder()
    trainer = pl.Trainer(
        max_epochs=epochs, logger=False, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
        default_root_dir=tmp_path, enable_checkpointing=False,
    )  # fmt: skip
    trainer.fit(model, data, ckpt_path=checkpoint, weights_only=False)
    return model, trainer


def test_lightning_trains_on_a_new_order_in_every_epoch_and_a_resumed_training_goes_on(tmp_path):
    whole, trainer = run(TaskData(documents(encoded()), 8, seed=0), 3, tmp_path)
    assert [len(epoch) for epoch in whole.epochs] == [5, 5, 5]
    assert whole.epochs[0] != whole.epochs[1] != whole.epochs[2]
    trainer.test(whole, TaskData(documents(encoded()), 8, seed=0), verbose=False)
    assert whole.tested == 40

    _, half = run(TaskData(documents(encoded()), 8, seed=0), 2, tmp_path)
    half.save_checkpoint(tmp_path / "half.ckpt")
    rest, _ = run(TaskData(documents(encoded()), 8, seed=0), 3, tmp_path, tmp_path / "half.ckpt")
    assert rest.epochs == whole.epochs[2:]
