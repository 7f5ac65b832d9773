"""The dimensions along which states vary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput, as_points, as_tensor, check_size

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.dynamics.checks import Array

CHUNK = 1 << 22  # numbers converted to float64 at once


@dataclass(frozen=True)
class PrincipalComponents:
    """The principal axes of a set of states, by falling variance.

    Attributes
    ----------
    mean
        `(state,)`.
    components
        `(component, state)`: orthonormal rows, the largest entry of each positive.
    variance
        `(component,)`: variance of the states along each, in squared units of the state.
    """

    mean: Float[Tensor, " state"]
    components: Float[Tensor, "component state"]
    variance: Float[Tensor, " component"]

    @property
    def explained(self) -> Float[Tensor, " component"]:
        """Share of the total variance that each component explains; zeros where nothing varies."""
        total = self.variance.sum()
        return self.variance / total if total > 0 else torch.zeros_like(self.variance)

    @property
    def participation_ratio(self) -> float:
        """Effective number of dimensions, `(sum v)^2 / sum v^2`: 1 for a line, N for a ball; NaN for a point."""
        total = self.variance.sum()
        return float(total**2 / self.variance.square().sum()) if total > 0 else float("nan")

    def dimensions(self, share: float = 0.9) -> int:
        """Return how many components explain at least this share of the variance."""
        if not 0 < share <= 1:
            raise InvalidInput(f"share must be above 0 and at most 1, not {share}")
        cumulative = self.explained.cumsum(dim=0)
        return min(int((cumulative < share - 1e-12).sum()) + 1, len(cumulative))

    def project(self, states: Array, count: int | None = None) -> Float[Tensor, "... component"]:
        """Return the coordinates of states `(..., state)` in the first `count` components, as seen from the mean.

        Raises
        ------
        InvalidInput
            For states of another size, or that are no real floating-point numbers.
        """
        states = as_tensor(states, "states")
        check_size(states, len(self.mean), "states", "the principal components' state")
        if not states.is_floating_point():
            raise InvalidInput(f"states must hold real floating-point numbers, not {states.dtype}")
        components = self.components[:count].to(states)
        return (states - self.mean.to(states)) @ components.T


def principal_components(states: Array) -> PrincipalComponents:
    """Find the axes along which states `(point, state)` vary, largest variance first.

    They are the eigenvectors of the covariance matrix, summed in float64 whatever the states' precision, so that any
    number of points takes one pass and the memory of one matrix.

    Returns
    -------
    PrincipalComponents
        As many as there are dimensions, or one fewer than states.

    Raises
    ------
    InvalidInput
        For fewer than two states, wrong shapes, or values that are not finite.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import principal_components
    >>> found = principal_components(torch.tensor([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]]))
    >>> found.explained.round(decimals=3).tolist()
    [1.0, 0.0]
    """
    points = as_points(states)
    count, size = points.shape
    if count < 2:
        raise InvalidInput(f"principal components need at least two states, not {count}")
    chunks = points.split(max(1, CHUNK // size))
    mean = torch.stack([chunk.double().sum(dim=0) for chunk in chunks]).sum(dim=0) / count
    covariance = torch.zeros(size, size, dtype=torch.float64, device=points.device)
    for chunk in chunks:
        centred = chunk.double() - mean
        covariance.addmm_(centred.T, centred)
    variance, vectors = torch.linalg.eigh(covariance / (count - 1))
    kept = min(count - 1, size)
    components = vectors.flip(1).T[:kept]
    largest = components.gather(1, components.abs().argmax(dim=1, keepdim=True))
    return PrincipalComponents(mean, components * largest.sign(), variance.flip(0)[:kept].clamp(min=0))
