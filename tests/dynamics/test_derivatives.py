"""Jacobians are what small changes do, whatever autograd sees of a step."""

import numpy as np
import pytest
import torch
from networks import SOLVERS, normal
from torch import nn
from two_units import EIGENVALUES, WEIGHT, ZERO, followed, in_single, magnitudes

from slowpoints.cells import GRU, Cell
from slowpoints.dynamics import InvalidInput, find_fixed_points, linearize


def without_gradients(state, input):
    with torch.no_grad():
        return followed(state, input)


def in_inference_mode(state, input):
    with torch.inference_mode():
        return followed(state, input)


def detached(state, input):
    return followed(state.detach(), input)


def partly_detached(state, input):
    return followed(torch.stack([state[:, 0].detach(), state[:, 1]], dim=1), input)


def input_detached(state, input):
    return followed(state, input.detach())


def in_numpy(state, input):
    return torch.from_numpy(np.tanh(state.numpy() @ WEIGHT.numpy().T + input.numpy()))


HIDDEN_FROM_AUTOGRAD = [without_gradients, in_inference_mode, detached, partly_detached, input_detached, in_numpy]


@pytest.mark.parametrize("step", HIDDEN_FROM_AUTOGRAD)
def test_jacobians_are_right_where_autograd_sees_nothing(step):
    assert magnitudes(step, ZERO, ZERO) == pytest.approx(EIGENVALUES, rel=1e-8)
    states, inputs = normal(5, 2), normal(5, 2, seed=1)
    found, expected = linearize(step, states, inputs), linearize(followed, states, inputs)
    torch.testing.assert_close(found.recurrent_jacobian, expected.recurrent_jacobian, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(found.input_jacobian, expected.input_jacobian, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS, ids=["levenberg-marquardt", "adam"])
@pytest.mark.parametrize("step", [without_gradients, partly_detached])
def test_a_search_finds_the_saddle_where_autograd_sees_nothing(step, solver):
    starts = normal(20, 2)
    found = find_fixed_points(step, starts, ZERO, solver=solver)
    expected = find_fixed_points(followed, starts, ZERO, solver=solver)
    torch.testing.assert_close(found.location, expected.location, rtol=1e-6, atol=1e-6)
    assert len(found.converged.unique(0.1)) == 3


def test_everything_works_within_inference_mode():
    with torch.inference_mode():
        assert magnitudes(followed, ZERO.clone(), ZERO) == pytest.approx(EIGENVALUES)
        for solver in SOLVERS:
            assert find_fixed_points(followed, normal(5, 2), ZERO + 0, solver=solver).converged_share == 1


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_differences_follow_the_unit_of_the_states(unit):
    def step(state, input):
        return unit * torch.tanh(state @ WEIGHT.T / unit)

    state = unit * torch.tensor([0.1, -0.3]).double()
    expected = magnitudes(step, state, ZERO)
    assert magnitudes(lambda h, x: step(h.detach(), x), state, ZERO) == pytest.approx(expected, rel=1e-8)


def test_differences_at_a_fixed_point_close_to_zero_do_not_drown_in_rounding():
    bias = torch.tensor([0.4, 0.2]).double()

    def step(state, input):
        return torch.tanh(state @ WEIGHT.T + bias) - torch.tanh(bias)

    state = torch.tensor([1e-10, -1e-11]).double()
    expected = magnitudes(step, state, ZERO)
    assert magnitudes(lambda h, x: step(h, x).detach(), state, ZERO) == pytest.approx(expected, rel=1e-8)


def test_at_a_kink_the_derivative_is_still_that_of_autograd():
    assert magnitudes(lambda h, x: torch.relu(h @ WEIGHT.T), ZERO, ZERO) == [0.0, 0.0]


def test_a_step_in_low_precision_whose_derivative_cannot_be_told_is_refused():
    def step(state, input):
        return (state + 0.1 * torch.tanh(state.bfloat16() @ WEIGHT.bfloat16().T).double()).detach()

    with pytest.raises(InvalidInput, match="double precision"):
        linearize(step, ZERO, ZERO)


class Leaky(nn.RNNCell):
    def forward(self, x, h):
        return 0.9 * h + 0.1 * super().forward(x, h)


def test_the_forward_of_a_derived_class_is_linearised():
    torch.manual_seed(0)
    assert magnitudes(Leaky(2, 2), torch.zeros(2)) == pytest.approx([0.9556323, 0.8750491])


def test_a_hook_is_linearised():
    torch.manual_seed(0)
    module = nn.RNNCell(2, 2)
    module.register_forward_hook(lambda module, given, result: 0.9 * given[1] + 0.1 * result)
    assert magnitudes(module, torch.zeros(2)) == pytest.approx([0.9556323, 0.8750491])


class InheritedJacobian(GRU):
    def step(self, state, input):
        return 0.9 * state + 0.1 * super().step(state, input)


class AutomaticJacobian(InheritedJacobian):
    recurrent_jacobian = Cell.recurrent_jacobian
    input_jacobian = Cell.input_jacobian


def test_a_jacobian_that_is_inherited_from_another_step_is_refused():
    with pytest.raises(InvalidInput, match=r"InheritedJacobian\.recurrent_jacobian is not the derivative"):
        linearize(InheritedJacobian(2, 3), torch.zeros(3))
    torch.manual_seed(0)
    cell = AutomaticJacobian(2, 3)
    plain = linearize(GRU.step.__get__(cell.double()), torch.zeros(3).double()).recurrent_jacobian
    found = linearize(cell, torch.zeros(3)).recurrent_jacobian
    torch.testing.assert_close(found, 0.9 * torch.eye(3).double() + 0.1 * plain)


def test_differences_of_a_function_in_single_precision_are_as_good_as_said():
    assert magnitudes(lambda h, x: in_single(h, x).detach(), ZERO, ZERO) == pytest.approx(EIGENVALUES, rel=1e-3)
