"""Fixed points by gradient descent on q, as in the literature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import check_count, check_positive
from slowpoints.dynamics.solvers.solver import Front, q_of

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.dynamics.system import System

BETAS = (0.9, 0.999)
EPSILON = 1e-8


@dataclass(frozen=True)
class Adam:
    """Minimise `q` by Adam (Kingma & Ba 2015), each point on its own: moments, stopping, clipping.

    The method of Sussillo & Barak (2013) as it is used since Golub & Sussillo (2018, FixedPointFinder, JOSS). It needs
    thousands of steps where `LevenbergMarquardt` needs about ten, but no Jacobians.

    Parameters
    ----------
    learning_rate
        Step size, in units of the state, at first.
    decay
        Factor on the learning rate after every step.
    max_iterations
        Steps before a point is given up.
    max_gradient_norm
        Longer gradients of a point are scaled down to this length; None for no limit.
    """

    learning_rate: float = 0.01
    decay: float = 0.9995
    max_iterations: int = 5000
    max_gradient_norm: float | None = None

    def __post_init__(self) -> None:
        check_positive(self.learning_rate, "learning_rate")
        check_positive(self.decay, "decay")
        check_count(self.max_iterations, "max_iterations")
        if self.max_gradient_norm is not None:
            check_positive(self.max_gradient_norm, "max_gradient_norm")

    def bytes_per_point(self, state_size: int) -> int:
        """Return the memory that one point needs while it is being solved."""
        return 8 * 40 * state_size

    def start(
        self, system: System, states: Float[Tensor, "point state"], inputs: Float[Tensor, "point input"]
    ) -> _AdamFront:
        """Return the front before the first step."""
        q, gradient = _q_and_gradient(system, states, inputs)
        stuck, zero = torch.zeros_like(q, dtype=torch.bool), torch.zeros_like(states)
        return _AdamFront(states, inputs, q, stuck, gradient, zero, zero, 0)

    def step(self, system: System, front: _AdamFront) -> _AdamFront:
        """Move every point against its gradient, scaled by the gradient's running moments."""
        gradient = self._clip(front.gradient)
        mean = torch.lerp(front.mean, gradient, 1 - BETAS[0])
        square = torch.lerp(front.square, gradient.square(), 1 - BETAS[1])
        location = front.location - self._step(mean, square, front.steps)
        q, gradient = _q_and_gradient(system, location, front.input)
        return _AdamFront(location, front.input, q, front.stuck, gradient, mean, square, front.steps + 1)

    def _clip(self, gradient: Tensor) -> Tensor:
        if self.max_gradient_norm is None:
            return gradient
        norm = gradient.norm(dim=1, keepdim=True)
        return gradient * torch.clamp(self.max_gradient_norm / norm, max=1.0)

    def _step(self, mean: Tensor, square: Tensor, iteration: int) -> Tensor:
        rate = self.learning_rate * self.decay**iteration
        mean = mean / (1 - BETAS[0] ** (iteration + 1))
        square = square / (1 - BETAS[1] ** (iteration + 1))
        return rate * mean / (square.sqrt() + EPSILON)


@dataclass(frozen=True)
class _AdamFront(Front):
    gradient: Float[Tensor, "active state"]  # of q
    mean: Float[Tensor, "active state"]  # running mean of the gradient
    square: Float[Tensor, "active state"]  # and of its square
    steps: int  # taken so far


def _q_and_gradient(
    system: System, location: Tensor, inputs: Tensor
) -> tuple[Float[Tensor, " point"], Float[Tensor, "point state"]]:
    """Return q and its gradient; the gradient of the sum is that of each point, since points do not interact."""
    with torch.enable_grad():
        location = location.detach().requires_grad_()
        q = q_of(system.step(location, inputs) - location)
        (gradient,) = torch.autograd.grad(q.sum(), location)
    return q.detach(), gradient
