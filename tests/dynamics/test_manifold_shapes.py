"""What points of known shapes are found to form."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from slowpoints.dynamics import find_manifold

STATE = 12


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def in_state_space(points: np.ndarray, noise: float = 0.01) -> np.ndarray:
    """Turn points of few dimensions into a state space of twelve, with a little noise in all of these."""
    basis = np.linalg.qr(rng(1).normal(size=(STATE, STATE)))[0][: points.shape[1]]
    return points @ basis + noise * rng(2).normal(size=(len(points), STATE))


def ring(count: int = 300, ratio: float = 0.8) -> np.ndarray:
    angle = rng().uniform(0, 2 * np.pi, count)
    return np.stack([np.cos(angle), ratio * np.sin(angle)], axis=1)


def arc(opening: float, count: int = 300) -> np.ndarray:
    angle = rng().uniform(opening / 2, 2 * np.pi - opening / 2, count)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def simplex(corners: int, count: int = 400) -> np.ndarray:
    """Points spread evenly over the regular simplex with so many corners."""
    return rng().dirichlet(np.ones(corners), count)


def disc(count: int = 400) -> np.ndarray:
    points = rng().uniform(-1, 1, (4 * count, 2))
    return points[np.hypot(*points.T) < 1][:count]


def line(count: int = 300) -> np.ndarray:
    return rng().uniform(-1, 1, (count, 1))


def corners(number: int) -> np.ndarray:
    return np.eye(number).repeat(60, axis=0)


def branches() -> np.ndarray:
    arm = np.linspace(0.02, 1, 60)[:, None]
    return np.concatenate([arm * [np.cos(angle), np.sin(angle)] for angle in (0, 2, 4)])


SHAPES = [
    ("line", line(), 1, 1),
    ("curve", arc(np.pi), 2, 1),
    ("curve", arc(0.8), 2, 1),
    ("ring", ring(), 2, 1),
    ("ring", ring(ratio=0.4), 2, 1),
    ("branches", branches(), 2, 1),
    ("plane", disc(), 2, 2),
    ("plane", simplex(3), 2, 2),
    ("volume", simplex(4), 3, 3),
    ("pieces", corners(4), 3, 3),
    ("pieces", corners(3), 2, 2),
]


@pytest.mark.parametrize("noise", [1e-6, 0.01, 0.03])
@pytest.mark.parametrize(("shape", "points", "dimension", "intrinsic"), SHAPES)
def test_known_shapes_are_recognised_with_their_dimensions(shape, points, dimension, intrinsic, noise):
    points = in_state_space(points, noise)
    found = find_manifold(points, visited=points)
    assert found.shape == shape
    assert (found.dimension, found.intrinsic_dimension) == (dimension, intrinsic)
    assert found.axes.shape == (dimension, STATE)
    assert found.position.shape == (len(points), dimension)
    assert found.explained.sum() >= 0.9 > found.explained[:-1].sum()
    assert found.is_line == (shape == "line")
    assert shape in str(found)


def test_high_dimensional_noise_is_no_line_ring_plane_or_pieces():
    points = rng().normal(size=(200, 60))
    found = find_manifold(points, visited=points)
    assert found.dimension > 30
    assert found.shape == "unknown"
    assert found.theta is None
    assert (found.pieces, found.course) == (1, None)
    assert find_manifold(points, visited=points, dimension=1).shape == "unknown"


def test_the_largest_gap_is_reported_and_two_pieces_are_no_line():
    pieces = np.concatenate([rng().uniform(-1, -0.3, 100), rng(1).uniform(0.3, 1, 100)])[:, None]
    found = find_manifold(in_state_space(pieces), visited=in_state_space(line()))
    assert found.gap == pytest.approx(0.6 / 1.8, abs=0.03)  # of the middle 90 % of the visited states
    assert (found.shape, found.pieces) == ("pieces", 2)
    assert "2 pieces, with a gap of 3" in str(found)
    assert not found.is_line


def test_a_gap_to_points_beyond_the_range_counts_only_within_it():
    stray = np.concatenate([line(), [[2.5]]])
    found = find_manifold(in_state_space(stray), visited=in_state_space(line()))
    assert found.gap < 0.1
    assert found.is_line


def test_a_ring_of_one_dimension_is_called_neither_line_nor_pieces_when_one_axis_is_asked_for():
    points = in_state_space(ring())
    found = find_manifold(points, visited=points, dimension=1)
    assert found.dimension == 1
    assert found.shape == "ring"
    assert "they close to a ring" in found.objections


def test_theta_on_a_ring_is_the_angle_from_the_first_axis_to_the_second():
    points = in_state_space(ring(ratio=0.9))
    found = find_manifold(points, visited=points)
    angle = np.arctan2(*found.position.numpy().T[::-1]) / np.pi
    off = (found.theta.numpy() - angle + 1) % 2 - 1
    assert np.abs(off).max() < 0.15
    assert found.stability > 0.95
    assert found.place is found.theta


def test_theta_on_a_curve_that_turns_back_follows_the_curve():
    angle = rng().uniform(0.4, 2 * np.pi - 0.4, 300)
    points = in_state_space(np.stack([np.cos(angle), np.sin(angle)], axis=1))
    found = find_manifold(points, visited=points)
    assert abs(spearmanr(found.theta, angle).statistic) > 0.999
    assert found.place is found.theta


def test_coverage_in_two_dimensions_is_of_the_cells_that_visited_states_reach():
    visited = in_state_space(simplex(3, 2000))
    assert find_manifold(visited[:300], visited=visited).coverage == 1
    plane = simplex(3, 2000)
    half = in_state_space(plane)[plane[:, 0] > 0.5]
    found = find_manifold(half, visited=visited, dimension=2)
    assert found.coverage < 0.5
    assert found.shape == "unknown"
    assert "they cover only" in str(found)


def test_alignment_is_that_of_whole_spaces():
    basis = np.linalg.qr(rng(1).normal(size=(STATE, STATE)))[0]  # of `in_state_space`
    points = in_state_space(disc(), noise=0)

    def alignment(*rows):
        return find_manifold(points, readout=np.stack(rows)).alignment.tolist()

    assert alignment(basis[0] + basis[1], basis[0] - 2 * basis[1]) == pytest.approx([1, 1])
    assert alignment(basis[5], basis[1]) == pytest.approx([1, 0], abs=1e-6)
    assert alignment(basis[5], basis[0] + basis[6]) == pytest.approx([math.sqrt(0.5), 0], abs=1e-6)
    assert alignment(basis[1] + basis[5], basis[7], basis[8]) == pytest.approx([math.sqrt(0.5), 0], abs=1e-6)
    assert alignment(basis[3]) == pytest.approx([0], abs=1e-6)


def test_readouts_of_several_classes_are_used_whole_and_see_the_hidden_part_alone():
    hidden, cell = simplex(3) - 1 / 3, 3 * rng(1).normal(size=(400, 3))
    points = np.concatenate([hidden, 0.01 * cell], axis=1)  # (point, hidden and cell state)
    found = find_manifold(points, readout=np.eye(3))
    assert found.dimension == 2
    assert found.alignment.tolist() == pytest.approx([1, 1], abs=1e-3)


def test_axes_point_towards_the_readout_that_they_are_most_aligned_with():
    points = in_state_space(disc(), noise=0)
    found = find_manifold(points, dimension=2)
    turned = find_manifold(points, dimension=2, readout=-found.axes)
    torch.testing.assert_close(turned.axes, -found.axes)
    torch.testing.assert_close(turned.position, -found.position)


@pytest.mark.parametrize("points", [line(), ring(), disc()])
def test_arrays_of_numpy_and_torch_give_the_same(points):
    points, readout = in_state_space(points), rng(3).normal(size=(2, STATE))
    by_numpy = find_manifold(points, visited=points[::-1], readout=readout)
    tensors = [torch.from_numpy(each.copy()) for each in (points, points[::-1], readout)]
    by_torch = find_manifold(tensors[0], visited=tensors[1], readout=tensors[2])
    assert str(by_numpy) == str(by_torch)
    assert torch.equal(by_numpy.position, by_torch.position)
    assert torch.equal(by_numpy.alignment, by_torch.alignment)
    assert torch.equal(by_numpy.place, by_torch.place)


def test_a_line_stays_a_line_where_more_axes_are_asked_for():
    points = in_state_space(line(), noise=0.001)
    found = find_manifold(points, visited=points, dimension=2)
    assert (found.shape, found.dimension, found.intrinsic_dimension) == ("line", 2, 1)
    assert found.position.shape == (300, 2)


def test_a_short_part_of_the_range_is_neither_line_nor_ring():
    for points in (0.2 * line(), 0.2 * ring()):
        around = in_state_space(np.random.default_rng(5).uniform(-1, 1, (500, points.shape[1])), noise=0)
        assert find_manifold(in_state_space(points, noise=0.001), visited=around).shape == "unknown"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dimension", [1, 2])
def test_points_beyond_all_that_is_visited_cover_nothing(dimension):
    points = in_state_space(disc(), noise=0)
    found = find_manifold(points + 100 * found_axis(points), visited=points, dimension=dimension)
    assert found.coverage == 0
    assert not found.is_line


def found_axis(points: np.ndarray) -> np.ndarray:
    return find_manifold(points).axis.numpy()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dimension", [None, 1, 2])
def test_a_line_of_few_places_with_many_points_each_is_described(dimension):
    points = in_state_space(np.linspace(-1, 1, 6).repeat(20)[:, None], noise=1e-6)
    found = find_manifold(points, visited=points, dimension=dimension)
    assert found.pieces == 1
    assert "120 points" in str(found)
    assert found.place.isfinite().all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [3, 4, 9, 12])
def test_a_few_points_are_described_in_any_dimension(count):
    points = rng().normal(size=(count, 5))
    for dimension in (None, *range(1, min(count - 1, 5) + 1)):
        found = find_manifold(points, visited=points, dimension=dimension)
        assert str(count) in str(found)
        assert found.place.shape == (count,)
