"""The line, or whatever it is, on which the fixed points lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput, as_points, check_size
from slowpoints.dynamics.fixed_points import FixedPoints, greedy_cover
from slowpoints.dynamics.principal_components import PrincipalComponents, principal_components

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

    from slowpoints.dynamics.checks import Array

SPACING = 1 / 200  # of the points' extent: closer points are embedded as one
BINS = 20
# What must hold for points to be called a line
FEWEST_POINTS = 10
LINE_VARIANCE = 0.8
LINE_AGREEMENT = 0.9
LINE_COVERAGE = 0.5
UNJUDGED = "how far they reach cannot be judged without `visited` states that differ along the axis"


@dataclass(frozen=True)
class Manifold:
    """Where fixed points lie.

    Attributes
    ----------
    components
        Principal components of the points.
    axis
        `(state,)`: m, the unit vector of the first, towards positive readout where a readout was given.
    position
        `(point,)`: coordinate along the axis, from the points' mean, in units of the state.
    theta
        `(point,)`: position along the manifold in [-1, 1], by locally linear embedding; rises with `position`.
    neighbours
        How many neighbours the embedding used.
    stability
        The smallest rank correlation |rho| of theta with the theta of another number of neighbours.
    agreement
        Rank correlation |rho| of theta with `position`.
    coverage
        Share of 20 equal stretches of the axis that hold a point, over the middle 90 % of the visited states where
        these were given, else of the states from which the points were searched. None where neither is known, or
        where those do not differ along the axis: then there is nothing to measure the points' extent against.
    readout_alignment
        `|cos|` of the axis and the readout, on the part of the state that the readout sees; None without readout.
    """

    components: PrincipalComponents
    axis: Float[Tensor, " state"]
    position: Float[Tensor, " point"]
    theta: Float[Tensor, " point"]
    neighbours: int
    stability: float
    agreement: float
    coverage: float | None
    readout_alignment: float | None

    @property
    def line_variance(self) -> float:
        """Share of the points' variance along the axis."""
        return float(self.components.explained[0])

    @property
    def theta_orders(self) -> bool:
        """Whether theta orders the points as the axis does, whatever the number of neighbours.

        Where points lie in pieces with gaps between them, locally linear embedding gives a whole piece one value.
        """
        return min(self.agreement, self.stability) >= LINE_AGREEMENT

    @property
    def place(self) -> Float[Tensor, " point"]:
        """Place on the manifold in [-1, 1]: theta where it orders the points, else their position on the axis."""
        if self.theta_orders:
            return self.theta
        low, high = self.position.min(), self.position.max()
        return 2 * (self.position - low) / (high - low) - 1

    @property
    def objections(self) -> tuple[str, ...]:
        """What speaks against a line, each with its number; empty for a line."""
        found = []
        if len(self.theta) < FEWEST_POINTS:
            found.append(f"only {len(self.theta)} points")
        if self.line_variance < LINE_VARIANCE:
            found.append(f"only {self.line_variance:.0%} of their variance is in one dimension")
        if self.coverage is None:
            found.append(UNJUDGED)
        elif self.coverage < LINE_COVERAGE:
            found.append(f"they cover only {self.coverage:.0%} of the axis")
        return tuple(found)

    @property
    def is_line(self) -> bool:
        """Whether nothing speaks against a line."""
        return not self.objections

    def __str__(self) -> str:
        if not self.is_line:
            return f"{len(self.theta)} points do not form a line: " + "; ".join(self.objections)
        text = (
            f"{len(self.theta)} points form a line: {self.line_variance:.0%} of their variance is in one "
            f"dimension, and they cover {self.coverage:.0%} of the axis"
        )
        if self.theta_orders:
            return text
        return (
            f"{text}; locally linear embedding does not order them reliably (rank correlations: with the axis "
            f"{self.agreement:.2f}, between numbers of neighbours {self.stability:.2f})"
        )


def find_manifold(
    points: FixedPoints | Array,
    *,
    visited: Array | None = None,
    readout: Float[Tensor, " hidden"] | None = None,
    neighbours: Sequence[int] = (20, 10, 15, 30, 40),
) -> Manifold:
    """Find the main axis of fixed points and each one's position along them, and whether they form a line.

    Parameters
    ----------
    points
        `FixedPoints`, or locations `(point, state)`; at least three that differ.
    visited
        Visited states `(visited, state)`, against which coverage is measured. Where None, it is measured against the
        states from which `FixedPoints` were searched.
    readout
        Readout weights `(hidden,)`: they see the first entries of the state. They fix the axis's sign.
    neighbours
        Numbers of neighbours to embed with: theta is that of the first, the others tell its stability.

    Raises
    ------
    InvalidInput
        For fewer than three points, points that are all the same, or shapes that do not fit.

    References
    ----------
    Roweis & Saul (2000), Science 290, 2323; Maheswaranathan et al. (2019), arXiv 1906.10720, figure 2c.
    """
    locations = as_points(points.location if isinstance(points, FixedPoints) else points, "points").double()
    if len(locations) < 3:
        raise InvalidInput(f"a manifold needs at least three points, not {len(locations)}")
    components = principal_components(locations)
    if components.variance[0] <= 0:
        raise InvalidInput(f"all {len(locations)} points are the same: there is no manifold")
    axis, alignment = _oriented_axis(components.components[0], readout)
    position = (locations - components.mean) @ axis
    kept, nearest = _thinned(locations, SPACING * float(position.max() - position.min()))
    thin, along_axis = locations[kept].cpu().numpy(), position[kept].cpu().numpy()
    counts = list(dict.fromkeys(min(count, max(1, len(thin) - 1)) for count in neighbours))
    theta, *others = (_embed(thin, count, along_axis) for count in counts)
    if visited is None and isinstance(points, FixedPoints):
        visited = points.starts
    along = None if visited is None else _along(as_points(visited, "visited"), components.mean, axis)
    return Manifold(
        components=components,
        axis=axis,
        position=position,
        theta=torch.from_numpy(theta)[nearest.cpu()].to(position),
        neighbours=counts[0],
        stability=min((rank_correlation(theta, other) for other in others), default=1.0),
        agreement=rank_correlation(theta, along_axis),
        coverage=_coverage(position, along),
        readout_alignment=alignment,
    )


def _thinned(points: Tensor, distance: float) -> tuple[Tensor, Tensor]:
    """Return rows that are at least `distance` apart, and for every point which of them is nearest.

    Fixed points bunch where the network is slowest; neighbours within a bunch do not connect it to the rest, and the
    embedding then depends on the number of neighbours.
    """
    order = np.lexsort(points.cpu().numpy().T[::-1])
    cover = torch.from_numpy(order[greedy_cover(points.cpu().numpy()[order], distance)]).to(points.device)
    return cover, torch.cdist(points, points[cover]).argmin(dim=1)


def _oriented_axis(axis: Tensor, readout: Tensor | None) -> tuple[Tensor, float | None]:
    """Turn the axis towards positive readout; also return how well they align where the readout sees the state."""
    if readout is None:
        return axis, None
    weights = as_points(readout, "readout")[0].to(axis)
    if len(weights) > len(axis):
        raise InvalidInput(f"readout has {len(weights)} weights, the state only {len(axis)} entries")
    seen = axis[: len(weights)]
    cosine = float(seen @ weights / (seen.norm() * weights.norm()))
    return (-axis if cosine < 0 else axis), abs(cosine)


def _along(visited: Tensor, mean: Tensor, axis: Tensor) -> Tensor:
    check_size(visited, len(axis), "visited", "the points' state")
    return visited.double() @ axis - mean @ axis


def _embed(points: NDArray[np.float64], neighbours: int, position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the one-dimensional locally linear embedding, scaled to [-1, 1], rising with position."""
    from sklearn.manifold import LocallyLinearEmbedding  # here: a second to load, and searches do not need it

    solver = LocallyLinearEmbedding(n_neighbors=neighbours, n_components=1, eigen_solver="dense")
    coordinate = solver.fit_transform(points)[:, 0]
    extent = np.ptp(coordinate)
    if not extent > 0:
        return np.zeros(len(points))
    coordinate = 2 * (coordinate - coordinate.min()) / extent - 1
    return -coordinate if np.cov(coordinate, position)[0, 1] < 0 else coordinate


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return |rho|; 0 where one of them is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return abs(float(spearmanr(first, second).statistic))


def _coverage(position: Tensor, visited: Tensor | None) -> float | None:
    """Return the share of equal stretches of the axis that hold a point; None where its length is not known."""
    if visited is None:
        return None
    low, high = np.quantile(visited.cpu().numpy(), (0.05, 0.95))
    if not high > low:
        return None
    counts, _ = np.histogram(position.cpu().numpy(), bins=BINS, range=(float(low), float(high)))
    return float((counts > 0).mean())
