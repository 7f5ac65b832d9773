"""FixedPointFinder (Golub & Sussillo 2018, JOSS 3(31), 1003): as shipped, or its method restated.

The first needs a checkout of it, which no package index has. The second is what is measured without one: joint Adam on
the mean of `|F(h) - h|^2 / 2`, at a rate that falls on plateaus, until all points stand or 5,000 steps are over; points
that are closer than its tolerance to another are dropped; one Jacobian of all points at once by automatic
differentiation (the shipped one computes them a second time, point by point, and throws these away); and
`numpy.linalg.eig` in single precision, with right vectors only.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from slowpoints.cells import Cell

RATE = 0.01  # with its default of 1, points leave everything that a network visits
STEPS, PATIENCE, FACTOR = 5000, 2, 0.95
LOWEST_Q, LOWEST_CHANGE, SAME = 1e-12, 1e-20, 1e-3  # its tolerances: tol_q, tol_dq, tol_unique


@dataclass(frozen=True)
class Found:
    """Where all searches ended, how many of these points were linearised, and what the search alone took."""

    location: Tensor
    linearised: int
    search: tuple[float, float]  # wall and processor seconds


class AsTorchModule(nn.Module):
    """A cell by the interface that FixedPointFinder asks for, that of `nn.GRU`; an LSTM's state is concatenated."""

    batch_first = True

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.rnn, self.hidden_size = cell.rnn, cell.hidden_size

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        if not isinstance(self.rnn, nn.LSTM):
            return self.rnn(inputs, state)
        output, following = self.rnn(inputs, tuple(part.contiguous() for part in state.split(self.hidden_size, dim=-1)))
        return output, torch.cat(following, dim=-1)


def now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def since(start: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - start[0], time.process_time() - start[1]


def shipped(checkout: Path, cell: Cell, starts: Tensor) -> Found:
    """Run FixedPointFinder from a checkout, with its defaults but for the rate."""
    sys.path.insert(0, str(checkout))
    from FixedPointFinderTorch import FixedPointFinderTorch  # type: ignore[import-not-found]

    class Timed(FixedPointFinderTorch):  # type: ignore[misc]
        def _run_joint_optimization(self, *arguments: Any, **options: Any) -> Any:
            start = now()
            found = super()._run_joint_optimization(*arguments, **options)
            self.search = since(start)
            return found

    network = AsTorchModule(cell.float())
    inputs = np.zeros((1, cell.input_size), np.float32)
    with contextlib.redirect_stdout(io.StringIO()):
        finder = Timed(network, lr_init=RATE, max_iters=STEPS, verbose=False)
        unique, every = finder.find_fixed_points(starts.float().numpy(), inputs)
    return Found(torch.from_numpy(every.xstar).double(), unique.n, finder.search)


def restated(cell: Cell, starts: Tensor) -> Found:
    """Do what FixedPointFinder does, in our words."""
    network = AsTorchModule(cell.float().requires_grad_(False))
    inputs = torch.zeros(len(starts), 1, cell.input_size)

    def step(states: Tensor) -> Tensor:
        return network(inputs[: len(states)], states.unsqueeze(0))[1].squeeze(0)

    start = now()
    location = _minimise(step, starts.float())
    search = since(start)
    unique = torch.unique((location / SAME).round(), dim=0, return_inverse=True)[1]
    kept = location[[int((unique == group).nonzero()[0]) for group in unique.unique()]]
    jacobians = torch.autograd.functional.jacobian(lambda states: step(states).sum(dim=0), kept).permute(1, 0, 2)
    np.linalg.eig(jacobians.numpy())
    return Found(location.double(), len(kept), search)


def _minimise(step: Any, starts: Tensor) -> Tensor:
    states = starts.clone().requires_grad_()
    optimizer = torch.optim.Adam([states], lr=RATE)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=FACTOR, patience=PATIENCE)
    before = torch.full((len(starts),), torch.nan)
    for _ in range(STEPS):
        q = (states - step(states)).square().sum(dim=1) / 2
        optimizer.zero_grad()
        q.mean().backward()
        optimizer.step()
        schedule.step(q.detach().mean())
        standing = ((q - before).abs() < LOWEST_CHANGE * schedule.get_last_lr()[0]) | (q < LOWEST_Q)
        if standing.all():
            break
        before = q.detach()
    return states.detach()
