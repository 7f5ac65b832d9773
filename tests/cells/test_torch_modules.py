"""Torch's recurrent modules as cells: the same states, steps and Jacobians, with and without biases and layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from recurrence import run_by_steps
from torch import nn

from slowpoints.cells import Cell, Stacked, from_torch

MODULES = [nn.RNN, nn.GRU, nn.LSTM]


def assert_jacobians_are_automatic(cell, state, input):
    torch.testing.assert_close(cell.recurrent_jacobian(state, input), Cell.recurrent_jacobian(cell, state, input))
    torch.testing.assert_close(cell.input_jacobian(state, input), Cell.input_jacobian(cell, state, input))


@pytest.mark.parametrize("module_class", [*MODULES, nn.RNNCell, nn.GRUCell, nn.LSTMCell])
@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**31), inputs=st.integers(1, 4), hidden=st.integers(1, 5), bias=st.booleans(), data=st.data()
)
def test_closed_form_jacobians_of_torch_modules_are_the_automatic_ones(module_class, seed, inputs, hidden, bias, data):
    torch.manual_seed(seed)
    layers = {"num_layers": data.draw(st.integers(1, 3))} if module_class in MODULES else {}
    module = module_class(inputs, hidden, bias=bias, **layers).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.6)
    cell = from_torch(module)
    state, input = torch.randn(3, cell.state_size).double(), torch.randn(3, inputs).double()
    assert_jacobians_are_automatic(cell, state, input)


@pytest.mark.parametrize("module_class", MODULES)
def test_several_layers_are_one_cell_whose_state_begins_with_what_a_readout_sees(module_class):
    torch.manual_seed(3)
    module = module_class(3, 4, num_layers=3, dropout=0.5, batch_first=True).double().eval()
    cell, inputs = from_torch(module), torch.randn(2, 6, 3).double()
    output, final = module(inputs)
    states = cell.states(inputs)
    torch.testing.assert_close(cell.hidden(states), output)
    torch.testing.assert_close(states, run_by_steps(cell, inputs, inputs.new_zeros(2, cell.state_size)))
    assert isinstance(cell, Stacked)
    layers = cell.split(states[:, -1])
    if module_class is nn.LSTM:
        torch.testing.assert_close(torch.stack(layers), torch.cat(final, dim=-1))
    else:
        torch.testing.assert_close(torch.stack(layers), final)
    torch.testing.assert_close(cell.states(inputs[:, 3:], states[:, 2]), states[:, 3:])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("module_class", MODULES)
def test_a_cell_from_a_torch_module_gives_its_states(module_class, batch_first, bias):
    torch.manual_seed(1)
    module = module_class(3, 5, bias=bias, batch_first=batch_first).double()
    inputs = torch.randn(4, 7, 3).double()
    expected = module(inputs if batch_first else inputs.transpose(0, 1))[0]
    expected = expected if batch_first else expected.transpose(0, 1)
    cell = from_torch(module)
    torch.testing.assert_close(cell.hidden_states(inputs), expected)
    torch.testing.assert_close(cell.hidden(run_by_steps(cell, inputs, inputs.new_zeros(4, cell.state_size))), expected)
    assert {id(p) for p in cell.parameters()} == {id(p) for p in module.parameters()}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("module_class", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
def test_a_cell_from_a_torch_cell_gives_its_step(module_class, bias):
    torch.manual_seed(2)
    module = module_class(3, 5, bias=bias).double()
    cell = from_torch(module)
    state, input = torch.randn(4, cell.state_size).double(), torch.randn(4, 3).double()
    given_state = state.chunk(2, dim=1) if module_class is nn.LSTMCell else state
    result = module(input, given_state)
    expected = torch.cat(result, dim=1) if module_class is nn.LSTMCell else result
    torch.testing.assert_close(cell.step(state, input), expected)


def test_a_relu_network_keeps_its_nonlinearity():
    module = nn.RNN(3, 5, nonlinearity="relu", batch_first=True).double()
    cell, inputs = from_torch(module), torch.randn(4, 7, 3).double()
    torch.testing.assert_close(cell.states(inputs), module(inputs)[0])
    state = cell.states(inputs)[:, -1]
    assert_jacobians_are_automatic(cell, state, inputs[:, 0])


@pytest.mark.parametrize(
    ("module", "error", "words"),
    [
        (nn.GRU(2, 3, bidirectional=True), ValueError, "bidirectional"),
        (nn.LSTM(2, 3, proj_size=2), ValueError, "proj_size"),
        (nn.Linear(2, 3), TypeError, "Linear"),
    ],
)
def test_an_unsupported_module_is_refused_with_what_to_do(module, error, words):
    with pytest.raises(error, match=words):
        from_torch(module)
