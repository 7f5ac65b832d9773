"""Measure a network on documents that it was not trained on, without a trainer."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from slowpoints.text.batches import Batch
from slowpoints.training.device import chosen_device, use_deterministic_algorithms

if TYPE_CHECKING:
    from slowpoints.training.module import SentimentClassifier

AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def evaluate(classifier: SentimentClassifier, batches: Iterable[Batch]) -> dict[str, float]:
    """Return loss (nats) and accuracy (share of documents) over batches; the network goes to the device of training.

    They are to the last digit what Lightning's trainer measures with the same options.
    """
    options = classifier.options
    device = chosen_device(options)
    use_deterministic_algorithms(options)
    classifier.to(device).eval()
    classifier.accuracy.reset()
    total, documents = torch.zeros((), device=device), 0
    precision = AUTOCAST.get(options.precision)
    with torch.inference_mode(), torch.autocast(device.type, precision) if precision else nullcontext():
        for batch in batches:
            there = Batch(*(tensor.to(device) for tensor in batch))
            logits = classifier.network(there.tokens, there.lengths)
            classifier.accuracy.update(logits, there.labels)
            total += classifier.loss(there, logits) * len(there.labels)
            documents += len(there.labels)
    accuracy = float(classifier.accuracy.compute())
    classifier.accuracy.reset()
    return {"loss": float(total / documents), "accuracy": accuracy}
