"""What a solver for fixed points gives: a start and a step. The loop around them is in `dynamics.solve`."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from slowpoints.dynamics.system import System

    F = TypeVar("F", bound="Front")


@dataclass(frozen=True)
class Front:
    """The points that are still on their way, and what a solver remembers of each; only these are computed with.

    A solver that remembers more adds fields: tensors with one row for each point, or anything that holds for all.

    Attributes
    ----------
    location
        `(active, state)`: where each point is.
    input
        `(active, input)`: the constant input x of each.
    q
        `(active,)`: `q = ||h - F(h, x)||^2 / N` at exactly this location.
    stuck
        `(active,)`: points that the solver gives up. Points without a finite q are given up anyway.
    """

    location: Float[Tensor, "active state"]
    input: Float[Tensor, "active input"]
    q: Float[Tensor, " active"]
    stuck: Bool[Tensor, " active"]

    def keep(self: F, mask: Bool[Tensor, " active"]) -> F:
        """Return the points of a mask."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        kept: dict[str, Any] = {name: value[mask] for name, value in values.items() if isinstance(value, Tensor)}
        return replace(self, **kept)


class Solver(Protocol):
    """A way to make `q(h) = ||h - F(h, x)||^2 / N` small from many starts at once, each point on its own.

    Steps are called without gradients (`torch.no_grad`), for some of the points at a time, and by several threads at
    once; so what a solver remembers between steps stands in the front, never in the solver.
    """

    @property
    def max_iterations(self) -> int:
        """Steps after which a point is given up."""
        ...

    def start(
        self, system: System, states: Float[Tensor, "point state"], inputs: Float[Tensor, "point input"]
    ) -> Front:
        """Return the front before the first step: every point at its initial state."""
        ...

    def step(self, system: System, front: Any) -> Front:
        """Return the front one step later: the same points in the same order."""
        ...

    def bytes_per_point(self, state_size: int) -> int:
        """Return the memory that one point needs while it is being solved."""
        ...


def q_of(residual: Float[Tensor, "point state"]) -> Float[Tensor, " point"]:
    """Return `q = ||r||^2 / N` of residuals `r = F(h, x) - h`."""
    return residual.square().mean(dim=1)
