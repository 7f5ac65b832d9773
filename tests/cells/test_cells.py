import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from recurrence import run_by_steps
from torch import nn

from slowpoints.cells import GRU, LSTM, UGRNN, Cell, Linear, Stacked, VanillaRNN

CELLS = [GRU, LSTM, UGRNN, VanillaRNN, Linear]


def random_problem(cell_class, seed=0, inputs=3, hidden=5, batch=4, time=7):
    torch.manual_seed(seed)
    cell = cell_class(inputs, hidden).double()
    for parameter in cell.parameters():  # away from the special values of an initialisation
        nn.init.normal_(parameter, std=0.6)
    return cell, torch.randn(batch, time, inputs).double(), torch.randn(batch, cell.state_size).double()


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


def two_layers(inputs, hidden):
    return Stacked([LSTM(inputs, hidden), GRU(hidden, 4), VanillaRNN(4, hidden)])


def whole_lstm(inputs, hidden):
    return LSTM(inputs, hidden, readout_cell_state=True)


@pytest.mark.parametrize("cell_class", [*CELLS, two_layers])
@pytest.mark.parametrize("general", [False, True], ids=["closed form", "automatic"])
def test_products_are_those_with_the_jacobian(cell_class, general):
    cell, sequences, state = random_problem(cell_class)
    input = sequences[:, 0]
    kept = torch.tensor([True, False, True, True])
    for name, jacobian, size in (
        ("state_derivative", cell.recurrent_jacobian(state, input), cell.state_size),
        ("input_derivative", cell.input_jacobian(state, input), cell.input_size),
    ):
        derivative = getattr(Cell, name)(cell, state, input) if general else getattr(cell, name)(state, input)
        v, u = torch.randn(4, size).double(), torch.randn(4, cell.state_size).double()
        torch.testing.assert_close(derivative.jvp(v), torch.einsum("bij,bj->bi", jacobian, v))
        torch.testing.assert_close(derivative.vjp(u), torch.einsum("bij,bi->bj", jacobian, u))
        torch.testing.assert_close(derivative.keep(kept).jvp(v[kept]), derivative.jvp(v)[kept])


@pytest.mark.parametrize("cell_class", [*CELLS, two_layers, lambda *sizes: VanillaRNN(*sizes, nonlinearity="relu")])
def test_states_stay_within_the_bounds(cell_class):
    cell, inputs, _ = random_problem(cell_class)
    lower, upper = cell.bounds
    visited = cell.states(100 * inputs)
    assert lower.shape == upper.shape == (cell.state_size,)
    assert ((visited >= lower) & (visited <= upper)).all()


def test_bounds_are_those_of_each_unit():
    assert [limit.tolist() for limit in GRU(3, 2).bounds] == [[-1, -1], [1, 1]]
    assert [limit.tolist() for limit in LSTM(3, 1).bounds] == [[-1, -torch.inf], [1, torch.inf]]
    assert [limit.tolist() for limit in VanillaRNN(3, 1, nonlinearity="relu").bounds] == [[0], [torch.inf]]
    stacked = Stacked([LSTM(3, 1), UGRNN(1, 1)]).bounds  # the last layer first
    assert [limit.tolist() for limit in stacked] == [[-1, -1, -torch.inf], [1, 1, torch.inf]]


@pytest.mark.parametrize("cell_class", [*CELLS, whole_lstm])
def test_gradients_reach_every_parameter_through_the_fused_kernel(cell_class):
    cell, inputs, initial = random_problem(cell_class)
    fused = torch.autograd.grad(cell.hidden_states(inputs, initial).sum(), list(cell.parameters()))
    stepped = cell.hidden(run_by_steps(cell, inputs, initial)).sum()
    plain = torch.autograd.grad(stepped, list(cell.parameters()))
    for one, other in zip(fused, plain, strict=True):
        torch.testing.assert_close(one, other)
        assert one.abs().max() > 0


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


def test_an_unknown_initialisation_is_refused():
    with pytest.raises(ValueError, match="orthogonal or identity, not identiy"):
        VanillaRNN(2, 3, recurrent_init="identiy")


@pytest.mark.parametrize("cell_class", [*CELLS, two_layers])
def test_sequences_start_in_the_state_that_is_trained_for_it(cell_class):
    cell, inputs, _ = random_problem(cell_class)
    untrained = cell.states(inputs)
    assert torch.equal(cell.initial_states(inputs), torch.zeros(4, cell.state_size).double())
    cell.train_initial_state()
    cell.double()
    torch.testing.assert_close(cell.states(inputs), untrained)  # it is zero at the start
    with torch.no_grad():
        cell.initial_state.uniform_(-1, 1)
    start = cell.initial_state.repeat(4, 1)
    torch.testing.assert_close(cell.states(inputs), run_by_steps(cell, inputs, start))
    torch.testing.assert_close(cell.hidden_states(inputs), cell.hidden(run_by_steps(cell, inputs, start)))
    (gradient,) = torch.autograd.grad(cell.hidden_states(inputs).sum(), cell.initial_state)
    expected = torch.autograd.grad(cell.hidden(run_by_steps(cell, inputs, start)).sum(), cell.initial_state)[0]
    torch.testing.assert_close(gradient, expected)
    assert gradient.abs().max() > 0


def test_the_layers_of_a_stack_start_where_each_of_them_does():
    cell = two_layers(3, 5)
    cell.layers[1].train_initial_state()
    with torch.no_grad():
        cell.layers[1].initial_state.fill_(0.5)
    assert [part[0].tolist() for part in cell.split(cell.initial_states(torch.zeros(1, 3)))] == [
        [0] * 10,
        [0.5] * 4,
        [0] * 5,
    ]


def test_a_trained_initial_state_stays_within_the_bounds():
    cell = LSTM(3, 1)
    cell.train_initial_state()
    with torch.no_grad():
        cell.initial_state.copy_(torch.tensor([-3.0, 7.0]))
    assert cell.initial_states(torch.zeros(2, 3)).tolist() == [[-1, 7], [-1, 7]]


def test_a_readout_of_hidden_and_cell_state_sees_both():
    cell, inputs, initial = random_problem(whole_lstm)
    states = run_by_steps(cell, inputs, initial)
    assert cell.readout_size == cell.state_size == 10
    torch.testing.assert_close(cell.hidden_states(inputs, initial), states)
    assert torch.equal(cell.hidden(states), states)
    assert torch.equal(LSTM(3, 5).hidden(states), states[..., :5])


def test_layers_above_one_that_is_read_out_whole_see_all_of_it():
    cell, inputs, initial = random_problem(lambda inputs, hidden: Stacked([whole_lstm(inputs, 4), whole_lstm(8, 3)]))
    assert cell.readout_size == 6
    torch.testing.assert_close(cell.states(inputs, initial), run_by_steps(cell, inputs, initial))
    state, input = initial, inputs[:, 0]
    torch.testing.assert_close(cell.recurrent_jacobian(state, input), Cell.recurrent_jacobian(cell, state, input))
    torch.testing.assert_close(cell.input_jacobian(state, input), Cell.input_jacobian(cell, state, input))
    v = torch.randn(4, cell.state_size).double()
    jacobian = cell.recurrent_jacobian(state, input)
    torch.testing.assert_close(cell.state_derivative(state, input).vjp(v), torch.einsum("bij,bi->bj", jacobian, v))
