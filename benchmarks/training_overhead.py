"""Tokens per second of training: Lightning, the data module and the MLflow logger against a bare loop.

    python benchmarks/training_overhead.py arch=gru data=imdb data.root=FOLDER threads=2

Takes the options of a run. Both sides train the same fused network on the same documents, in turn, in one process; the
bare loop has its batches ready in memory. Padding does not count as tokens.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir

from slowpoints.app.build import build_network
from slowpoints.app.main import config_folder
from slowpoints.sweep.options import RunOptions, check_options
from slowpoints.tasks.datamodule import TaskData
from slowpoints.text.corpus import Corpus, EncodedData, offsets_of
from slowpoints.text.load import load_data
from slowpoints.text.task import documents
from slowpoints.tracking.logger import TrainingLogger
from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.run import track
from slowpoints.training.module import TaskModule
from slowpoints.training.train import make_trainer

BATCHES = 40  # of the training set, in each round
ROUNDS = 3


class Stopwatch(pl.Callback):
    """Measures the training epoch alone, without validation and set-up."""

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.started = time.perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self.started


def some_documents(corpus: Corpus, count: int) -> Corpus:
    chosen = np.sort(np.random.default_rng(0).permutation(len(corpus))[:count])
    documents = [corpus.document(index) for index in chosen]
    lengths = np.array([len(document) for document in documents])
    return Corpus(np.concatenate(documents), offsets_of(lengths), corpus.labels[chosen])


def bare_seconds(options: RunOptions, data: EncodedData) -> float:
    module = TaskModule(build_network(options, len(data.words)), options.training).train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=options.training.rate, fused=True)
    batches = list(TaskData(documents(data), options.training.batch_size, options.seed).train_dataloader())
    started = time.perf_counter()
    for batch in batches:
        optimizer.zero_grad()
        loss = module.network.outputs.loss(module.network(batch.tokens, batch.lengths), batch.targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), options.training.gradient_clip or float("inf"))
        optimizer.step()
    return time.perf_counter() - started


def lightning_seconds(options: RunOptions, data: EncodedData) -> float:
    module = TaskModule(build_network(options, len(data.words)), options.training)
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = TrackingOptions(uri=f"sqlite:///{folder}/mlflow.db", experiment="benchmark")
        with track(store, "benchmark", folder, {}, {}) as run:
            training = options.training.model_copy(update={"max_epochs": 1})
            trainer = make_trainer(training, folder, TrainingLogger(run), [watch])
            trainer.fit(module, TaskData(documents(data), training.batch_size, options.seed))
    return watch.seconds


def main() -> None:
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        options = check_options(compose("config", overrides=sys.argv[1:]))
    torch.set_num_threads(options.threads or torch.get_num_threads())
    data = load_data(options.data, options.cache_dir, options.seed)
    train = some_documents(data.train, BATCHES * options.training.batch_size)
    data = replace(data, train=train, validation=some_documents(data.validation, options.training.batch_size))
    tokens = int(train.lengths.sum())
    bare_seconds(options, data)  # warm-up
    rounds = [(bare_seconds(options, data), lightning_seconds(options, data)) for _ in range(ROUNDS)]
    print(f"{options.arch.name} on {options.data.name}, {torch.get_num_threads()} threads, {tokens} tokens a round")
    for name, seconds in zip(("bare loop", "Lightning"), zip(*rounds, strict=True), strict=True):
        print(f"{name:10} {tokens / statistics.median(seconds):10.0f} tokens/s (median of {ROUNDS})")
    ratios = [bare / lightning for bare, lightning in rounds]
    print(f"ratio      {statistics.median(ratios):10.3f} (median; {min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
