"""What a user's step is taken for is tried: its rows, the order of its arguments, the kind of its module."""

import pytest
import torch
from networks import normal
from torch import nn
from torch.autograd.function import once_differentiable
from two_units import EIGENVALUES, WEIGHT, ZERO, followed, magnitudes

from slowpoints.cells import GRU, Cell, Stacked
from slowpoints.dynamics import (
    InvalidInput,
    find_fixed_points,
    linearize,
    relaxation,
)


class InputHidden(nn.Module):
    """As in many tutorials; and with `size` inputs, both sizes are the same."""

    def __init__(self, size=5, input_size=1):
        super().__init__()
        self.input_size = input_size
        self.linear = nn.Linear(size + input_size, size)

    def forward(self, input, hidden):
        return hidden + 0.1 * torch.tanh(self.linear(torch.cat([hidden, input], dim=-1)))


class Unnamed(InputHidden):
    def forward(self, a, b):
        return super().forward(a, b)


class TwoResults(InputHidden):
    def forward(self, input, hidden):
        return input, super().forward(input, hidden)


@pytest.mark.parametrize("input_size", [1, 5])
def test_modules_that_take_the_input_first_are_called_so(input_size):
    torch.manual_seed(0)
    module = InputHidden(5, input_size)
    states = 0.3 * normal(4, 5)
    points, found = find_fixed_points(module, states), linearize(module, states)
    module.double()
    with torch.no_grad():
        torch.testing.assert_close(found.image, module(found.input, found.location))
        moved = module(points.input, points.location) - points.location
    torch.testing.assert_close(points.q, moved.square().mean(dim=1))
    by_hand = [
        linearize(Unnamed(5, input_size), states, step=lambda module, state, input: module(input, state)),
        linearize(TwoResults(5, input_size), states, step=lambda module, state, input: module(input, state)[1]),
    ]
    assert all(other.location.dtype == torch.float64 for other in by_hand)


@pytest.mark.parametrize("call", [find_fixed_points, linearize, relaxation])
def test_where_names_do_not_tell_the_order_it_is_asked_for(call):
    module, states = Unnamed(5, 5), normal(4, 5)
    with pytest.raises(InvalidInput, match=r"forward\(a, b\) is the state.*step=lambda"):
        call(module, states)
    call(module, states, step=lambda module, state, input: module(input, state))
    with pytest.raises(InvalidInput, match=r"step=lambda"):
        call(TwoResults(5, 5), states)
    with pytest.raises(InvalidInput, match=r"\(x, h\) = \(input, state\)"):
        call(lambda x, h: h, states, torch.zeros(5))
    with pytest.raises(InvalidInput, match="step must be a function"):
        call(module, states, step="input, state")


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.rnn, self.readout = nn.Embedding(9, 3), nn.GRU(3, 4), nn.Linear(4, 1)

    def forward(self, tokens):
        return self.readout(self.rnn(self.embedding(tokens))[0])


def test_a_whole_model_is_refused_with_the_name_of_its_recurrent_part():
    with pytest.raises(InvalidInput, match=r"model\.rnn \(GRU\)"):
        find_fixed_points(Model(), normal(4, 4))


def test_compiled_and_scripted_networks_are_what_was_compiled():
    torch.manual_seed(0)
    cell = nn.GRUCell(2, 3)
    expected = magnitudes(cell, torch.zeros(3))
    assert magnitudes(torch.compile(cell), torch.zeros(3)) == expected
    assert magnitudes(torch.jit.script(cell), torch.zeros(3)) == pytest.approx(expected)
    assert magnitudes(torch.compile(followed), ZERO, ZERO) == pytest.approx(EIGENVALUES)
    with pytest.raises(InvalidInput, match=r"torch\.jit\.script"):
        linearize(torch.jit.script(nn.GRU(2, 3)), torch.zeros(3))
    traced = torch.jit.trace(nn.GRU(2, 3), torch.zeros(4, 1, 2))
    with pytest.raises(InvalidInput, match=r"^[^\n]* give what torch\.jit\.script or torch\.jit\.trace was given$"):
        linearize(traced, torch.zeros(3))


def converting(module):
    def step(state, input):
        module.double()
        return module(input, state)

    return step


def test_a_step_that_converts_its_module_survives():
    torch.manual_seed(0)
    module = nn.RNNCell(2, 2)
    expected = magnitudes(module, ZERO)
    assert magnitudes(converting(module), ZERO, ZERO) == pytest.approx(expected)


class WritingCell(Cell):
    def step(self, state, input):
        return state.mul_(0.5).add_(input)

    def states(self, inputs, initial=None):
        raise NotImplementedError


def test_a_step_may_write_into_what_it_is_given():
    found = find_fixed_points(lambda h, x: h.mul_(0.5).add_(x), normal(9, 2), torch.ones(2), region=None)
    torch.testing.assert_close(found.location, torch.full((9, 2), 2.0).double(), atol=1e-3, rtol=0)
    found = find_fixed_points(WritingCell(2, 2), normal(9, 2), torch.ones(2), region=None)
    torch.testing.assert_close(found.location, torch.full((9, 2), 2.0).double(), atol=1e-3, rtol=0)


class FollowedCell(Cell):
    """Of two units, in whatever way its step is written."""

    def __init__(self):
        super().__init__(2, 2)

    def step(self, state, input):
        return torch.tanh(state @ WEIGHT.to(state).T + input)

    def states(self, inputs, initial=None):
        raise NotImplementedError


class WritingLayer(FollowedCell):
    def step(self, state, input):
        return super().step(state.mul_(0.5).mul_(2), input.mul_(1)).mul_(1)


class WithoutGradients(FollowedCell):
    def step(self, state, input):
        with torch.no_grad():
            return super().step(state, input)


class BackwardOnce(torch.autograd.Function):
    """tanh that cannot be differentiated twice."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(torch.tanh(x))
        return torch.tanh(x)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        return gradient * (1 - ctx.saved_tensors[0] ** 2)


class Once(FollowedCell):
    def step(self, state, input):
        return BackwardOnce.apply(state @ WEIGHT.to(state).T + input)


@pytest.mark.parametrize("kind", [WritingLayer, WithoutGradients, Once])
def test_a_layer_of_ones_own_may_be_written_in_any_way(kind):
    torch.manual_seed(0)
    above = GRU(2, 3)
    own, plain = Stacked([kind(), above]), Stacked([FollowedCell(), above])
    starts = 0.5 * normal(20, 5)
    found, expected = find_fixed_points(own, starts), find_fixed_points(plain, starts)
    torch.testing.assert_close(found.location, expected.location, rtol=1e-6, atol=1e-6)
    linear, other = linearize(own, starts), linearize(plain, starts)
    for name in ("location", "recurrent_jacobian", "input_jacobian"):
        torch.testing.assert_close(getattr(linear, name), getattr(other, name), rtol=1e-6, atol=1e-8)


class WrongLayer(FollowedCell):
    def recurrent_jacobian(self, state, input):
        return torch.zeros(len(state), 2, 2).to(state)


def test_a_layer_whose_own_jacobian_is_wrong_is_named():
    with pytest.raises(InvalidInput, match=r"WrongLayer\.recurrent_jacobian is not the derivative of WrongLayer\.step"):
        linearize(Stacked([WrongLayer(), GRU(2, 3)]), normal(4, 5))


def test_a_step_that_takes_single_states_only_is_refused():
    with pytest.raises(InvalidInput, match="step failed on a state of shape"):
        find_fixed_points(lambda h, x: followed(h.reshape(1, 2), x), normal(9, 2), ZERO)


def test_an_attribute_that_is_called_step_is_no_step():
    module = InputHidden()
    module.step = 3
    assert find_fixed_points(module, normal(4, 5)).location.shape == (4, 5)


class Counting:
    def __init__(self):
        self.calls = 0

    def __call__(self, state, input):
        self.calls += 1
        return 0.5 * state / self.calls


DROPOUT = nn.Dropout(0.1)
NORM = nn.BatchNorm1d(2).double()
BATCHES = [
    ("random", lambda h, x: DROPOUT(followed(h, x))),
    ("random", nn.Sequential(nn.Linear(2, 2), DROPOUT).double().forward),
    ("random", lambda h, x: followed(h, x) + 1e-4 * torch.randn_like(h)),
    ("keeps something", Counting()),
    ("couples the rows", lambda h, x: followed(h, x) - 0.1 * h.mean(dim=0)),
    ("more than 1 value", lambda h, x: NORM.train()(followed(h, x))),
    ("couples the rows", lambda h, x: followed(h, x) / len(h)),
    ("couples the rows", lambda h, x: followed(h, x.cumsum(dim=0))),
]


@pytest.mark.parametrize(("words", "step"), BATCHES)
@pytest.mark.parametrize("call", [find_fixed_points, linearize, relaxation])
def test_steps_that_are_no_function_of_one_state_are_refused(call, words, step):
    takes_input = not isinstance(step, type(NORM.forward)) or words != "random"
    with pytest.raises(InvalidInput, match=words):
        call(step, normal(4, 2), *([ZERO] if takes_input else []))


def test_networks_without_input_are_functions_of_the_state():
    def step(h):
        return torch.tanh(h @ WEIGHT.T)

    starts = normal(30, 2)
    points = find_fixed_points(step, starts)
    assert len(points.converged.unique(0.1)) == 3
    assert magnitudes(step, ZERO) == pytest.approx(EIGENVALUES)
    assert linearize(step, points).input_jacobian.shape == (30, 2, 0)
    torch.testing.assert_close(relaxation(step, starts), relaxation(followed, starts, ZERO))
    with pytest.raises(InvalidInput, match="takes no input"):
        linearize(step, starts, ZERO)
    module = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Tanh())
    module[0].weight.data = WEIGHT.float()
    assert magnitudes(module, ZERO) == pytest.approx(EIGENVALUES, rel=1e-6)


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
def test_modules_with_computed_weights_can_be_copied():
    torch.manual_seed(0)
    module = InputHidden()
    nn.utils.weight_norm(module.linear)
    assert find_fixed_points(module, normal(4, 5)).location.shape == (4, 5)
