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

    Returns
    -------
    Tensor
        `(point, sample, state)`, float64.

    Raises
    ------
    InvalidInput
        For inputs of another size than the network's, or that are not finite.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import input_effects, linearize
    >>> linear = linearize(lambda h, x: 0.5 * h + 2 * x, torch.zeros(1, 2), input=torch.zeros(2))
    >>> input_effects(linear, torch.tensor([[1.0, 0.0], [0.0, -1.0]])).tolist()
    [[[2.0, 0.0], [0.0, -2.0]]]
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

    Returns
    -------
    Tensor
        `(point, sample)`, real or complex.

    Raises
    ------
    InvalidInput
        For inputs of another size than the network's, or that are not finite.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import input_projections, linearize
    >>> leak = torch.tensor([1.0, 0.5])
    >>> linear = linearize(lambda h, x: leak * h + x, torch.zeros(1, 2), input=torch.zeros(2))
    >>> along = linear.oriented(torch.tensor([1.0, 0.0]))
    >>> input_projections(along, torch.tensor([[3.0, 1.0], [-2.0, 1.0]])).tolist()
    [[3.0, -2.0]]

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

    Returns
    -------
    Tensor
        `(point, mode)`, between 0 and 1.

    Raises
    ------
    InvalidInput
        Where the axis has another size than the state.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import linearize, mode_overlaps
    >>> leak = torch.tensor([1.0, 0.5])
    >>> linear = linearize(lambda h, x: leak * h + x, torch.zeros(1, 2), input=torch.zeros(2))
    >>> mode_overlaps(linear, torch.tensor([1.0, 0.0])).tolist()
    [[1.0, 0.0]]
    """
    right = linearization.modes.right
    axis = as_points(axis, "axis")[0]
    check_size(axis, right.shape[-1], "axis", "the state")
    return (right @ (axis / axis.norm()).to(right)).abs()


def random_overlaps(state_size: int, count: int = 1000, *, seed: int = 0) -> Float[Tensor, " count"]:
    """Return `|u . m|` of random unit vectors u with any fixed axis: what overlaps are by chance.

    Returns
    -------
    Tensor
        `(count,)`, float64: about `sqrt(2 / (pi N))` on average.

    Raises
    ------
    InvalidInput
        For a size or count below 1.

    Examples
    --------
    >>> from slowpoints import random_overlaps
    >>> round(random_overlaps(100).mean().item(), 2)
    0.08
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
