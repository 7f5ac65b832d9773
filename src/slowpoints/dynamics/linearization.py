"""A network near its fixed points, where it is linear."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from slowpoints.dynamics import plots
from slowpoints.dynamics.checks import InvalidInput, as_points, check_count, check_precision, check_size
from slowpoints.dynamics.decomposition import eigenmodes
from slowpoints.dynamics.eigenmodes import Eigenmodes, joined
from slowpoints.dynamics.fixed_points import FixedPoints
from slowpoints.dynamics.records import Record
from slowpoints.dynamics.system import System, as_system

if TYPE_CHECKING:
    from pathlib import Path

    from jaxtyping import Float, Int, Num
    from numpy.typing import NDArray

    from slowpoints.cells.derivative import Derivative
    from slowpoints.cells.jacobians import Step
    from slowpoints.dynamics.calls import GivenStep
    from slowpoints.dynamics.checks import Array

ROWS = 32  # points whose Jacobians are computed at once
FEW = 1024  # points whose derivatives, which take as much memory as some states, are kept between products
MEMORY = 1 << 28  # bytes of recurrent Jacobians whose modes are sought at once


@dataclass(frozen=True, repr=False)
class Jacobians(Record):
    """Jacobians that are kept: `recurrent (point, state, state)` and `input (point, state, input)`."""

    recurrent: Float[Tensor, "point state state"]
    input: Float[Tensor, "point state input"]


@dataclass(frozen=True, repr=False)
class Linearization(Record):
    """`F(h, x) ~ F(h*, x*) + Jrec (h - h*) + Jinp (x - x*)` around each of many points.

    Jacobians take much memory and are not kept: each time that they are asked for they are computed again, by the same
    network. Ask for those of some points, `linear[:10].recurrent_jacobian`, and keep in a variable what is used more
    than once; or let the record keep them, `linear.with_jacobians()`, as records do that are saved, moved to another
    device, or joined from several networks.

    Attributes
    ----------
    location, input
        `(point, state)` and `(point, input)`: h* and x*.
    image
        `(point, state)`: `F(h*, x*)`, which is close to h* at a fixed point.
    modes
        The leading modes of the recurrent Jacobians.
    system
        The network, which is linearised where it is asked for a Jacobian.
    """

    location: Float[Tensor, "point state"]
    input: Float[Tensor, "point input"]
    image: Float[Tensor, "point state"]
    modes: Eigenmodes
    system: System | None
    jacobians: Jacobians | None = None

    nested = MappingProxyType({"modes": Eigenmodes, "jacobians": Jacobians})
    plot = plots.plot_spectrum

    @property
    def recurrent_jacobian(self) -> Float[Tensor, "point state state"]:
        """`dF/dh` at (h*, x*), `(point, state, state)`: computed anew each time."""
        if self.jacobians is not None:
            return self.jacobians.recurrent
        return _in_chunks(self._network.recurrent_jacobian, self.location, self.input)

    @property
    def input_jacobian(self) -> Float[Tensor, "point state input"]:
        """`dF/dx` at (h*, x*), `(point, state, input)`: computed anew each time."""
        if self.jacobians is not None:
            return self.jacobians.input
        return _in_chunks(self._network.input_jacobian, self.location, self.input)

    @property
    def _network(self) -> System:
        assert self.system is not None  # unless Jacobians are kept
        return self.system

    def with_jacobians(self) -> Linearization:
        """Return the same with the Jacobians of all points, which no longer needs the network."""
        kept = self.jacobians or Jacobians(self.recurrent_jacobian, self.input_jacobian)
        return replace(self, system=None, jacobians=kept)

    def to(self, device: torch.device | str) -> Linearization:
        """Return the same on another device, with its Jacobians."""
        return super(Linearization, self.with_jacobians()).to(device)

    def save(self, path: Path | str) -> None:
        """Write everything to a file, with the Jacobians; see `Record.save`."""
        super(Linearization, self.with_jacobians()).save(path)

    def __add__(self, other: Linearization) -> Linearization:
        if not isinstance(other, Linearization):
            return NotImplemented
        if self.system is not None and self.system is other.system:
            return super().__add__(other)
        return super(Linearization, self.with_jacobians()).__add__(other.with_jacobians())

    def input_sensitivity(self, vectors: Num[Tensor, "point state"]) -> Num[Tensor, "point input"]:
        """Return `v . Jinp` for one vector v a point: how a change of the input moves the state along v.

        Memory is that of some points' Jacobians. Complex vectors have complex sensitivities.

        Raises
        ------
        InvalidInput
            For vectors of another size than the state.
        """
        check_size(vectors, self.location.shape[1], "vectors", "the state")
        sensitivities = [
            (vectors[rows].unsqueeze(1) @ self[rows].input_jacobian.to(vectors.dtype)).squeeze(1)
            for rows in torch.arange(len(self), device=vectors.device).split(ROWS)
        ]
        return torch.cat(sensitivities)

    def change(
        self,
        points: Int[Tensor, " sample"],
        from_state: Float[Tensor, "sample state"],
        from_input: Float[Tensor, "sample input"],
    ) -> Float[Tensor, "sample state"]:
        """Return `Jrec (h - h*) + Jinp (x - x*)` for samples at any of the points, without a Jacobian."""
        from_state, from_input = from_state.to(self.location), from_input.to(self.input)
        if self.jacobians is not None:
            return self._change_by_matrices(points, from_state, from_input)
        with torch.no_grad():
            if self._network.reentrant and len(self) <= FEW:
                by_state, by_input = (each.keep(points) for each in self._derivatives)
            else:
                at = self.location[points], self.input[points]
                by_state, by_input = self._network.products(*at), self._network.input_products(*at)
            return by_state.jvp(from_state) + by_input.jvp(from_input)

    @cached_property
    def _derivatives(self) -> tuple[Derivative, Derivative]:
        """At all points, by the state and by the input: most of what a product costs is to find them."""
        at = self.location, self.input
        return self._network.products(*at), self._network.input_products(*at)

    def _change_by_matrices(self, points: Tensor, from_state: Tensor, from_input: Tensor) -> Tensor:
        change = torch.empty_like(from_state)
        for point in points.unique():
            rows = points == point
            change[rows] = from_state[rows] @ self.recurrent_jacobian[point].T
            change[rows] += from_input[rows] @ self.input_jacobian[point].T
        return change

    @property
    def time_constants(self) -> Float[Tensor, "point mode"]:
        """Time constants of the modes, in steps."""
        return self.modes.time_constants

    def oriented(self, direction: Array) -> Linearization:
        """Return the same with the signs of the modes fixed, so that `r_a . direction` is not negative."""
        return replace(self, modes=self.modes.oriented(direction))

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the table of the modes: a row for each mode of each point."""
        return self.modes.columns()

    def __str__(self) -> str:
        return f"{self.modes}; state {self.location.shape[1]}, input {self.input.shape[1]}"


def linearize(
    network: Step | nn.Module,
    points: FixedPoints | Array,
    input: Array | None = None,
    *,
    modes: int = 3,
    step: GivenStep | None = None,
    dtype: torch.dtype = torch.float64,
) -> Linearization:
    """Make a network linear at given points, and find the leading modes of its recurrent Jacobian there.

    Memory is that of some Jacobians, whatever the number of points.

    Parameters
    ----------
    network
        As for `find_fixed_points`: Jacobians are in closed form for the cells, automatic for functions, and by
        differences where automatic ones would be wrong.
    points
        `FixedPoints`, or states `(point, state)`.
    input
        The inputs x* to linearise about, `(input,)` or `(point, input)`. Where None, those of the `FixedPoints`, or
        zero.
    modes
        How many leading modes to find; a complex pair is one.
    step
        As for `find_fixed_points`.
    dtype
        Precision of the result.

    Returns
    -------
    Linearization
        One entry for each point, in their order.

    Raises
    ------
    InvalidInput
        As for `find_fixed_points`.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import linearize
    >>> leak = torch.tensor([0.99, 0.5])
    >>> linear = linearize(lambda h, x: leak * torch.tanh(h) + x, torch.zeros(1, 2), input=torch.zeros(2))
    >>> [round(steps, 1) for steps in linear.time_constants[0].tolist()]
    [99.5, 1.4]

    References
    ----------
    Maheswaranathan et al. (2019), arXiv 1906.10720, equations 3 and 4.
    """
    check_count(modes, "modes")
    check_precision(dtype)
    if isinstance(points, FixedPoints):
        if not len(points):
            raise InvalidInput(
                "there are no points to linearise at: print the record of the search to see how it ended"
            )
        input = points.input if input is None else input
        points = points.location
    with torch.inference_mode(False), torch.no_grad():
        system, states, inputs = as_system(network, as_points(points), input, dtype, step)
        rows = max(1, MEMORY // (states.element_size() * states.shape[1] ** 2))
        found = [
            eigenmodes(_in_chunks(system.recurrent_jacobian, *some), modes)
            for some in zip(states.split(rows), inputs.split(rows), strict=True)
        ]
        return Linearization(
            location=states, input=inputs, image=system.step(states, inputs), modes=joined(found), system=system
        )


@torch.no_grad()
def _in_chunks(jacobian: Step, states: Tensor, inputs: Tensor) -> Float[Tensor, "point state column"]:
    """Compute Jacobians of some points at a time, so that no more than the result takes much memory."""
    first = jacobian(states[:ROWS], inputs[:ROWS])
    result = first.new_empty(len(states), *first.shape[1:])
    result[:ROWS] = first
    for start in range(ROWS, len(states), ROWS):
        rows = slice(start, start + ROWS)
        result[rows] = jacobian(states[rows], inputs[rows])
    return result
