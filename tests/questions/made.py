"""A small corpus, and networks whose dynamics are known."""

import numpy as np
import torch

from slowpoints.cells import VanillaRNN
from slowpoints.questions.dissection import Dissection
from slowpoints.questions.options import Sampling
from slowpoints.text.corpus import Corpus, EncodedData
from slowpoints.text.task import documents
from slowpoints.training.model import RecurrentClassifier

WORDS = 32
SAMPLING = Sampling(documents=30, points=40, slow=0.1, fixed=0.01, neutral="zero", linearize_at="slow_points")
DECAY = 0.5  # of everything but what the line attractor keeps


def some_data(documents=60, length=12, seed=0):
    """Documents whose label is the sign of their words' summed valence: word w has valence sin(w)."""
    tokens = np.random.default_rng(seed).integers(2, WORDS, (documents, length)).astype(np.int32)
    labels = (np.sin(tokens).sum(axis=1) > 0).astype(np.int64)
    corpus = Corpus(tokens.ravel(), np.arange(0, documents * length + 1, length), labels)
    words = ("[PAD]", "[UNK]", *(f"word{number}" for number in range(2, WORDS)))
    return EncodedData("made", corpus, corpus, corpus, words, "{}", np.sin(np.arange(WORDS)).astype(np.float32))


def linear_cell(recurrent, inputs):
    """A cell that is linear as long as its units stay small: `h' = tanh(W h + U x)`."""
    size = len(recurrent)
    cell = VanillaRNN(inputs.shape[1], size, nonlinearity="tanh")
    with torch.no_grad():
        cell.rnn.weight_hh_l0.copy_(recurrent)
        cell.rnn.weight_ih_l0.copy_(inputs)
        for bias in (cell.rnn.bias_hh_l0, cell.rnn.bias_ih_l0):
            bias.zero_()
    return cell


def integrator(size=6, gain=0.01):
    """A network that adds up the valence of its words along one axis, and forgets all else by half a token.

    Its units hardly leave the linear range of tanh, so that every state along the axis is a slow point.
    """
    axis = torch.ones(size) / size**0.5
    recurrent = DECAY * torch.eye(size) + (1 - DECAY) * torch.outer(axis, axis)
    cell = linear_cell(recurrent, gain * torch.outer(axis, torch.tensor([1.0, 0.0])))
    network = RecurrentClassifier(cell, WORDS)
    with torch.no_grad():
        network.embedding.weight[:, 0] = torch.sin(torch.arange(float(WORDS)))
        network.embedding.weight[:, 1] = 0
        network.embedding.weight[0] = 0
        network.readout.weight.copy_(axis)
    return network


def dissect(network, data=None, sampling=SAMPLING, untrained=None):
    torch.manual_seed(0)
    data = some_data() if data is None else data
    untrained = RecurrentClassifier(VanillaRNN(2, 6), WORDS) if untrained is None else untrained
    return Dissection(network, untrained, documents(data), sampling, seed=0, test_accuracy=0.75)
