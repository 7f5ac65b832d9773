"""A network near its fixed points, where it is linear."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from slowpoints.dynamics.checks import InvalidInput, as_points, check_count, check_precision
from slowpoints.dynamics.eigenmodes import Eigenmodes, eigenmodes
from slowpoints.dynamics.fixed_points import FixedPoints
from slowpoints.dynamics.system import Step, as_system, check_step

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from slowpoints.dynamics.checks import Array

ROWS = 32  # points whose Jacobians are computed at once


@dataclass(frozen=True)
class Linearization:
    """`F(h, x) ~ F(h*, x*) + Jrec (h - h*) + Jinp (x - x*)` around each of many points.

    Attributes
    ----------
    location, input
        `(point, state)` and `(point, input)`: h* and x*.
    image
        `(point, state)`: `F(h*, x*)`, which is close to h* at a fixed point.
    recurrent_jacobian
        `(point, state, state)`: `dF/dh` at (h*, x*).
    input_jacobian
        `(point, state, input)`: `dF/dx` at (h*, x*).
    modes
        The leading modes of the recurrent Jacobians.
    """

    location: Float[Tensor, "point state"]
    input: Float[Tensor, "point input"]
    image: Float[Tensor, "point state"]
    recurrent_jacobian: Float[Tensor, "point state state"]
    input_jacobian: Float[Tensor, "point state input"]
    modes: Eigenmodes

    def __len__(self) -> int:
        return len(self.location)

    @property
    def time_constants(self) -> Float[Tensor, "point mode"]:
        """Time constants of the modes, in tokens."""
        return self.modes.time_constants

    def oriented(self, direction: Float[Tensor, " state"]) -> Linearization:
        """Return the same with the signs of the modes fixed, so that `r_a . direction` is not negative."""
        return replace(self, modes=self.modes.oriented(direction))

    def select(self, rows: Bool[Tensor, " point"] | Int[Tensor, " row"]) -> Linearization:
        """Return the points of a mask or of row numbers, in that order."""
        return Linearization(**{**_rows(self, rows), "modes": Eigenmodes(**_rows(self.modes, rows))})


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
    """Find both Jacobians of a network at given points, and the leading modes of the recurrent one.

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
        recurrent = _in_chunks(system.recurrent_jacobian, states, inputs)
        return Linearization(
            location=states,
            input=inputs,
            image=system.step(states, inputs),
            recurrent_jacobian=recurrent,
            input_jacobian=_in_chunks(system.input_jacobian, states, inputs),
            modes=eigenmodes(recurrent, modes),
        )


def _in_chunks(jacobian: Step, states: Tensor, inputs: Tensor) -> Float[Tensor, "point state column"]:
    """Compute Jacobians of some points at a time, so that no more than the result takes much memory."""
    first = jacobian(states[:ROWS], inputs[:ROWS])
    result = first.new_empty(len(states), *first.shape[1:])
    result[:ROWS] = first
    for start in range(ROWS, len(states), ROWS):
        rows = slice(start, start + ROWS)
        result[rows] = jacobian(states[rows], inputs[rows])
    return result
