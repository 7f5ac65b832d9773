"""What the record of a search says, and its filters."""

import copy

import numpy as np
import pytest
import torch
from networks import (
    CELLS,
    SOLVERS,
    cell_and_states,
    linear_network,
    normal,
    root_of_tanh,
    rotation,
    tanh_unit,
)
from torch import nn

from slowpoints.cells import LSTM
from slowpoints.dynamics import (
    Adam,
    LevenbergMarquardt,
    Region,
    Status,
    find_fixed_points,
    sample_states,
    sweep_tolerances,
)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("solver", SOLVERS, ids=["levenberg-marquardt", "adam"])
def test_q_is_that_of_the_returned_location(kind, solver):
    cell, states = cell_and_states(kind)
    found = find_fixed_points(cell, states, solver=solver)
    double = copy.deepcopy(cell).double()
    with torch.no_grad():
        moved = double.step(found.location, found.input) - found.location
    torch.testing.assert_close(found.q, moved.square().mean(dim=1), rtol=1e-6, atol=1e-20)
    assert (found.q[found.status == Status.CONVERGED] < 1e-8).all()
    torch.testing.assert_close(found.displacement, (found.location - states).norm(dim=1))


def test_a_point_stops_at_the_first_step_below_the_tolerance():
    cell, states = cell_and_states()
    found = find_fixed_points(cell, states)
    again = find_fixed_points(cell, found.location)
    assert again.iterations.tolist() == [0] * len(states)
    torch.testing.assert_close(again.location, found.location, rtol=0, atol=0)


def test_a_sweep_gives_what_each_tolerance_gives_alone():
    cell, states = cell_and_states(LSTM)
    sweep = sweep_tolerances(cell, states, tolerances=(1e-10, 1e-6, 1e-8))
    assert list(sweep) == [1e-6, 1e-8, 1e-10]
    for tolerance, found in sweep.items():
        alone = find_fixed_points(cell, states, tolerance=tolerance)
        torch.testing.assert_close(found.location, alone.location, rtol=1e-9, atol=1e-12)
        assert torch.equal(found.status, alone.status)
        assert torch.equal(found.iterations, alone.iterations)
    assert (sweep[1e-6].iterations <= sweep[1e-10].iterations).all()


def test_points_out_of_iterations_are_not_converged():
    cell, states = cell_and_states()
    found = find_fixed_points(cell, states, solver=LevenbergMarquardt(max_iterations=1), tolerance=1e-20)
    assert set(found.status.tolist()) <= {Status.SLOW, Status.NOT_CONVERGED}
    assert found.iterations.tolist() == [1] * len(states)


def test_points_that_leave_the_visited_region_are_marked():
    drive = torch.tensor([100.0, 0.0]).double()
    network = linear_network(0.5 * torch.eye(2).double(), drive)
    found = find_fixed_points(network, normal(10, 2), torch.zeros(2))
    assert found.counts() == {"converged": 0, "slow": 0, "not_converged": 0, "outside": 10, "diverged": 0}
    assert len(found.converged) == len(found.below(1e-8)) == 0
    assert find_fixed_points(network, normal(10, 2), torch.zeros(2), region=None).converged_share == 1


def test_points_beyond_what_the_states_can_be_are_outside():
    """Gates of large weights shut to the last bit: the network then stands still wherever it is put."""
    torch.manual_seed(0)
    network = nn.GRU(32, 32, batch_first=True)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= 9
        visited = network(torch.randn(100, 20, 32) * 0.5)[0].flatten(0, 1)
    found = find_fixed_points(network, sample_states(visited, 100), region=None)
    beyond = (found.location.abs() > 1.1).any(dim=1)
    assert int((beyond & (found.status == Status.CONVERGED)).sum()) >= 5
    assert found.outside[beyond].all()
    assert found.counts()["converged"] == 0


@pytest.mark.parametrize("step", [1, 0.1, 1e-2, 1e-3, 1e-4])
def test_nine_points_are_found_whatever_the_size_of_steps(step):
    def network(state, input):
        return state + step * (-state + torch.tanh(1.5 * state))

    starts = 3 * torch.rand(300, 2, generator=torch.Generator().manual_seed(0)).double() - 1.5
    found = find_fixed_points(network, starts, torch.zeros(1))
    root = root_of_tanh(1.5)
    expected = torch.cartesian_prod(*2 * [torch.tensor([-root, 0, root]).double()])
    distance, nearest = torch.cdist(found.converged.location, expected).min(dim=1)
    assert distance.max() < 5e-3
    assert len(nearest.unique()) == len(found.converged.unique(0.1)) == 9
    assert found.converged_share > 0.95
    assert found.tolerance == pytest.approx(1e-8 * min(1, 150 * step**2), rel=0.7)


def test_a_tolerance_that_is_given_is_the_one_that_is_used():
    found = find_fixed_points(lambda h, x: 0.9999 * h, normal(5, 2), torch.zeros(1), tolerance=1e-8)
    assert (found.tolerance, found.iterations.max()) == (1e-8, 1)


def test_a_network_that_returns_nan_diverges():
    def broken(state, input):
        return state / (state > 0)

    found = find_fixed_points(broken, torch.tensor([[1.0, 2.0], [1.0, 0.0]]), torch.zeros(2))
    assert found.status.tolist() == [Status.CONVERGED, Status.DIVERGED]


def test_adam_clips_the_gradient_of_each_point():
    starts = torch.tensor([[10.0, 0.0], [1e-3, 0.0]]).double()
    limits = [Adam(max_gradient_norm=limit, max_iterations=3) for limit in (None, 1e-9)]
    free, clipped = (
        find_fixed_points(rotation(1.0, 0.5), starts, torch.zeros(2), solver=solver, tolerance=1e-12)
        for solver in limits
    )
    assert (clipped.displacement < free.displacement).all()


def test_filters_do_not_depend_on_the_order_of_points():
    starts = torch.linspace(-2, 2, 81).double()[:, None]
    shuffled = torch.randperm(81, generator=torch.Generator().manual_seed(1))
    found = find_fixed_points(tanh_unit(1.5), starts, torch.zeros(1))
    other = find_fixed_points(tanh_unit(1.5), starts[shuffled], torch.zeros(1))
    torch.testing.assert_close(other.location, found.location[shuffled])
    unique, other_unique = found.converged.unique(0.01), other.converged.unique(0.01)
    torch.testing.assert_close(unique.location.sort(dim=0).values, other_unique.location.sort(dim=0).values)


def test_unique_keeps_the_slowest_of_close_points():
    found = find_fixed_points(tanh_unit(0.8), torch.linspace(-2, 2, 21).double()[:, None], torch.zeros(1))
    assert found.unique(0.1).q.item() == found.q.min().item()
    assert len(found.unique(1e-12)) == len(found.location.unique(dim=0))


def test_region_and_q_filters():
    starts = torch.linspace(-2, 2, 81).double()[:, None]
    found = find_fixed_points(tanh_unit(1.5), starts, torch.zeros(1), tolerance=1e-6)
    right = found.within(Region.around(root_of_tanh(1.5) + torch.tensor([[-0.1], [0.1]]).double()))
    assert len(right) > 0
    assert (right.location > 0.5).all()
    assert (found.below(1e-9).q < 1e-9).all()
    assert "81 points" in str(found)


def test_arrays_can_be_saved(tmp_path):
    cell, states = cell_and_states()
    found = find_fixed_points(cell, states)
    np.savez(tmp_path / "points.npz", **found.arrays())
    with np.load(tmp_path / "points.npz", allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["location"], found.location.numpy())
