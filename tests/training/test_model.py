import pytest
import torch

from slowpoints.cells import GRU, LSTM, Cell
from slowpoints.text.corpus import PADDING, UNKNOWN
from slowpoints.training.model import RecurrentClassifier


@pytest.fixture
def network():
    torch.manual_seed(0)
    return RecurrentClassifier(GRU(4, 5), 20).eval()


def test_padding_does_not_change_a_documents_logit(network):
    document = torch.tensor([[5, 6, 7]])
    padded = torch.tensor([[5, 6, 7, PADDING, PADDING], [3, 4, 5, 6, 7]])
    alone = network(document, torch.tensor([3]))
    together = network(padded, torch.tensor([3, 5]))
    torch.testing.assert_close(together[0], alone[0])


def test_the_logit_is_the_readout_of_the_last_state(network):
    tokens = torch.tensor([[2, 3, 4]])
    states = network.cell.states(network.embedding(tokens))
    expected = states[0, -1] @ network.readout.weight[0] + network.readout.bias[0]
    torch.testing.assert_close(network(tokens, torch.tensor([3]))[0], expected)


def test_documents_start_in_the_trained_state_and_are_read_out_from_all_that_the_readout_sees():
    torch.manual_seed(0)
    cell = LSTM(4, 5, readout_cell_state=True)
    cell.train_initial_state()
    torch.nn.init.uniform_(cell.initial_state)
    network = RecurrentClassifier(cell, 20).eval()
    assert network.readout.weight.shape == (1, 10)
    state = cell.initial_state[None]
    for token in (2, 3):
        state = cell.step(state, network.embedding(torch.tensor([token])))
    expected = state[0] @ network.readout.weight[0] + network.readout.bias[0]
    torch.testing.assert_close(network(torch.tensor([[2, 3, PADDING]]), torch.tensor([2]))[0], expected)


class OwnCell(Cell):
    """Sums up its inputs from what it is given; it knows nothing of states that are trained."""

    def step(self, state, input):
        return state + input

    def states(self, inputs, initial=None):
        return inputs.cumsum(dim=1) + (0 if initial is None else initial[:, None])


def test_cells_of_ones_own_start_in_the_trained_state():
    cell = OwnCell(4, 4)
    cell.train_initial_state()
    torch.nn.init.constant_(cell.initial_state, 2.0)
    network = RecurrentClassifier(cell, 20).eval()
    expected = network.readout(2 + network.embedding(torch.tensor([5])))[0]
    torch.testing.assert_close(network(torch.tensor([[5]]), torch.tensor([1])), expected)


def test_word_dropout_replaces_words_but_no_padding_and_only_in_training():
    torch.manual_seed(0)
    network = RecurrentClassifier(GRU(4, 5), 20, word_dropout=0.5)
    tokens = torch.full((50, 40), 7)
    tokens[:, 20:] = PADDING
    dropped = network._drop_words(tokens)
    assert (dropped[:, 20:] == PADDING).all()
    assert set(dropped[:, :20].unique().tolist()) == {7, UNKNOWN}
    assert 0.4 < (dropped[:, :20] == UNKNOWN).float().mean() < 0.6
    assert (network.eval()._drop_words(tokens) == tokens).all()


def test_embeddings_start_with_the_given_spread():
    torch.manual_seed(0)
    network = RecurrentClassifier(GRU(50, 5), 1000, embedding_std=0.1)
    assert network.embedding.weight[1:].std().item() == pytest.approx(0.1, rel=0.05)
    assert (network.embedding.weight[PADDING] == 0).all()
