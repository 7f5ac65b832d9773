import pytest
import torch

from slowpoints.cells import GRU
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
