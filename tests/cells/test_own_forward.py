"""Recurrent modules of torch that compute something else than torch's own equations, or from other weights."""

import copy

import pytest
import torch
from recurrence import run_by_steps
from torch import nn
from torch.nn.utils import parametrizations, prune

from slowpoints.cells import GRU, LSTM, UGRNN, Cell, Stacked, VanillaRNN, from_torch
from slowpoints.cells.forward import ForwardCell


class Leaky(nn.RNNCell):
    def forward(self, x, h):
        return 0.9 * h + 0.1 * super().forward(x, h)


class StateFirst(nn.GRUCell):
    def forward(self, hidden, input):
        return super().forward(input, hidden)


class OwnGRU(nn.GRU):
    def forward(self, input, hx=None):
        return super().forward(input, hx)


class OwnLSTM(nn.LSTM):
    def forward(self, input, hx=None):
        return super().forward(input, hx)


class OwnLSTMCell(nn.LSTMCell):
    def forward(self, input, hx=None):
        return super().forward(input, hx)


class Halved(nn.GRU):
    def forward(self, input, hx=None):
        output, last = super().forward(input, hx)
        return output, 0.5 * last


def made(kind, *sizes, **options):
    torch.manual_seed(0)
    return kind(*sizes, **options).double()


def test_the_forward_of_a_derived_class_is_the_step():
    module = made(Leaky, 2, 3)
    cell = from_torch(module)
    state, input = torch.randn(4, 3).double(), torch.randn(4, 2).double()
    assert torch.equal(cell.step(state, input), module(input, state))
    torch.testing.assert_close(cell.states(input.unsqueeze(1), state)[:, 0], module(input, state))


def test_a_forward_set_on_one_module_is_the_step():
    module = made(nn.GRUCell, 2, 3)
    module.forward = lambda input, hidden: 0.5 * hidden
    assert torch.equal(from_torch(module).step(torch.ones(1, 3), torch.ones(1, 2)), torch.full((1, 3), 0.5))


def test_hooks_are_part_of_the_step():
    module = made(nn.GRUCell, 2, 3)
    state, input = torch.randn(4, 3).double(), torch.randn(4, 2).double()
    plain = module(input, state)
    module.register_forward_hook(lambda module, given, result: 0.5 * result)
    assert torch.equal(from_torch(module).step(state, input), 0.5 * plain)
    module.register_forward_pre_hook(lambda module, given: (given[0], 0 * given[1]))
    assert torch.equal(from_torch(module).step(state, input), module(input, state))


@pytest.mark.parametrize(
    ("own", "torchs", "options"),
    [
        (StateFirst, nn.GRUCell, {}),
        (OwnLSTMCell, nn.LSTMCell, {}),
        (OwnGRU, nn.GRU, {"num_layers": 2}),
        (OwnGRU, nn.GRU, {"batch_first": True}),
        (OwnLSTM, nn.LSTM, {"num_layers": 2, "batch_first": True}),
    ],
)
def test_the_state_is_laid_out_as_that_of_torchs_own_equations(own, torchs, options):
    cell, expected = from_torch(made(own, 2, 3, **options)), from_torch(made(torchs, 2, 3, **options))
    assert isinstance(cell, ForwardCell)
    assert isinstance(expected, GRU | LSTM | Stacked)
    inputs, state = torch.randn(4, 5, 2).double(), torch.randn(4, expected.state_size).double()
    assert cell.state_size == expected.state_size
    torch.testing.assert_close(cell.states(inputs, state), run_by_steps(expected, inputs, state))
    torch.testing.assert_close(
        cell.recurrent_jacobian(state, inputs[:, 0]), expected.recurrent_jacobian(state, inputs[:, 0])
    )
    torch.testing.assert_close(cell.input_jacobian(state, inputs[:, 0]), expected.input_jacobian(state, inputs[:, 0]))


def test_a_forward_that_treats_sequences_as_a_whole_is_refused():
    with pytest.raises(ValueError, match="two steps at once"):
        from_torch(Halved(2, 3))


RECURRENT = {nn.GRU: "weight_hh_l0", nn.LSTM: "weight_hh_l0", nn.RNNCell: "weight_hh"}
CHANGES = [
    parametrizations.weight_norm,
    parametrizations.spectral_norm,
    parametrizations.orthogonal,
    nn.utils.weight_norm,
    nn.utils.spectral_norm,
    lambda module, name: prune.l1_unstructured(module, name, amount=0.5),
]


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", RECURRENT)
def test_weights_that_are_computed_are_taken_with_their_present_values(kind, change):
    torch.manual_seed(0)
    module = change(kind(2, 3), RECURRENT[kind])
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.5)  # as an optimiser does, after which old values are stale
    before = copy.deepcopy(module.state_dict())
    cell = from_torch(module)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    state, input = torch.randn(4, cell.state_size), torch.randn(4, 2)
    module.eval()
    if kind is nn.LSTM:
        parts = tuple(part.unsqueeze(0).contiguous() for part in state.chunk(2, dim=1))
        expected = torch.cat(module(input.unsqueeze(0), parts)[1], dim=-1)[0]
    elif kind is nn.GRU:
        expected = module(input.unsqueeze(0), state.unsqueeze(0))[1][0]
    else:
        expected = module(input, state)
    torch.testing.assert_close(cell.step(state, input), expected)
    shared = {id(parameter) for parameter in module.parameters()} & {id(parameter) for parameter in cell.parameters()}
    assert len(shared) == 3


def test_a_compiled_module_is_taken_as_what_was_compiled():
    module = nn.GRU(2, 3)
    assert from_torch(torch.compile(module)).rnn.weight_hh_l0 is module.weight_hh_l0


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.rnn, self.readout = nn.Embedding(9, 3), nn.GRU(3, 4), nn.Linear(4, 1)


@pytest.mark.parametrize(
    ("words", "make"),
    [
        (r"model\.rnn \(GRU\)", Classifier),
        (r"model\.module \(LSTM\)", lambda: nn.DataParallel(nn.LSTM(2, 3))),
        (r"torch\.jit\.script", lambda: torch.jit.script(nn.GRU(2, 3))),
    ],
)
def test_what_is_no_recurrent_module_is_refused_with_what_to_give(words, make):
    with pytest.raises(TypeError, match=words):
        from_torch(make())


@pytest.mark.parametrize("make", [GRU, LSTM, UGRNN, VanillaRNN, lambda *sizes: from_torch(nn.GRU(*sizes, 2))])
def test_packed_sequences_are_refused_with_what_to_give(make):
    packed = nn.utils.rnn.pack_padded_sequence(torch.randn(2, 3, 4), [3, 1], batch_first=True)
    cell = make(4, 5)
    for run in (cell.states, cell.hidden_states):
        with pytest.raises(TypeError, match="pad_packed_sequence"):
            run(packed)


def test_automatic_jacobians_can_be_differentiated_further():
    cell = made(GRU, 2, 3)
    state, input = torch.randn(4, 3).double(), torch.randn(4, 2).double()
    gradients = [
        torch.autograd.grad(jacobian.square().sum(), list(cell.parameters()))
        for jacobian in (Cell.recurrent_jacobian(cell, state, input), cell.recurrent_jacobian(state, input))
    ]
    for automatic, closed in zip(*gradients, strict=True):
        torch.testing.assert_close(automatic, closed)
