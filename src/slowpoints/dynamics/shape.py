"""What points form: how much of a range they cover, in how many pieces, whether along a curve, open or closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse.csgraph import minimum_spanning_tree, shortest_path
from scipy.spatial.distance import pdist, squareform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float64]
    Course = Literal["open", "closed", "branched"]

BINS = 20  # stretches or cells of which points may cover some
MIDDLE = (0.05, 0.95)  # quantiles of visited states between which points are looked for
GAP = 0.25  # of the range: points further apart are separate pieces
FEWEST_POINTS = 10
SPARSE = 0.25  # of the mean number of visited states in a cell: cells with fewer do not count
NEIGHBOURHOOD = 0.1  # of the points, of which the local shape is taken
NEAREST, FARTHEST = 8, 50  # neighbours, at least and at most
CURVE_VARIANCE = 0.8  # share of a neighbourhood's variance in one direction, from which points lie along a curve
STEPS = 2  # times the largest step from point to point are near,
NEAR = 0.15  # and so is this share of the points' extent
SPACINGS, REST = 3, 0.05  # where single points lie apart, in many dimensions: median steps in a gap, points in a piece


@dataclass(frozen=True)
class Shape:
    """How points lie together.

    Attributes
    ----------
    gap
        The largest gap that must be bridged from point to point, as a share of the range.
    pieces
        Into how many pieces they fall at gaps of more than a quarter of the range.
    local_variance
        Share of the variance of a neighbourhood (a tenth of the points) in its first direction, median over points: 1
        along a curve, about 1/d in d dimensions. NaN for fewer than ten separate points.
    course
        Where they lie along a curve: whether it is open, closed or branched. None elsewhere.
    """

    gap: float
    pieces: int
    local_variance: float
    course: Course | None


def find_range(visited: Points) -> Points | None:
    """Return the ends `(axis, 2)` of the middle 90 % of visited states `(visited, axis)`; None where they coincide."""
    low, high = (np.array([np.quantile(column, share) for column in visited.T]) for share in MIDDLE)
    return np.stack([low, high], axis=1) if (high > low).all() else None


def find_coverage(position: Points, visited: Points, ends: Points) -> float:
    """Return the share of equal cells of the range that hold a point: of all on one axis, else of those visited.

    About as many cells in any number of dimensions, but at least two along each axis.
    """
    dimension = len(ends)
    bins = max(2, round(BINS ** (1 / dimension)))
    cells, _ = _cells(position, ends, bins)
    if dimension == 1:
        return len(cells) / bins
    reached, counts = _cells(visited, ends, bins)
    often = {cell for cell, count in zip(reached, counts, strict=True) if count >= SPARSE * counts.mean()}
    return len(often.intersection(cells)) / len(often) if often else 0.0


def _cells(position: Points, ends: Points, bins: int) -> tuple[list[tuple[int, ...]], NDArray[np.int64]]:
    """Return the cells that hold a point, and how many each."""
    inside = ((position >= ends[:, 0]) & (position <= ends[:, 1])).all(axis=1)
    numbers = [
        np.searchsorted(np.linspace(low, high, bins + 1), column, side="right").clip(1, bins)
        for (low, high), column in zip(ends, position[inside].T, strict=True)
    ]
    cells, counts = np.unique(np.stack(numbers, axis=1), axis=0, return_counts=True)
    return [tuple(cell) for cell in cells.tolist()], counts


def find_shape(points: Points, position: Points, ends: Points, counts: NDArray[np.int64]) -> Shape:
    """Say how points lie together.

    Parameters
    ----------
    points
        `(point, component)`: in all dimensions that matter; none closer to each other than matters.
    position
        The same `(point, axis)` on the axes along which gaps are looked for.
    ends
        The range `(axis, 2)` in which gaps are looked for; points beyond count as at its ends.
    counts
        `(point,)`: how many points, close to one another, each stands for.
    """
    size = float((ends[:, 1] - ends[:, 0]).max())
    gap, pieces = _pieces(position.clip(ends[:, 0], ends[:, 1]), size, counts)
    local = _local_variance(points)
    course = _course(points) if pieces == 1 and local >= CURVE_VARIANCE else None
    return Shape(gap=gap, pieces=pieces, local_variance=local, course=course)


def _pieces(position: Points, size: float, counts: NDArray[np.int64]) -> tuple[float, int]:
    """Return the largest gap, and how many pieces there are between gaps of more than a quarter.

    On more than one axis points lie apart by chance, the more so the fewer they are: gaps must exceed three times the
    usual step to the next point, and a piece has more than a twentieth of the points.
    """
    if len(position) < 2:
        return 0.0, 1
    links = linkage(position, "single")
    least, few = GAP * size, 0.0
    if position.shape[1] > 1:
        steps = np.append(links[:, 2], np.zeros(counts.sum() - len(counts)))  # none between points that are one here
        least, few = max(least, SPACINGS * float(np.median(steps))), REST * counts.sum()
    piece = fcluster(links, least, criterion="distance")
    return float(links[-1, 2]) / size, max(1, int((np.bincount(piece, counts) > few).sum()))


def _local_variance(points: Points) -> float:
    if len(points) < FEWEST_POINTS:
        return float("nan")
    from sklearn.neighbors import NearestNeighbors  # here: a second to load, and searches do not need it

    count = min(len(points) - 1, int(np.clip(NEIGHBOURHOOD * len(points), NEAREST, FARTHEST)))
    near = NearestNeighbors(n_neighbors=count).fit(points).kneighbors(points, return_distance=False)
    centred = points - points.mean(axis=0)
    products = (centred @ centred.T)[near[:, :, None], near[:, None, :]]  # of neighbours with one another
    products = products - products.mean(axis=1, keepdims=True)
    products = products - products.mean(axis=2, keepdims=True)
    largest, total = np.linalg.eigvalsh(products)[:, -1], np.trace(products, axis1=1, axis2=2)
    return float(np.median(largest / total))


def _course(points: Points) -> Course:
    """Follow the longest way through the tree that joins the points by the shortest steps.

    On a ring that tree is open at the largest step only, so that its ends are neighbours.
    """
    distance = squareform(pdist(points))
    tree = minimum_spanning_tree(distance)
    first = int(shortest_path(tree, directed=False, indices=0).argmax())
    length, before = shortest_path(tree, directed=False, indices=first, return_predecessors=True)
    way = [int(length.argmax())]
    while way[-1] != first:
        way.append(int(before[way[-1]]))
    near = max(STEPS * float(tree.data.max()), NEAR * float(distance.max()))
    if distance[:, way].min(axis=1).max() > near:
        return "branched"
    return "closed" if distance[first, way[0]] <= near else "open"
