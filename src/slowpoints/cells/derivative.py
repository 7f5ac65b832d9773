"""Derivatives of a step as products with vectors, at many states at once; no matrix is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

Rows = tuple[Tensor, ...]


@dataclass(frozen=True)
class Derivative:
    """The derivative J of a step by its state, or by its input, at each of many states.

    Attributes
    ----------
    rows
        What the products need of each state: tensors `(point, ...)`.
    forward
        `(rows, v) -> J v`.
    backward
        `(rows, u) -> J' u`.
    """

    rows: Rows
    forward: Callable[[Rows, Tensor], Tensor]
    backward: Callable[[Rows, Tensor], Tensor]

    def jvp(self, v: Float[Tensor, "point argument"]) -> Float[Tensor, "point state"]:
        """Return `J v`, for one vector at each state."""
        return self.forward(self.rows, v)

    def vjp(self, u: Float[Tensor, "point state"]) -> Float[Tensor, "point argument"]:
        """Return `J' u`, for one vector at each state."""
        return self.backward(self.rows, u)

    def keep(self, mask: Bool[Tensor, " point"]) -> Derivative:
        """Return the derivatives at the states of a mask."""
        return replace(self, rows=tuple(row[mask] for row in self.rows))


def automatic_derivative(
    step: Callable[[Tensor, Tensor], Tensor], argument: int, state: Tensor, input: Tensor
) -> Derivative:
    """Return the derivative of a batched step by its state (argument 0) or its input (1), by `torch.func`."""

    def of_argument(rows: Rows) -> tuple[Callable[[Tensor], Tensor], Tensor]:
        state, input = rows
        return (lambda h: step(h, input), state) if argument == 0 else (lambda x: step(state, x), input)

    def forward(rows: Rows, v: Tensor) -> Tensor:
        function, at = of_argument(rows)
        try:
            product: Tensor = torch.func.jvp(function, (at,), (v,))[1]
        except (RuntimeError, NotImplementedError):  # an operation that knows only its backward: transpose that
            image, pull, *_ = torch.func.vjp(function, at)
            product = torch.func.vjp(lambda u: pull(u)[0], torch.zeros_like(image))[1](v)[0]
        return product

    def backward(rows: Rows, u: Tensor) -> Tensor:
        function, at = of_argument(rows)
        product: Tensor = torch.func.vjp(function, at)[1](u)[0]
        return product

    return Derivative((state, input), forward, backward)


def drive_derivative(
    slopes: Float[Tensor, "point gate hidden"],
    weight: Float[Tensor, "gate_hidden argument"],
    kept: Float[Tensor, "point hidden"] | None = None,
) -> Derivative:
    """Return `sum over gates of diag(slope) W`, plus `diag(kept)`: all points share one product with the weights.

    Parameters
    ----------
    slopes
        Derivatives of the units' next state by their drives, one drive for each gate.
    weight
        By what the argument comes into the drives, gates below one another.
    kept
        Derivatives of the units' next state by their own state, past the drives.
    """

    def forward(rows: Rows, v: Tensor) -> Tensor:
        slopes, *kept = rows
        product = ((v @ weight.T).view_as(slopes) * slopes).sum(dim=1)
        return torch.addcmul(product, kept[0], v) if kept else product

    def backward(rows: Rows, u: Tensor) -> Tensor:
        slopes, *kept = rows
        product = (slopes * u.unsqueeze(1)).flatten(1) @ weight
        return torch.addcmul(product, kept[0], u) if kept else product

    return Derivative((slopes,) if kept is None else (slopes, kept), forward, backward)
