"""A network near its fixed points, where it is linear."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from slowpoints.dynamics.checks import InvalidInput, as_points, check_count, check_precision, check_size
from slowpoints.dynamics.eigenmodes import Eigenmodes, eigenmodes, joined
from slowpoints.dynamics.fixed_points import FixedPoints
from slowpoints.dynamics.system import Step, System, as_system, check_step

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from slowpoints.dynamics.checks import Array

ROWS = 32  # points whose Jacobians are computed at once
MEMORY = 1 << 28  # bytes of recurrent Jacobians whose modes are sought at once


@dataclass(frozen=True)
class Linearization:
    """`F(h, x) ~ F(h*, x*) + Jrec (h - h*) + Jinp (x - x*)` around each of many points.

    Jacobians take much memory and are not kept: each time that they are asked for they are computed again, by the same
    network. Ask for those of some points by `select`, and keep in a variable what is used more than once.

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
    system: System

    def __len__(self) -> int:
        return len(self.location)

    @property
    def recurrent_jacobian(self) -> Float[Tensor, "point state state"]:
        """`dF/dh` at (h*, x*), `(point, state, state)`: computed anew each time."""
        return _in_chunks(self.system.recurrent_jacobian, self.location, self.input)

    @property
    def input_jacobian(self) -> Float[Tensor, "point state input"]:
        """`dF/dx` at (h*, x*), `(point, state, input)`: computed anew each time."""
        return _in_chunks(self.system.input_jacobian, self.location, self.input)

    def input_sensitivity(self, vectors: Float[Tensor, "point state"]) -> Float[Tensor, "point input"]:
        """Return `v . Jinp` for one vector v a point: how a change of the input moves the state along v.

        Memory is that of some points' Jacobians. Complex vectors have complex sensitivities.

        Raises
        ------
        InvalidInput
            For vectors of another size than the state.
        """
        check_size(vectors, self.location.shape[1], "vectors", "the state")
        sensitivities = [
            (vectors[rows].unsqueeze(1) @ self.select(rows).input_jacobian.to(vectors.dtype)).squeeze(1)
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
        tangents = (from_state.to(self.location), from_input.to(self.input))
        with torch.no_grad():
            moved = torch.func.jvp(self.system.step, (self.location[points], self.input[points]), tangents)
        change: Tensor = moved[1]
        return change

    @property
    def time_constants(self) -> Float[Tensor, "point mode"]:
        """Time constants of the modes, in tokens."""
        return self.modes.time_constants

    def oriented(self, direction: Float[Tensor, " state"]) -> Linearization:
        """Return the same with the signs of the modes fixed, so that `r_a . direction` is not negative."""
        return replace(self, modes=self.modes.oriented(direction))

    def select(self, rows: Bool[Tensor, " point"] | Int[Tensor, " row"]) -> Linearization:
        """Return the points of a mask or of row numbers, in that order."""
        return replace(self, **_rows(self, rows), modes=Eigenmodes(**_rows(self.modes, rows)))


def _rows(record: Any, rows: Tensor) -> dict[str, Any]:
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: value[rows] for name, value in values.items() if isinstance(value, Tensor)}


def linearize(
    network: Step | nn.Module,
    points: FixedPoints | Array,
    input: Array | None = None,
    *,
    modes: int = 3,
    dtype: torch.dtype = torch.float64,
) -> Linearization:
    """Make a network linear at given points, and find the leading modes of its recurrent Jacobian there.

    Memory is that of some Jacobians, whatever the number of points.

    Parameters
    ----------
    network
        As for `find_fixed_points`: Jacobians are in closed form for the cells, automatic for functions.
    points
        `FixedPoints`, or states `(point, state)`.
    input
        The inputs x* to linearise about, `(input,)` or `(point, input)`. Where None, those of the `FixedPoints`, or
        zero.
    modes
        How many leading modes to find; a complex pair is one.
    dtype
        Precision of the result.

    Raises
    ------
    InvalidInput
        As for `find_fixed_points`.

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
    states = as_points(points)
    with torch.no_grad():
        system = as_system(network, states, dtype)
        states = states.to(dtype)
        inputs = system.inputs(input, states)
        check_step(system, states, inputs)
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
