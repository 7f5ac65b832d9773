import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from slowpoints.cells import GRU, LSTM, UGRNN, Cell, VanillaRNN, from_torch

CELLS = [GRU, LSTM, UGRNN, VanillaRNN]


def random_problem(cell_class, seed=0, inputs=3, hidden=5, batch=4, time=7):
    torch.manual_seed(seed)
    cell = cell_class(inputs, hidden).double()
    for parameter in cell.parameters():  # away from the special values of an initialisation
        nn.init.normal_(parameter, std=0.6)
    return cell, torch.randn(batch, time, inputs).double(), torch.randn(batch, cell.state_size).double()


def run_by_steps(cell, inputs, state):
    states = []
    for input in inputs.unbind(1):
        state = cell.step(state, input)
        states.append(state)
    return torch.stack(states, dim=1)


@pytest.mark.parametrize("cell_class", CELLS)
def test_fused_states_are_those_of_single_steps(cell_class):
    cell, inputs, initial = random_problem(cell_class)
    torch.testing.assert_close(cell.states(inputs, initial), run_by_steps(cell, inputs, initial))
    zero = torch.zeros_like(initial)
    torch.testing.assert_close(cell.states(inputs), run_by_steps(cell, inputs, zero))
    torch.testing.assert_close(cell.hidden_states(inputs, initial), cell.hidden(cell.states(inputs, initial)))


@pytest.mark.parametrize("cell_class", CELLS)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**31), inputs=st.integers(1, 4), hidden=st.integers(1, 6))
def test_closed_form_jacobians_are_the_automatic_ones(cell_class, seed, inputs, hidden):
    cell, sequences, state = random_problem(cell_class, seed, inputs, hidden)
    input = sequences[:, 0]
    torch.testing.assert_close(cell.recurrent_jacobian(state, input), Cell.recurrent_jacobian(cell, state, input))
    torch.testing.assert_close(cell.input_jacobian(state, input), Cell.input_jacobian(cell, state, input))


@pytest.mark.parametrize("cell_class", CELLS)
def test_gradients_reach_every_parameter_through_the_fused_kernel(cell_class):
    cell, inputs, initial = random_problem(cell_class)
    fused = torch.autograd.grad(cell.hidden_states(inputs, initial).sum(), list(cell.parameters()))
    stepped = cell.hidden(run_by_steps(cell, inputs, initial)).sum()
    plain = torch.autograd.grad(stepped, list(cell.parameters()))
    for one, other in zip(fused, plain, strict=True):
        torch.testing.assert_close(one, other)
        assert one.abs().max() > 0


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("module_class", [nn.RNN, nn.GRU, nn.LSTM])
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
    torch.testing.assert_close(cell.recurrent_jacobian(state, input), Cell.recurrent_jacobian(cell, state, input))


def test_a_relu_network_keeps_its_nonlinearity():
    module = nn.RNN(3, 5, nonlinearity="relu", batch_first=True).double()
    cell, inputs = from_torch(module), torch.randn(4, 7, 3).double()
    torch.testing.assert_close(cell.states(inputs), module(inputs)[0])
    state = cell.states(inputs)[:, -1]
    torch.testing.assert_close(
        cell.recurrent_jacobian(state, inputs[:, 0]), Cell.recurrent_jacobian(cell, state, inputs[:, 0])
    )


@pytest.mark.parametrize(
    ("module", "error", "words"),
    [
        (nn.GRU(2, 3, num_layers=2), ValueError, "num_layers=2"),
        (nn.GRU(2, 3, bidirectional=True), ValueError, "bidirectional"),
        (nn.LSTM(2, 3, proj_size=2), ValueError, "proj_size"),
        (nn.Linear(2, 3), TypeError, "Linear"),
    ],
)
def test_an_unsupported_module_is_refused_with_what_to_do(module, error, words):
    with pytest.raises(error, match=words):
        from_torch(module)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (GRU(4, 6, update_bias=2.0), ("rnn.bias_ih_l0", 2.0, slice(6, 12))),
        (LSTM(4, 6, forget_bias=2.0), ("rnn.bias_ih_l0", 2.0, slice(6, 12))),
        (UGRNN(4, 6, update_bias=2.0), ("bias", 2.0, slice(0, 6))),
    ],
)
def test_the_keeping_gate_starts_open(cell, expected):
    name, value, where = expected
    bias = dict(cell.named_parameters())[name]
    assert (bias[where] == value).all()
    assert bias.sum() == value * 6


def test_recurrent_weights_start_orthogonal_or_as_the_identity():
    eye = torch.eye(6)
    for block in GRU(4, 6).rnn.weight_hh_l0.split(6):
        torch.testing.assert_close(block @ block.T, eye)
    identity = VanillaRNN(4, 6, recurrent_init="identity", recurrent_gain=0.95)
    torch.testing.assert_close(identity.rnn.weight_hh_l0.data, 0.95 * eye)
