"""The test without a trainer measures what Lightning's trainer does, to the last digit."""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir

from slowpoints.app.main import config_folder
from slowpoints.cells import GRU
from slowpoints.sweep.options import check_options
from slowpoints.tasks.batches import batches
from slowpoints.text.corpus import Corpus
from slowpoints.text.task import sequences_of
from slowpoints.training.evaluate import evaluate
from slowpoints.training.model import RecurrentClassifier
from slowpoints.training.module import TaskModule


def made_corpus(documents=101, seed=0):
    random = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(random.integers(1, 30, documents))])
    tokens = random.integers(2, 20, offsets[-1]).astype(np.int32)
    return Corpus(tokens, offsets, random.integers(0, 2, documents))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_loss_and_accuracy_are_those_of_the_trainer(precision):
    overrides = [f"training.precision={precision}", "training.accelerator=cpu", "training.word_dropout=0.5"]
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        options = check_options(compose("config", overrides=overrides)).training
    torch.manual_seed(0)
    network = RecurrentClassifier(GRU(4, 5), 20, word_dropout=options.word_dropout)
    with torch.no_grad():
        network.readout.weight.mul_(30)  # logits on both sides of 0
    module = TaskModule(network, options)
    loader = batches(sequences_of(made_corpus()), 8)  # 13 batches, the last of them smaller
    trainer = pl.Trainer(
        accelerator="cpu", precision=precision, logger=False, enable_progress_bar=False, enable_model_summary=False
    )
    (expected,) = trainer.validate(module, loader, verbose=False)
    measured = evaluate(module.train(), loader)  # dropout does not take part in a test
    assert measured["loss"] == expected["training/val_loss"]
    assert measured["accuracy"] == expected["training/val_accuracy"]
    assert 0 < measured["accuracy"] < 1
    assert evaluate(module, loader) == measured
