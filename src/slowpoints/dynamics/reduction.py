"""A network reduced to few dimensions along a line of its fixed points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput, as_points, as_readout, check_count, check_size

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

    from slowpoints.cells.jacobians import Step
    from slowpoints.dynamics.checks import Array
    from slowpoints.dynamics.line import Line
    from slowpoints.dynamics.linearization import Linearization

HORIZON = 50.0  # steps over which what is read out later still counts
OBSERVED = 64  # steps ahead at which the readout is looked at
DOUBLINGS = 8  # 2 to this power is how many earlier inputs are taken into account
NEGLIGIBLE = 1e-10  # of the largest: variances of directions that do nothing


@dataclass(frozen=True)
class Directions:
    """Few directions at each place of a line, to which changes of the state are restricted: `v -> right left v`.

    Attributes
    ----------
    right
        `(place, state, direction)`.
    left
        `(place, direction, state)`; `left @ right` is the identity. Places that have fewer than others have zeros.
    """

    right: Float[Tensor, "place state direction"]
    left: Float[Tensor, "place direction state"]

    def along(self, axis: Float[Tensor, " state"]) -> Float[Tensor, "place state"]:
        """Return the vectors whose product with a change says how far its restriction goes along an axis."""
        return ((axis.to(self.right) @ self.right).unsqueeze(1) @ self.left).squeeze(1)

    def restrict(self, line: Line, states: Float[Tensor, "sample state"]) -> Float[Tensor, "sample state"]:
        """Return states on the line's places plus what the directions there hold of their distance from these."""
        nearest, centre = line.nearest(states), line.location.to(states)
        sample, left = torch.arange(len(states), device=states.device), self.left.to(states)
        # Of all places at once, in two products: to gather each sample's own matrices would take longer.
        seen = (states @ left.flatten(0, 1).T).unflatten(1, left.shape[:2])[sample, nearest]
        held = states.new_zeros(len(states), *left.shape[:2])
        held[sample, nearest] = seen - (left @ centre.unsqueeze(2)).squeeze(2)[nearest]
        return centre[nearest] + held.flatten(1) @ self.right.to(states).mT.flatten(0, 1)


def slowest_modes(linearization: Linearization, count: int) -> Directions:
    """Return the directions of the leading modes at each point; a complex pair is one mode of two dimensions.

    Modes that cannot be trusted are left out.

    Returns
    -------
    Directions
        At each point of the linearisation.

    Raises
    ------
    InvalidInput
        Where fewer modes were found.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import linearize, slowest_modes
    >>> leak = torch.tensor([0.99, 0.5, 0.1])
    >>> linear = linearize(lambda h, x: leak * h + x, torch.zeros(1, 3), input=torch.zeros(3))
    >>> slowest_modes(linear, 2).left[0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    check_count(count, "count")
    modes = linearization.modes
    if count > modes.eigenvalues.shape[1]:
        raise InvalidInput(f"{count} modes are asked for, and the linearisation has {modes.eigenvalues.shape[1]}")
    right, left = modes.right[:, :count].nan_to_num(), modes.left[:, :count].nan_to_num()
    # Real and imaginary part span the plane of a pair; of a real mode, the second is zero.
    in_pair = (modes.eigenvalues[:, :count].imag > 0).to(left.real).unsqueeze(2)
    right, left = torch.cat([right.real, right.imag], dim=1), torch.cat([(1 + in_pair) * left.real, -2 * left.imag], 1)
    used = right.abs().amax(dim=(0, 2)) > 0
    return Directions(right=right[:, used].mT, left=left[:, used])


def balanced_directions(linearization: Linearization, readout: Array, spread: Array, count: int) -> Directions:
    """Return the directions at each point that earlier inputs excite and later readouts see, both at once the most.

    Balanced truncation of the linear network at the point. What is read out a steps later counts `exp(-a / 50)`;
    where the network grows, it is slowed down to stay as it is.

    Parameters
    ----------
    linearization
        Of some points.
    readout
        Weights `(hidden,)`, of the first entries of the state or of all, or `(readout, hidden)`.
    spread
        `(input, input)`: mean of `(x - x*) (x - x*)'` over the inputs.
    count
        How many directions.

    Returns
    -------
    Directions
        At each point; zeros where fewer than `count` directions do anything.

    Raises
    ------
    InvalidInput
        For shapes that do not fit.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import balanced_directions, linearize
    >>> leak = torch.tensor([0.9, 0.9])
    >>> linear = linearize(lambda h, x: leak * h + x, torch.zeros(1, 2), input=torch.zeros(2))
    >>> found = balanced_directions(linear, readout=torch.tensor([0.0, 1.0]), spread=torch.eye(2), count=1)
    >>> (found.right @ found.left)[0].round(decimals=3).tolist()  # what is never read out is left out
    [[0.0, 0.0], [0.0, 1.0]]

    References
    ----------
    Moore (1981), IEEE Trans. Autom. Control 26, 17.
    """
    check_count(count, "count")
    location, spread = linearization.location, as_points(spread, "inputs' spread").to(linearization.location)
    check_size(spread, linearization.input.shape[1], "spread", "the network's input")
    rows = as_readout(readout, location.shape[1]).to(location)
    weights = torch.nn.functional.pad(rows, (0, location.shape[1] - rows.shape[1]))
    found = [_balanced(linearization[point : point + 1], weights, spread, count) for point in range(len(linearization))]
    return Directions(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def _balanced(at: Linearization, weights: Tensor, spread: Tensor, count: int) -> tuple[Tensor, Tensor]:
    largest = float(at.modes.eigenvalues[0, 0].abs())
    recurrent = at.recurrent_jacobian[0] * (math.exp(-1 / HORIZON) / max(1.0, largest))
    driven = at.input_jacobian[0]
    excited, power = driven @ spread @ driven.T, recurrent
    for _ in range(DOUBLINGS):
        excited, power = excited + power @ excited @ power.T, power @ power
    seen = [weights]
    for _ in range(OBSERVED - 1):
        seen.append(seen[-1] @ recurrent)
    observed = torch.cat(seen)
    variance, vectors = torch.linalg.eigh(observed @ excited @ observed.T)
    variance, vectors = variance.flip(0)[:count], vectors.flip(1)[:, :count]
    kept = variance > NEGLIGIBLE * variance[0]
    scale = torch.where(kept, variance.clamp(min=torch.finfo(variance.dtype).tiny) ** -0.5, 0)
    left = vectors.T @ observed
    return (excited @ left.T * scale).unsqueeze(0), (left * scale.unsqueeze(1)).unsqueeze(0)


@torch.no_grad()
def input_steps(step: Step, line: Line, directions: Directions, inputs: Array) -> Float[Tensor, "place input"]:
    """Return how far each input moves a state along the line, at each place: in the units of the line, within one step.

    A state at a place c moves to F(c, x). That is restricted to the directions at the place where it has arrived, and
    its own place is read: projected there, since the directions turn along the line.

    Parameters
    ----------
    step
        F, the network's step.
    inputs
        x, `(input, size)`.

    Returns
    -------
    Tensor
        `(place, input)`.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import input_steps, linearize, slowest_modes, trace_line
    >>> step = lambda h, x: torch.tensor([1.0, 0.5]) * h + x
    >>> points = torch.linspace(-2, 2, 50).unsqueeze(1) * torch.tensor([[1.0, 0.0]])
    >>> line = trace_line(points, axis=torch.tensor([1.0, 0.0]), places=5)
    >>> directions = slowest_modes(linearize(step, line.location, input=torch.zeros(2)), 1)
    >>> moved = input_steps(step, line, directions, torch.tensor([[0.2, 9.0]]))
    >>> round(moved[0].item(), 3)  # in units of half the line
    0.1
    """
    inputs = as_points(inputs, "inputs")
    arrived = [
        line.place_of(directions.restrict(line, step(centre.expand(len(inputs), -1), inputs)))
        for centre in line.location.to(inputs)
    ]
    return torch.stack(arrived) - line.place.to(inputs).unsqueeze(1)


def linear_input_steps(
    linearization: Linearization, line: Line, directions: Directions, inputs: Array
) -> Float[Tensor, "place input"]:
    """Return the same by the linear network at each place: drift, `F(c, x*) - c`, and gain, `Jinp (x - x*)`.

    Both are projected there: with the top mode alone, the step is `(r_1 . m) (l_1 . (F(c, x*) - c + Jinp (x - x*)))`.

    Returns
    -------
    Tensor
        `(place, input)`.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import linear_input_steps, linearize, slowest_modes, trace_line
    >>> step = lambda h, x: torch.tensor([1.0, 0.5]) * h + x
    >>> points = torch.linspace(-2, 2, 50).unsqueeze(1) * torch.tensor([[1.0, 0.0]])
    >>> line = trace_line(points, axis=torch.tensor([1.0, 0.0]), places=5)
    >>> linear = linearize(step, line.location, input=torch.zeros(2))
    >>> moved = linear_input_steps(linear, line, slowest_modes(linear, 1), torch.tensor([[0.2, 9.0]]))
    >>> round(moved[0].item(), 3)  # in units of half the line
    0.1
    """
    along = directions.along(line.axis).to(linearization.location)
    drift = ((linearization.image - linearization.location) * along).sum(dim=1)
    gain = linearization.input_sensitivity(along)
    inputs = as_points(inputs, "inputs").to(gain)
    return (gain @ inputs.T + (drift - (gain * linearization.input).sum(dim=1)).unsqueeze(1)) / line.reach


def integrate(
    place: NDArray[np.floating],
    steps: NDArray[np.floating],
    start: float,
    symbols: NDArray[np.integer],
    lengths: NDArray[np.integer],
) -> NDArray[np.float64]:
    """Return where sequences of symbols end on a line, if each symbol moves a state by its step at the state's place.

    Between places steps are interpolated linearly; beyond the ends they are those of the end.

    Parameters
    ----------
    place
        `(place,)`, rising, with equal distances.
    steps
        `(place, symbol)`.
    start
        Place of all sequences before they are read.
    symbols
        `(sequence, time)`, padded after each one's end.
    lengths
        `(sequence,)`.

    Returns
    -------
    array
        `(sequence,)`: the place after the last symbol.

    Examples
    --------
    >>> import numpy as np
    >>> from slowpoints import integrate
    >>> place, steps = np.array([-1.0, 0.0, 1.0]), np.array([[0.5, 0.0], [0.25, 0.0], [0.0, 0.0]])  # of two symbols
    >>> integrate(place, steps, 0.0, symbols=np.array([[0, 0], [1, 1]]), lengths=np.array([2, 2])).tolist()
    [0.4375, 0.0]
    """
    at = np.full(len(symbols), float(start))
    for time in range(int(lengths.max())):
        rows = np.flatnonzero(lengths > time)
        symbol, here = symbols[rows, time], np.clip(at[rows], place[0], place[-1])
        low = np.clip(np.searchsorted(place, here, side="right") - 1, 0, len(place) - 2)
        first, second = steps[low, symbol].astype(float), steps[low + 1, symbol].astype(float)
        at[rows] += (second - first) / (place[low + 1] - place[low]) * (here - place[low]) + first
    return at
