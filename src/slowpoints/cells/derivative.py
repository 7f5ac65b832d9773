"""Derivatives of a step as products with vectors, at many states at once; no matrix is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

Rows = tuple[Tensor, ...]
Step = Callable[[Tensor, Tensor], Tensor]


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

    def keep(self, mask: Bool[Tensor, " point"] | Int[Tensor, " chosen"]) -> Derivative:
        """Return the derivatives at the states of a mask, or at those that are numbered."""
        return replace(self, rows=tuple(row[mask] for row in self.rows))


Products = Callable[[Tensor, Tensor], Derivative]


def automatic_derivative(step: Step, argument: int, state: Tensor, input: Tensor) -> Derivative:
    """Return the derivative of a batched step by its state (argument 0) or its input (1), by autograd.

    The step runs as ever, once for all products at the same states, so that it may do anything that autograd can follow
    twice: `J v` is the derivative of `J' u` by u.
    """
    last: list[_Linear] = []  # the step at the rows that a product was last asked of

    def at(rows: Rows) -> _Linear:
        if not last or any(one is not other for one, other in zip(last[0].rows, rows, strict=True)):
            last[:] = [_Linear.of(step, argument, rows)]
        return last[0]

    return Derivative((state, input), lambda rows, v: at(rows).jvp(v), lambda rows, u: at(rows).vjp(u))


@dataclass(frozen=True)
class _Linear:
    """A step's graph at some rows: its image, and what it pulls `weights` back to."""

    rows: Rows
    by: Tensor
    image: Tensor
    weights: Tensor
    pulled: Tensor | None

    @classmethod
    def of(cls, step: Step, argument: int, rows: Rows) -> _Linear:
        with torch.inference_mode(False), torch.enable_grad():
            arguments = [row.clone() if row.is_inference() else row.detach() for row in rows]
            by = arguments[argument] = arguments[argument].requires_grad_()
            image = step(*(each.clone() for each in arguments))  # into which the step may write
            weights = torch.zeros_like(image, requires_grad=True)
            pulled = _gradient(image, by, weights, create_graph=True) if image.requires_grad else None
        return cls(rows, by, image, weights, pulled)

    def jvp(self, v: Tensor) -> Tensor:
        product = None
        if self.pulled is not None and self.pulled.requires_grad:
            product = _gradient(self.pulled, self.weights, v)
        return torch.zeros_like(self.image) if product is None else product

    def vjp(self, u: Tensor) -> Tensor:
        product = _gradient(self.image, self.by, u) if self.image.requires_grad else None
        return torch.zeros_like(self.by) if product is None else product


def _gradient(output: Tensor, by: Tensor, weights: Tensor, *, create_graph: bool = False) -> Tensor | None:
    return torch.autograd.grad(output, by, weights, retain_graph=True, create_graph=create_graph, allow_unused=True)[0]


def matrix_derivative(jacobian: Float[Tensor, "point state argument"]) -> Derivative:
    """Return a derivative that is known as a matrix."""

    def forward(rows: Rows, v: Tensor) -> Tensor:
        return (rows[0] @ v.unsqueeze(-1)).squeeze(-1)

    def backward(rows: Rows, u: Tensor) -> Tensor:
        return (rows[0].mT @ u.unsqueeze(-1)).squeeze(-1)

    return Derivative((jacobian,), forward, backward)


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
