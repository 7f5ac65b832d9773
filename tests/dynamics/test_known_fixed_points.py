"""Searches end where the fixed points of networks known by hand are."""

import pytest
import torch
from networks import (
    SOLVERS,
    bistable_network,
    line_attractor,
    linear_network,
    normal,
    root_of_tanh,
    rotation,
    tanh_unit,
)

from slowpoints.dynamics import (
    LevenbergMarquardt,
    Status,
    find_fixed_points,
)


@pytest.mark.parametrize("solver", SOLVERS, ids=["levenberg-marquardt", "adam"])
def test_linear_network_has_its_one_point(solver):
    weight, drive = 0.3 * normal(4, 4), normal(4, seed=1)
    expected = torch.linalg.solve(torch.eye(4, dtype=torch.float64) - weight, drive)
    found = find_fixed_points(
        linear_network(weight, drive),
        normal(20, 4, seed=2),
        torch.zeros(4),
        solver=solver,
        tolerance=1e-14,
        region=None,
    )
    assert found.converged_share == 1
    torch.testing.assert_close(found.location, expected.expand(20, 4), atol=1e-6, rtol=0)


def test_linear_network_needs_only_a_few_steps():
    found = find_fixed_points(linear_network(0.3 * normal(4, 4)), normal(20, 4, seed=2), torch.zeros(4), region=None)
    assert found.iterations.max() <= 3


def test_tanh_unit_below_its_pitchfork_has_one_point():
    found = find_fixed_points(tanh_unit(0.8), torch.linspace(-2, 2, 21).double()[:, None], torch.zeros(1))
    assert found.converged_share == 1
    assert len(found.unique(0.01)) == 1
    assert found.location.abs().max() < 1e-3


def test_tanh_unit_above_its_pitchfork_has_three_points():
    starts = torch.linspace(-2, 2, 81).double()[:, None]
    found = find_fixed_points(tanh_unit(1.5), starts, torch.zeros(1), tolerance=1e-12)
    points = found.converged.unique(0.01).location.squeeze(1).sort().values
    root = root_of_tanh(1.5)
    torch.testing.assert_close(points, torch.tensor([-root, 0, root], dtype=torch.float64), atol=1e-5, rtol=0)


def test_a_local_minimum_of_q_is_called_slow_and_not_converged():
    """Past a saddle-node the two fixed points are gone, and q keeps a minimum above zero between them."""

    def ghost(state, input):
        return state + 1e-3 + state**2 + input

    found = find_fixed_points(ghost, torch.tensor([[0.2], [-0.1]]).double(), torch.zeros(1), slow_tolerance=1e-5)
    assert found.status.tolist() == [Status.SLOW, Status.SLOW]
    torch.testing.assert_close(found.q, torch.full((2,), 1e-6, dtype=torch.float64), rtol=0.1, atol=0)
    assert found.iterations.max() < LevenbergMarquardt().max_iterations
    above = find_fixed_points(ghost, torch.tensor([[0.2]]).double(), torch.zeros(1), slow_tolerance=1e-7)
    assert above.status.tolist() == [Status.NOT_CONVERGED]


def test_points_of_a_line_attractor_stay_where_they_began():
    direction = normal(6)
    direction = direction / direction.norm()
    starts = 3 * normal(50, 6, seed=1)
    found = find_fixed_points(line_attractor(direction), starts, torch.zeros(6), tolerance=1e-10)
    assert found.converged_share == 1
    along = starts @ direction
    torch.testing.assert_close(found.location @ direction, along, atol=1e-4, rtol=0)  # steps are in single precision
    torch.testing.assert_close(found.location, along[:, None] * direction, atol=1e-3, rtol=0)


def test_saddles_are_found_as_well_as_stable_points():
    starts = normal(200, 2)
    found = find_fixed_points(bistable_network, starts, torch.zeros(2), tolerance=1e-12)
    points = found.converged.unique(0.01).location
    root = root_of_tanh(2.0)
    expected = torch.tensor([[-root, 0], [0, 0], [root, 0]], dtype=torch.float64)
    torch.testing.assert_close(points[points[:, 0].argsort()], expected, atol=1e-5, rtol=0)


def test_rotation_has_its_centre():
    found = find_fixed_points(rotation(0.5, 0.99), normal(10, 2), torch.zeros(2), tolerance=1e-12)
    assert found.converged_share == 1
    assert found.location.norm(dim=1).max() < 1e-4


def test_each_point_has_its_own_input():
    weight, inputs = 0.3 * normal(4, 4), normal(7, 4, seed=3)
    expected = torch.linalg.solve(torch.eye(4, dtype=torch.float64) - weight, inputs.T).T
    found = find_fixed_points(linear_network(weight), torch.zeros(7, 4).double(), inputs, tolerance=1e-14)
    torch.testing.assert_close(found.location, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.input, inputs)
