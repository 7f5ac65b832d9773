"""Positions along a line, a curve or a ring of points in many dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from slowpoints.dynamics.fixed_points import greedy_cover

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import NDArray

SPACING = 1 / 200  # of the points' extent: closer points are embedded as one


@dataclass(frozen=True)
class Embedding:
    """Positions along points, and how well they are known.

    Attributes
    ----------
    theta
        `(point,)`: in [-1, 1], from end to end; on a ring -1 and 1 are the same place.
    neighbours
        How many neighbours the embedding used.
    stability
        How well it agrees with that of another number of neighbours, at worst, in [0, 1].
    agreement
        Its rank correlation |rho| with the positions on the main axis.
    """

    theta: Float[Tensor, " point"]
    neighbours: int
    stability: float
    agreement: float


def embed(
    locations: Float[Tensor, "point state"],
    position: Float[Tensor, "point axis"],
    neighbours: Sequence[int],
    *,
    closed: bool = False,
) -> Embedding:
    """Find positions along a line or curve by locally linear embedding, along a ring by Laplacian eigenmaps.

    Parameters
    ----------
    locations
        The points in the full state space.
    position
        The same on their main axes: theta rises with the first, and turns from the first to the second on a ring.
    neighbours
        Numbers of neighbours to embed with: theta is that of the first, the others tell its stability.
    closed
        Whether the points form a ring.
    """
    first = position[:, 0]
    kept, nearest = thinned(locations, SPACING * float(first.max() - first.min()))
    thin, along = locations[kept].cpu().numpy(), position[kept].cpu().numpy()
    counts = list(dict.fromkeys(min(count, max(1, len(thin) - 1)) for count in neighbours))
    if closed:
        theta, *others = (_around(thin, count, along) for count in counts)
        stability = min((_turn(theta, other)[0] for other in others), default=1.0)
    else:
        theta, *others = (_along(thin, count, along[:, 0]) for count in counts)
        stability = min((rank_correlation(theta, other) for other in others), default=1.0)
    return Embedding(
        theta=torch.from_numpy(theta)[nearest.cpu()].to(position),
        neighbours=counts[0],
        stability=stability,
        agreement=rank_correlation(theta, along[:, 0]),
    )


def thinned(points: Float[Tensor, "point axis"], distance: float) -> tuple[Int[Tensor, " row"], Int[Tensor, " point"]]:
    """Return rows that are at least `distance` apart, and for every point which of them is nearest.

    Fixed points bunch where the network is slowest; neighbours within a bunch do not connect it to the rest, and the
    embedding then depends on the number of neighbours.
    """
    order = np.lexsort(points.cpu().numpy().T[::-1])
    cover = torch.from_numpy(order[greedy_cover(points.cpu().numpy()[order], distance)]).to(points.device)
    return cover, torch.cdist(points, points[cover]).argmin(dim=1)


def _along(points: NDArray[np.float64], neighbours: int, position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the one-dimensional locally linear embedding, scaled to [-1, 1], rising with position."""
    from sklearn.manifold import LocallyLinearEmbedding  # here: a second to load, and searches do not need it

    solver = LocallyLinearEmbedding(n_neighbors=neighbours, n_components=1, eigen_solver="dense")
    coordinate = solver.fit_transform(points)[:, 0]
    extent = np.ptp(coordinate)
    if not extent > 0:
        return np.zeros(len(points))
    coordinate = 2 * (coordinate - coordinate.min()) / extent - 1
    return -coordinate if np.cov(coordinate, position)[0, 1] < 0 else coordinate


def _around(points: NDArray[np.float64], neighbours: int, position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angle of each point on a ring, in units of pi: the first two eigenmaps of a ring form a circle."""
    from sklearn.manifold import SpectralEmbedding

    solver = SpectralEmbedding(n_components=2, affinity="nearest_neighbors", n_neighbors=neighbours, random_state=0)
    angle = np.arctan2(*solver.fit_transform(points).T[::-1]) / np.pi
    in_plane = np.arctan2(position[:, 1], position[:, 0]) / np.pi
    _, sign, shift = _turn(in_plane, angle)
    turned: NDArray[np.float64] = (sign * angle + shift + 1) % 2 - 1
    return turned


def _turn(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, int, float]:
    """Return how well angles (in units of pi) agree, and the sign and shift of the second at which they do."""
    means = {sign: np.exp(1j * np.pi * (first - sign * second)).mean() for sign in (1, -1)}
    sign = max(means, key=lambda each: abs(means[each]))
    return float(abs(means[sign])), sign, float(np.angle(means[sign]) / np.pi)


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return |rho|; 0 where one of them is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return abs(float(spearmanr(first, second).statistic))
