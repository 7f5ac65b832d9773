"""Fixed points by damped Gauss-Newton steps (Levenberg 1944, Marquardt 1963) without matrices, many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import check_count, check_positive
from slowpoints.dynamics.pace import squared_pace
from slowpoints.dynamics.solvers.least_squares import damped_least_squares
from slowpoints.dynamics.solvers.solver import Front, q_of

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from slowpoints.dynamics.system import System

VECTORS_PER_POINT = 40  # arrays as large as the state that are alive at once, at most
GAIN_ACCEPTED = 1e-3  # share of the predicted decrease of q that makes a step worth taking
PROGRESS = 0.05  # relative decrease of q below which an iteration counts as idle
PRECISION = 0.03  # of a step, relative: a looser one costs more steps, a tighter one more products in each
PRODUCTS = 100  # with A and with A', for one step at most


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Solve `(A'A + mu I) d = A' r` for each step d, with `A = I - dF/dh` and `r = F(h, x) - h`.

    The damping mu falls while the linear model predicts q well and rises while it does not (Nielsen 1999), for each
    point on its own. It begins as a share of the mean diagonal of `A'A`, so that it does not matter how small the steps
    of the network are. Damping also keeps a point from sliding far along directions in which the network hardly moves:
    there, `|A d| << |d|`.

    Parameters
    ----------
    max_iterations
        Steps tried before a point is given up.
    damping
        First value of mu, as a share of the mean diagonal of `A'A` at the start. A smaller one saves a step or two, and
        lets points slide closer together.
    patience
        Steps in a row without progress (5 % of q) after which a point is held to be in a local minimum of q.

    Notes
    -----
    Steps are found by conjugate gradients, to a relative precision of .03: each of their iterations is one product with
    A and one with A', in which all points share one product with the network's weights. No Jacobian is computed, so
    that a point needs memory in proportion to the size of its state.
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
        return 8 * VECTORS_PER_POINT * state_size

    def start(
        self, system: System, states: Float[Tensor, "point state"], inputs: Float[Tensor, "point input"]
    ) -> _Front:
        """Return the front before the first step."""
        residual = system.step(states, inputs) - states
        q = q_of(residual)
        return _Front(
            location=states,
            input=inputs,
            q=q,
            stuck=torch.zeros_like(q, dtype=torch.bool),
            residual=residual,
            damping=self.damping * squared_pace(system.products(states, inputs), states),
            growth=torch.full_like(q, 2.0),
            idle=torch.zeros_like(q, dtype=torch.int64),
        )

    def step(self, system: System, front: _Front) -> _Front:
        """Try one step from every point, and take those that make it slower."""
        derivative = system.products(front.location, front.input)
        step, gradient = damped_least_squares(derivative, front.residual, front.damping, PRECISION, PRODUCTS)
        trial = front.location + step
        residual = system.step(trial, front.input) - trial
        q = q_of(residual)
        # |r|^2 - |r - A d|^2 = d . A'r + mu |d|^2: for the d that solves the damped equations, and every iterate
        predicted = ((step * gradient).sum(dim=1) + front.damping * step.square().sum(dim=1)) / step.shape[1]
        gain = (front.q - q) / predicted
        taken = gain > GAIN_ACCEPTED  # false for NaN
        progress = taken & (q < (1 - PROGRESS) * front.q)
        idle = torch.where(progress, 0, front.idle + 1)
        shrink = torch.clamp(1 - (2 * gain - 1) ** 3, min=1 / 3)
        return _Front(
            location=torch.where(taken.unsqueeze(1), trial, front.location),
            input=front.input,
            q=torch.where(taken, q, front.q),
            stuck=idle >= self.patience,
            residual=torch.where(taken.unsqueeze(1), residual, front.residual),
            damping=front.damping * torch.where(taken, shrink, front.growth),
            growth=torch.where(taken, 2.0, 2 * front.growth),
            idle=idle,
        )


@dataclass(frozen=True)
class _Front(Front):
    residual: Float[Tensor, "active state"]  # r = F(h, x) - h
    damping: Float[Tensor, " active"]  # mu
    growth: Float[Tensor, " active"]  # by what mu grows when the next step is refused
    idle: Int[Tensor, " active"]  # iterations in a row without progress
