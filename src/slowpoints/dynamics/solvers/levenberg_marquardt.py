"""Fixed points by damped Gauss-Newton steps (Levenberg 1944, Marquardt 1963), many points at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import check_count, check_positive
from slowpoints.dynamics.solvers.solver import Front, speed_of

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

    def start(
        self, system: System, states: Float[Tensor, "point state"], inputs: Float[Tensor, "point input"]
    ) -> _Front:
        """Return the front before the first step."""
        count, size = states.shape
        residual = system.step(states, inputs) - states
        return _Front(
            location=states,
            input=inputs,
            residual=residual,
            speed=speed_of(residual),
            stuck=torch.zeros(count, dtype=torch.bool, device=states.device),
            damping=states.new_full((count,), self.damping),
            growth=states.new_full((count,), 2.0),
            idle=torch.zeros(count, dtype=torch.int64, device=states.device),
            moved=torch.ones(count, dtype=torch.bool, device=states.device),
            gram=states.new_empty(count, size, size, dtype=MODEL),
            gradient=states.new_empty(count, size, dtype=MODEL),
        )

    def step(self, system: System, front: _Front) -> _Front:
        """Try one step from every point, and take those that make it slower."""
        gram, gradient = _model(system, front)
        step, solved = _damped_step(gram, gradient, front.damping)
        trial = front.location + step
        residual = system.step(trial, front.input) - trial
        speed = speed_of(residual)
        # |r|^2 - |r - A d|^2 = d . A'r + mu |d|^2, for the d that solves the damped equations
        predicted = ((step * gradient).sum(dim=1) + front.damping * step.square().sum(dim=1)) / step.shape[1]
        gain = (front.speed - speed) / predicted
        taken = solved & (gain > GAIN_ACCEPTED)  # false for NaN
        progress = taken & (speed < (1 - PROGRESS) * front.speed)
        idle = torch.where(progress, 0, front.idle + 1)
        shrink = torch.clamp(1 - (2 * gain - 1) ** 3, min=1 / 3)
        return _Front(
            location=torch.where(taken.unsqueeze(1), trial, front.location),
            input=front.input,
            residual=torch.where(taken.unsqueeze(1), residual, front.residual),
            speed=torch.where(taken, speed, front.speed),
            stuck=idle >= self.patience,
            damping=front.damping * torch.where(taken, shrink, front.growth),
            growth=torch.where(taken, 2.0, 2 * front.growth),
            idle=idle,
            moved=taken,
            gram=gram,
            gradient=gradient,
        )


@dataclass(frozen=True)
class _Front(Front):
    residual: Float[Tensor, "active state"]  # r = F(h, x) - h
    damping: Float[Tensor, " active"]
    growth: Float[Tensor, " active"]  # by what mu grows when the next step is refused
    idle: Int[Tensor, " active"]  # iterations in a row without progress
    moved: Bool[Tensor, " active"]  # since gram and gradient were computed
    gram: Float[Tensor, "active state state"]  # A'A
    gradient: Float[Tensor, "active state"]  # A'r


def _model(system: System, front: _Front) -> tuple[Float[Tensor, "active state state"], Float[Tensor, "active state"]]:
    """Return `A'A` and `A'r`, computed where points have moved."""
    everywhere = bool(front.moved.all())
    rows = slice(None) if everywhere else front.moved.nonzero().squeeze(1)
    location = front.location[rows]
    if len(location) == 0:
        return front.gram, front.gradient
    identity = torch.eye(location.shape[1], dtype=location.dtype, device=location.device)
    a = (identity - system.recurrent_jacobian(location, front.input[rows])).to(MODEL)
    gram = a.mT @ a
    gradient = (front.residual[rows].to(MODEL).unsqueeze(1) @ a).squeeze(1)
    if not everywhere:
        front.gram[rows], front.gradient[rows] = gram, gradient
        return front.gram, front.gradient
    return gram, gradient


def _damped_step(
    gram: Tensor, gradient: Tensor, damping: Tensor
) -> tuple[Float[Tensor, "active state"], Bool[Tensor, " active"]]:
    """Solve `(A'A + mu I) d = A'r`; also say for which points that worked."""
    damped = gram.clone()
    damped.diagonal(dim1=-2, dim2=-1).add_(damping.to(MODEL).unsqueeze(1))
    factor, failure = torch.linalg.cholesky_ex(damped)
    step = torch.cholesky_solve(gradient.unsqueeze(-1), factor).squeeze(-1)
    return step.to(damping.dtype), failure == 0
