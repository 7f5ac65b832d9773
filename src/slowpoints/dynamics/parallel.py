"""Work on many matrices, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

CPU_MEMORY = 1 << 25  # bytes for one chunk: on the CPU, about what stays in its caches
MEMORY = 1 << 29  # elsewhere: enough to keep the device busy
MATRICES_PER_POINT = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


def chunk_rows(matrices: Tensor) -> int:
    """Return how many of the matrices `(point, state, state)` to work on at once."""
    memory = CPU_MEMORY if matrices.device.type == "cpu" else MEMORY
    return max(1, memory // (8 * MATRICES_PER_POINT * matrices.shape[-1] ** 2))


def in_threads(
    function: Callable[[Item], Result], items: Sequence[Item], device: torch.device, allowed: bool = True
) -> list[Result]:
    """Return the results for all items; on the CPU as many at once as torch may use threads, with one thread each.

    Small matrices gain little from several threads each, and lose much where cores are busy. Where threads are not
    allowed, because the function may not be called by several at once, items come one by one.
    """
    if device.type != "cpu" or not allowed:
        return [function(item) for item in items]
    before = torch.get_num_threads()
    with_gradients = torch.is_grad_enabled()  # which each thread decides for itself

    def run(item: Item) -> Result:
        with torch.set_grad_enabled(with_gradients):
            return function(item)

    try:
        torch.set_num_threads(1)  # also for a single item: batched solves crash with more (pytorch issue 142815)
        if before == 1 or len(items) <= 1:
            return [function(item) for item in items]
        with ThreadPoolExecutor(min(before, len(items)), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(run, items))
    finally:
        torch.set_num_threads(before)
