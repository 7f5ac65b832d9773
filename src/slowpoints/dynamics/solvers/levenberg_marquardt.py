"""Fixed points by damped Gauss-Newton steps (Levenberg 1944, Marquardt 1963), many points at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import check_count, check_positive
from slowpoints.dynamics.solvers.solver import Crossings, Report, Solution, speed_of

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from slowpoints.dynamics.system import System

MATRICES_PER_POINT = 8  # N x N arrays alive at once, at most
GAIN_ACCEPTED = 1e-3  # share of the predicted decrease of q that makes a step worth taking
MODEL = torch.float32  # precision of A'A and of steps, not of residuals
PROGRESS = 0.05  # relative decrease of q below which an iteration counts as idle


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Solve `(A'A + mu I) d = A' r` for each step d, with `A = I - dF/dh` and `r = F(h, x) - h`.

    The damping mu falls while the linear model predicts q well and rises while it does not (Nielsen 1999), for each
    point on its own. States and steps have the same unit, so mu is a pure number and needs no scaling. Damping also
    keeps a point from sliding far along directions in which the network hardly moves: there, `|A d| << |d|`.

    Parameters
    ----------
    max_iterations
        Steps tried before a point is given up.
    damping
        First value of mu. A smaller one saves a step or two, and lets points slide closer together.
    patience
        Steps in a row without progress (5 % of q) after which a point is held to be in a local minimum of q.

    Notes
    -----
    Work for each point and step: one Jacobian, and in single precision `N^3` multiplications for `A'A` and `N^3 / 6`
    for its Cholesky factor. What a step is worth is judged in the precision of the states.
    """

    max_iterations: int = 100
    damping: float = 1e-2
    patience: int = 10

    def __post_init__(self) -> None:
        check_count(self.max_iterations, "max_iterations")
        check_positive(self.damping, "damping")
        check_count(self.patience, "patience")

    def bytes_per_point(self, state_size: int) -> int:
        """Return the memory that one point needs while it is being solved."""
        return 8 * MATRICES_PER_POINT * state_size**2

    def solve(
        self,
        system: System,
        starts: Float[Tensor, "point state"],
        inputs: Float[Tensor, "point input"],
        tolerances: Sequence[float],
        report: Report,
    ) -> Solution:
        """Follow each point until its speed is below the last tolerance; see `Solver.solve`."""
        crossings = Crossings(starts, tolerances, report)
        front = _front(system, starts, inputs, self.damping)
        for iteration in range(self.max_iterations + 1):
            finished = crossings.note(front.index, front.location, front.speed, iteration)
            stuck = ~finished & ((front.idle >= self.patience) | ~torch.isfinite(front.speed))
            if iteration == self.max_iterations:
                stuck = ~finished
            lost = front.keep(stuck)
            crossings.end(lost.index, lost.location, lost.speed, iteration)
            if (finished | stuck).any():
                front = front.keep(~finished & ~stuck)
            if len(front.index) == 0:
                break
            _advance(system, front)
        return crossings.solution()


@dataclass
class _Front:
    """The points that are still moving; only these are computed with."""

    index: Int[Tensor, " active"]  # which start each came from
    location: Float[Tensor, "active state"]
    input: Float[Tensor, "active input"]
    residual: Float[Tensor, "active state"]  # r = F(h, x) - h
    speed: Float[Tensor, " active"]
    damping: Float[Tensor, " active"]
    growth: Float[Tensor, " active"]  # by what mu grows when the next step is refused
    idle: Int[Tensor, " active"]  # iterations in a row without progress
    moved: Bool[Tensor, " active"]  # since gram and gradient were computed
    gram: Float[Tensor, "active state state"]  # A'A
    gradient: Float[Tensor, "active state"]  # A'r

    def keep(self, mask: Bool[Tensor, " active"]) -> _Front:
        return _Front(*(getattr(self, field.name)[mask] for field in fields(self)))


def _front(system: System, starts: Tensor, inputs: Tensor, damping: float) -> _Front:
    count, size = starts.shape
    residual = system.step(starts, inputs) - starts
    return _Front(
        index=torch.arange(count, device=starts.device),
        location=starts.clone(),
        input=inputs,
        residual=residual,
        speed=speed_of(residual),
        damping=starts.new_full((count,), damping),
        growth=starts.new_full((count,), 2.0),
        idle=torch.zeros(count, dtype=torch.int64, device=starts.device),
        moved=torch.ones(count, dtype=torch.bool, device=starts.device),
        gram=starts.new_empty(count, size, size, dtype=MODEL),
        gradient=starts.new_empty(count, size, dtype=MODEL),
    )


def _advance(system: System, front: _Front) -> None:
    """Try one step from every point, and take those that make it slower."""
    _refresh_model(system, front)
    step, solved = _damped_step(front)
    trial = front.location + step
    residual = system.step(trial, front.input) - trial
    speed = speed_of(residual)
    # |r|^2 - |r - A d|^2 = d . A'r + mu |d|^2, for the d that solves the damped equations
    predicted = ((step * front.gradient).sum(dim=1) + front.damping * step.square().sum(dim=1)) / step.shape[1]
    gain = (front.speed - speed) / predicted
    taken = solved & (gain > GAIN_ACCEPTED)  # false for NaN
    progress = taken & (speed < (1 - PROGRESS) * front.speed)
    front.idle = torch.where(progress, 0, front.idle + 1)
    shrink = torch.clamp(1 - (2 * gain - 1) ** 3, min=1 / 3)
    front.damping = front.damping * torch.where(taken, shrink, front.growth)
    front.growth = torch.where(taken, 2.0, 2 * front.growth)
    front.location = torch.where(taken.unsqueeze(1), trial, front.location)
    front.residual = torch.where(taken.unsqueeze(1), residual, front.residual)
    front.speed = torch.where(taken, speed, front.speed)
    front.moved = taken


def _refresh_model(system: System, front: _Front) -> None:
    """Compute `A'A` and `A'r` where points have moved."""
    everywhere = bool(front.moved.all())
    rows = slice(None) if everywhere else front.moved.nonzero().squeeze(1)
    location = front.location[rows]
    if len(location) == 0:
        return
    identity = torch.eye(location.shape[1], dtype=location.dtype, device=location.device)
    a = (identity - system.recurrent_jacobian(location, front.input[rows])).to(MODEL)
    gram = a.mT @ a
    gradient = (front.residual[rows].to(MODEL).unsqueeze(1) @ a).squeeze(1)
    if everywhere:
        front.gram, front.gradient = gram, gradient
    else:
        front.gram[rows], front.gradient[rows] = gram, gradient


def _damped_step(front: _Front) -> tuple[Float[Tensor, "active state"], Bool[Tensor, " active"]]:
    """Solve `(A'A + mu I) d = A'r`; also say for which points that worked."""
    damped = front.gram.clone()
    damped.diagonal(dim1=-2, dim2=-1).add_(front.damping.to(MODEL).unsqueeze(1))
    factor, failure = torch.linalg.cholesky_ex(damped)
    step = torch.cholesky_solve(front.gradient.unsqueeze(-1), factor).squeeze(-1)
    return step.to(front.location.dtype), failure == 0
