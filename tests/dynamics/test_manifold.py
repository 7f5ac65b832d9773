import math

import pytest
import torch
from networks import line_attractor, linear_network

from slowpoints.dynamics import InvalidInput, find_fixed_points, find_manifold


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_line_attractor_is_a_line_with_its_direction():
    direction = normal(6) / normal(6).norm()
    starts = 3 * normal(200, 6, seed=1)
    points = find_fixed_points(line_attractor(direction), starts, torch.zeros(6))
    found = find_manifold(points, visited=starts, readout=2 * direction)
    torch.testing.assert_close(found.axis, direction, atol=1e-3, rtol=0)
    torch.testing.assert_close(
        found.position[:, 0] + found.components.mean @ direction, starts @ direction, atol=1e-3, rtol=0
    )
    assert found.is_line
    assert found.alignment.tolist() == pytest.approx([1], abs=1e-4)
    assert found.coverage > 0.9
    assert "form a line" in str(found)


def test_theta_runs_along_a_bent_line():
    angle = torch.linspace(-0.5, 0.5, 150).double()
    arc = torch.stack([angle.sin(), angle.cos()], dim=1) @ normal(2, 10)
    shuffled = torch.randperm(150, generator=torch.Generator().manual_seed(0))
    found = find_manifold(arc[shuffled])
    assert found.theta.min() == -1
    assert found.theta.max() == 1
    assert found.agreement > 0.99
    assert found.stability > 0.99
    assert found.place is found.theta
    along = found.theta[shuffled.argsort()]
    assert (along.diff() > 0).all() or (along.diff() < 0).all()


def test_the_axis_points_to_positive_readout_on_what_the_readout_sees():
    line = torch.linspace(-1, 1, 50).double()[:, None] * torch.tensor([[3.0, 0.0, 4.0, 0.0]]).double()
    found = find_manifold(line, readout=torch.tensor([-1.0, 0.0]))
    torch.testing.assert_close(found.axis, torch.tensor([-0.6, 0.0, -0.8, 0.0]).double())
    assert found.alignment.tolist() == pytest.approx([1])


def test_a_cloud_is_no_line_and_says_why():
    found = find_manifold(normal(100, 5))
    assert not found.is_line
    assert "variance" in str(found)
    assert "do not form a line" in str(found)


def test_points_at_the_ends_alone_do_not_cover_the_line():
    ends = torch.cat([-1 + 0.01 * normal(40, 1), 1 + 0.01 * normal(40, 1, seed=1)]) * torch.ones(1, 3).double()
    visited = torch.linspace(-1, 1, 100).double()[:, None] * torch.ones(1, 3).double()
    found = find_manifold(ends, visited=visited)
    assert found.coverage < 0.3
    assert not found.is_line


def test_where_embedding_gives_a_piece_one_value_places_are_positions_on_the_axis():
    pieces = torch.cat([torch.linspace(-1, -0.6, 60), torch.linspace(0.2, 1, 60)]).double()
    points = pieces[:, None] * torch.tensor([[1.0, 2.0, 0.0]]).double() + 1e-4 * normal(120, 3)
    found = find_manifold(points, visited=points)
    assert found.theta[:60].std() < 0.01
    assert not found.theta_orders
    torch.testing.assert_close(found.place, pieces, atol=0.01, rtol=0)
    assert found.shape == "pieces"


def test_many_searches_that_end_in_one_place_are_no_line_whether_or_not_visited_states_are_given():
    starts = normal(300, 6)
    points = find_fixed_points(linear_network(0.5 * torch.eye(6).double()), starts, torch.zeros(6), tolerance=1e-12)
    spread = (points.location - points.location.mean(dim=0)).norm(dim=1).max()
    assert 0 < spread < 1e-4  # they do differ
    for visited in (None, starts):
        found = find_manifold(points.converged, visited=visited)
        assert found.shape == "point"
        assert found.intrinsic_dimension == 0
        assert not found.is_line
        assert find_manifold(points[:100], dimension=1, visited=visited).coverage == 1 / 20


def test_extent_is_measured_against_all_starts_also_of_searches_that_were_left_out():
    direction = normal(4) / normal(4).norm()
    points = find_fixed_points(line_attractor(direction), 3 * normal(200, 4, seed=1), torch.zeros(4))
    middle = points[(points.location @ direction).abs() < 0.5]
    assert find_manifold(points).is_line
    assert find_manifold(middle).coverage < 0.2


def test_without_anything_to_measure_against_the_extent_is_not_judged():
    line = torch.linspace(-1, 1, 50).double()[:, None] * torch.ones(1, 3).double()
    for visited in (None, torch.ones(20, 3).double()):
        found = find_manifold(line, visited=visited)
        assert found.coverage is None
        assert not found.is_line
        assert "cannot be judged" in str(found)
    assert find_manifold(line, visited=line).is_line


def test_few_points_are_said_to_be_few():
    found = find_manifold(torch.linspace(0, 1, 4).double()[:, None] * torch.ones(1, 3).double())
    assert "only 4 points" in str(found)
    assert math.isfinite(found.stability)


def test_bunched_points_are_put_in_order_for_any_number_of_neighbours():
    ends = torch.tensor([-1.0, -0.3, 0.4, 1.0]).double().repeat_interleave(60) + 1e-6 * normal(240)
    line = torch.cat([ends, torch.linspace(-1, 1, 60).double()])[:, None] * torch.tensor([[1.0, 2.0, 0.0]]).double()
    found = find_manifold(line + 1e-5 * normal(300, 3))
    assert found.stability > 0.99
    assert found.agreement > 0.99
    assert found.theta[:60].std() < 1e-6


def test_a_line_whose_points_are_not_ordered_reliably_says_so():
    pieces = torch.cat([torch.linspace(-1, -0.2, 60), torch.linspace(0.2, 1, 60)]).double()
    points = pieces[:, None] * torch.tensor([[1.0, 2.0, 0.0]]).double() + 1e-4 * normal(120, 3)
    found = find_manifold(points, visited=points)
    assert found.gap == pytest.approx(0.4 / 1.8, abs=0.02)
    assert found.is_line
    assert not found.theta_orders
    assert "does not order them reliably" in str(found)


@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("at least three", lambda: find_manifold(normal(2, 3))),
        ("the same", lambda: find_manifold(torch.ones(9, 3))),
        ("readout has 4", lambda: find_manifold(normal(9, 3), readout=normal(4))),
        ("row of zeros", lambda: find_manifold(normal(9, 3), readout=torch.zeros(2, 3))),
        ("no more than 3", lambda: find_manifold(normal(9, 3), dimension=4)),
        ("dimension must be", lambda: find_manifold(normal(9, 3), dimension=0)),
        ("visited", lambda: find_manifold(normal(9, 3), visited=normal(9, 4))),
    ],
)
def test_bad_input_is_one_clear_message(part, call):
    with pytest.raises(InvalidInput, match=part):
        call()
