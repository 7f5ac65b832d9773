"""Measure a network on documents that it was not trained on, without a trainer."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from slowpoints.tasks.batches import Batch
from slowpoints.training.device import chosen_device, use_deterministic_algorithms

if TYPE_CHECKING:
    from slowpoints.training.module import TaskModule

AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def evaluate(module: TaskModule, batches: Iterable[Batch]) -> dict[str, float]:
    """Return loss and score over batches, by name; the network goes to the device of training.

    Of classes these are nats and `accuracy`, the share of sequences.

    They are to the last digit what Lightning's trainer measures with the same options.
    """
    options, outputs = module.options, module.network.outputs
    device = chosen_device(options)
    use_deterministic_algorithms(options)
    module.to(device).eval()
    module.score.reset()
    total, documents = torch.zeros((), device=device), 0
    precision = AUTOCAST.get(options.precision)
    with torch.inference_mode(), torch.autocast(device.type, precision) if precision else nullcontext():
        for batch in batches:
            there = Batch(*(tensor.to(device) for tensor in batch))
            logits = module.network(there.tokens, there.lengths)
            module.score.update(logits, there.targets)
            total += outputs.loss(logits, there.targets) * len(there.targets)
            documents += len(there.targets)
    score = float(module.score.compute())
    module.score.reset()
    return {"loss": float(total / documents), outputs.score: score}
