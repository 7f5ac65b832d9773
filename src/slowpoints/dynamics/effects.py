"""What inputs do to a network at its fixed points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import as_points, check_count, check_size

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.dynamics.checks import Array
    from slowpoints.dynamics.linearization import Linearization

ROWS = 32  # points whose input Jacobians are computed at once


def input_effects(linearization: Linearization, inputs: Array) -> Float[Tensor, "point sample state"]:
    """Return the change of the state that each input causes at each point within one step, `Jinp (x - x*)`.

    Parameters
    ----------
    linearization
        Of P points.
    inputs
        `(sample, input)`.

    Raises
    ------
    InvalidInput
        For inputs of another size than the network's, or that are not finite.
    """
    samples = _samples(linearization, inputs)
    effects = samples.new_empty(len(linearization), len(samples), linearization.location.shape[1])
    for rows in torch.arange(len(linearization), device=samples.device).split(ROWS):
        some = linearization[rows]
        jacobian = some.input_jacobian
        effects[rows] = samples @ jacobian.mT - (jacobian @ some.input.unsqueeze(-1)).mT
    return effects


def input_projections(linearization: Linearization, inputs: Array, mode: int = 0) -> Tensor:
    """Return how much each input excites one mode at each point, `l . Jinp (x - x*)`, as `(point, sample)`.

    Fix the signs of the modes first (`linearization.oriented(axis)`), or those of different points do not compare. Real
    where the mode is real at all points; complex otherwise. NaN at points where the mode cannot be trusted.

    Raises
    ------
    InvalidInput
        For inputs of another size than the network's, or that are not finite.

    References
    ----------
    Maheswaranathan et al. (2019), arXiv 1906.10720, figure 4c.
    """
    samples = _samples(linearization, inputs)
    left = linearization.modes.left[:, mode]
    if not left.imag.nan_to_num().any():
        left = left.real
    sensitivity = linearization.input_sensitivity(left)
    offset = (sensitivity * linearization.input).sum(dim=1, keepdim=True)
    return sensitivity @ samples.to(left.dtype).T - offset


def mode_overlaps(linearization: Linearization, axis: Array) -> Float[Tensor, "point mode"]:
    """Return `|r_a . m|` of every mode with an axis m `(state,)`, made a unit vector: 1 where a mode acts along it.

    NaN for modes that cannot be trusted.

    Raises
    ------
    InvalidInput
        Where the axis has another size than the state.
    """
    right = linearization.modes.right
    axis = as_points(axis, "axis")[0]
    check_size(axis, right.shape[-1], "axis", "the state")
    return (right @ (axis / axis.norm()).to(right)).abs()


def random_overlaps(state_size: int, count: int = 1000, *, seed: int = 0) -> Float[Tensor, " count"]:
    """Return `|u . m|` of random unit vectors u with any fixed axis: what overlaps are by chance.

    Raises
    ------
    InvalidInput
        For a size or count below 1.
    """
    check_count(state_size, "state_size")
    check_count(count, "count")
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(count, state_size, generator=generator, dtype=torch.float64)
    return vectors[:, 0].abs() / vectors.norm(dim=1)


def _samples(linearization: Linearization, inputs: Array) -> Float[Tensor, "sample input"]:
    samples = as_points(inputs, "inputs")
    check_size(samples, linearization.input.shape[1], "inputs", "the network's input")
    return samples.to(linearization.input)
