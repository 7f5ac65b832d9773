import copy

import numpy as np
import pytest
import torch
from networks import bistable_network, line_attractor, linear_network, root_of_tanh, rotation, tanh_unit
from torch import nn

from slowpoints.cells import GRU, LSTM, UGRNN, VanillaRNN
from slowpoints.dynamics import (
    Adam,
    InvalidInput,
    LevenbergMarquardt,
    Region,
    Status,
    find_fixed_points,
    sweep_tolerances,
)

SOLVERS = [LevenbergMarquardt(), Adam(learning_rate=0.05, decay=0.999)]
CELLS = [GRU, LSTM, UGRNN, VanillaRNN]


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def cell_and_states(kind=GRU, points: int = 12):
    torch.manual_seed(0)
    cell = kind(3, 5)
    return cell, 0.3 * normal(points, cell.state_size, dtype=torch.float32)


# Known fixed points


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
    torch.testing.assert_close(found.speed, torch.full((2,), 1e-6, dtype=torch.float64), rtol=0.1, atol=0)
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


# What the record says


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("solver", SOLVERS, ids=["levenberg-marquardt", "adam"])
def test_speed_is_that_of_the_returned_location(kind, solver):
    cell, states = cell_and_states(kind)
    found = find_fixed_points(cell, states, solver=solver)
    double = copy.deepcopy(cell).double()
    with torch.no_grad():
        moved = double.step(found.location, found.input) - found.location
    torch.testing.assert_close(found.speed, moved.square().mean(dim=1), rtol=1e-6, atol=1e-20)
    assert (found.speed[found.status == Status.CONVERGED] < 1e-8).all()
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
    assert found.unique(0.1).speed.item() == found.speed.min().item()
    assert len(found.unique(1e-12)) == len(found.location.unique(dim=0))


def test_region_and_speed_filters():
    starts = torch.linspace(-2, 2, 81).double()[:, None]
    found = find_fixed_points(tanh_unit(1.5), starts, torch.zeros(1), tolerance=1e-6)
    right = found.within(Region(torch.tensor([[root_of_tanh(1.5)]]).double(), radius=0.1))
    assert len(right) > 0
    assert (right.location > 0.5).all()
    assert (found.below(1e-9).speed < 1e-9).all()
    assert "81 points" in str(found)


def test_arrays_can_be_saved(tmp_path):
    cell, states = cell_and_states()
    found = find_fixed_points(cell, states)
    np.savez(tmp_path / "points.npz", **found.arrays())
    with np.load(tmp_path / "points.npz", allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["location"], found.location.numpy())


# Batches, precision, ownership


@pytest.mark.parametrize("kind", CELLS)
def test_results_do_not_depend_on_chunks_or_order(kind):
    cell, states = cell_and_states(kind)
    whole = find_fixed_points(cell, states)
    chunked = find_fixed_points(cell, states, memory=1)
    backwards = find_fixed_points(cell, states.flip(0))
    torch.testing.assert_close(chunked.location, whole.location, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(backwards.location.flip(0), whole.location, rtol=1e-9, atol=1e-12)
    assert torch.equal(chunked.status, whole.status)


@pytest.mark.parametrize("kind", CELLS)
def test_a_plain_function_gives_what_its_cell_gives(kind):
    cell, states = cell_and_states(kind)
    cell = cell.double()
    states = states.double()
    by_cell = find_fixed_points(cell, states)
    by_function = find_fixed_points(lambda h, x: cell.step(h, x), states, torch.zeros(3).double())
    torch.testing.assert_close(by_function.location, by_cell.location, rtol=1e-6, atol=1e-9)
    assert torch.equal(find_fixed_points(cell.step, states).location, by_function.location)


@pytest.mark.parametrize("module", [nn.GRU(3, 5), nn.GRUCell(3, 5), nn.LSTM(3, 5, bias=False)])
def test_modules_of_torch_are_taken_as_they_are(module):
    size = 10 if isinstance(module, nn.LSTM) else 5
    found = find_fixed_points(module, 0.1 * normal(4, size, dtype=torch.float32))
    assert found.location.shape == (4, size)


def test_a_function_in_single_precision_reaches_the_tolerance():
    cell, states = cell_and_states()
    found = find_fixed_points(lambda h, x: cell.step(h, x), states, torch.zeros(3))
    assert found.converged_share == 1
    assert found.location.dtype == torch.float64


def test_everything_of_the_caller_stays_as_it_was():
    cell, states = cell_and_states(LSTM)
    cell.train()
    cell.rnn.weight_hh_l0.requires_grad_(False)
    before = copy.deepcopy(cell.state_dict())
    flags = [parameter.requires_grad for parameter in cell.parameters()]
    kept, inputs = states.clone(), torch.ones(3)
    for solver in SOLVERS:
        find_fixed_points(cell, states, inputs, solver=solver)
    assert torch.equal(states, kept)
    assert torch.equal(inputs, torch.ones(3))
    assert all(torch.equal(before[name], value) for name, value in cell.state_dict().items())
    assert [parameter.requires_grad for parameter in cell.parameters()] == flags
    assert all(parameter.dtype == torch.float32 and parameter.grad is None for parameter in cell.parameters())
    assert cell.training


def test_states_that_ask_for_gradients_and_numpy_arrays_work():
    cell, states = cell_and_states()
    found = find_fixed_points(cell, states.clone().requires_grad_())
    assert not found.location.requires_grad
    same = find_fixed_points(cell, states.numpy())
    assert torch.equal(found.location, same.location)


@pytest.mark.parametrize("kind", CELLS)
def test_a_single_state_works(kind):
    cell, states = cell_and_states(kind)
    many = find_fixed_points(cell, states, region=None)
    for start in (states[0], states[:1]):
        one = find_fixed_points(cell, start)
        assert len(one) == 1
        torch.testing.assert_close(one.location, many.location[:1], rtol=1e-9, atol=1e-12)


def test_many_points_fit_in_little_memory():
    cell, _ = cell_and_states()
    found = find_fixed_points(cell, normal(5000, 5, dtype=torch.float32), memory=1 << 20)
    assert len(found) == 5000


def test_progress_is_shown_only_when_asked(capsys):
    cell, states = cell_and_states()
    find_fixed_points(cell, states)
    assert capsys.readouterr().err == ""
    find_fixed_points(cell, states, progress=True)
    assert "12/12" in capsys.readouterr().err


# Bad input


def bad_calls():
    cell, states = cell_and_states()
    nan = states.clone()
    nan[3, 1] = torch.nan
    yield "NaN", "row 3", lambda: find_fixed_points(cell, nan)
    yield "state size", "has 4 numbers", lambda: find_fixed_points(cell, states[:, :4])
    yield "time axis", "flatten", lambda: find_fixed_points(cell, states[None])
    yield "integers", "floating-point", lambda: find_fixed_points(cell, states.long())
    yield "no states", "empty", lambda: find_fixed_points(cell, states[:0])
    yield "a list", "tensor or a numpy array", lambda: find_fixed_points(cell, states.tolist())
    yield "input size", "network's input has 3", lambda: find_fixed_points(cell, states, torch.zeros(2))
    yield "inputs", "2 rows for 12", lambda: find_fixed_points(cell, states, torch.zeros(2, 3))
    yield "unknown input", "give `input`", lambda: find_fixed_points(lambda h, x: h, states)
    yield "wrong return", "must return states", lambda: find_fixed_points(lambda h, x: h[0], states, torch.zeros(1))
    yield "failing step", "step failed", lambda: find_fixed_points(lambda h, x: h @ x, states, torch.zeros(7))
    yield "device", "is on cpu", lambda: find_fixed_points(cell.to("meta"), states)
    yield "tolerance", "above 0", lambda: find_fixed_points(cell, states, tolerance=0)
    yield "tolerances", "empty", lambda: sweep_tolerances(cell, states, tolerances=())
    yield "iterations", "max_iterations", lambda: LevenbergMarquardt(max_iterations=0)
    yield "rate", "learning_rate", lambda: Adam(learning_rate=-1.0)
    yield "network", "not str", lambda: find_fixed_points("gru", states)
    yield "two directions", "bidirectional", lambda: find_fixed_points(nn.GRU(3, 5, bidirectional=True), states)


@pytest.mark.parametrize(
    ("part", "call"), [(part, call) for _, part, call in bad_calls()], ids=[b[0] for b in bad_calls()]
)
def test_bad_input_is_one_clear_message(part, call):
    with pytest.raises(InvalidInput, match=part):
        call()
