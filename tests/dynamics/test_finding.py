"""Batches, precision and ownership in a search, and what it refuses."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import (
    CELLS,
    SOLVERS,
    cell_and_states,
    normal,
)
from torch import nn

from slowpoints.cells import LSTM
from slowpoints.dynamics import (
    Adam,
    InvalidInput,
    LevenbergMarquardt,
    find_fixed_points,
    sweep_tolerances,
)


@pytest.mark.parametrize("kind", CELLS)
@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**31), order=st.permutations(range(12)), rows=st.integers(1, 5))
def test_results_do_not_depend_on_chunks_or_order(kind, seed, order, rows):
    torch.manual_seed(seed)
    cell = kind(3, 5)
    states, order = 0.5 * normal(12, cell.state_size, seed=seed), list(order)
    whole = find_fixed_points(cell, states)
    memory = rows * LevenbergMarquardt().bytes_per_point(cell.state_size)
    for other, expected in (
        (find_fixed_points(cell, states, memory=memory), whole),
        (find_fixed_points(cell, states[order]), whole[order]),
    ):
        torch.testing.assert_close(other.location, expected.location, rtol=1e-6, atol=1e-6)
        assert torch.equal(other.status, expected.status)


@pytest.mark.parametrize("kind", CELLS)
def test_a_plain_function_gives_what_its_cell_gives(kind):
    cell, states = cell_and_states(kind)
    cell = cell.double()
    states = states.double()
    by_cell = find_fixed_points(cell, states)
    by_function = find_fixed_points(lambda h, x: cell.step(h, x), states, torch.zeros(3).double())
    torch.testing.assert_close(by_function.location, by_cell.location, rtol=1e-6, atol=1e-9)
    assert torch.equal(find_fixed_points(cell.step, states).location, by_function.location)


class BackwardOnly(torch.autograd.Function):
    """tanh without a rule for forward derivatives."""

    @staticmethod
    def forward(x):
        return torch.tanh(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (1 - ctx.saved_tensors[0] ** 2)


def test_a_function_with_backward_derivatives_only_works():
    weight = torch.tensor([[1.5, 0.3], [-0.2, 0.7]]).double()
    own, plain = (
        find_fixed_points(lambda h, x, f=f: f(h @ weight.T + x), normal(20, 2), torch.zeros(2))
        for f in (BackwardOnly.apply, torch.tanh)
    )
    torch.testing.assert_close(own.location, plain.location)


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
    yield "half an iteration", "whole number", lambda: Adam(max_iterations=2.5)
    yield "class", "Adam\\(\\)", lambda: find_fixed_points(cell, states, solver=Adam)
    yield "region", "a Region", lambda: find_fixed_points(cell, states, region="visited")
    yield "precision", "torch.float32", lambda: find_fixed_points(cell, states, dtype=torch.float16)
    yield "slow", "slow_tolerance", lambda: find_fixed_points(cell, states, slow_tolerance=-1.0)
    yield "numpy step", "returned ndarray", lambda: find_fixed_points(lambda h, x: h.numpy(), states, torch.zeros(1))
    yield "rate", "learning_rate", lambda: Adam(learning_rate=-1.0)
    yield "network", "not str", lambda: find_fixed_points("gru", states)
    yield "two directions", "bidirectional", lambda: find_fixed_points(nn.GRU(3, 5, bidirectional=True), states)


@pytest.mark.parametrize(
    ("part", "call"), [(part, call) for _, part, call in bad_calls()], ids=[b[0] for b in bad_calls()]
)
def test_bad_input_is_one_clear_message(part, call):
    with pytest.raises(InvalidInput, match=part):
        call()
