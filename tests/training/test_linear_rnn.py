import dataclasses
from copy import deepcopy

import numpy as np
import pytest
import torch

from slowpoints.text.corpus import Corpus
from slowpoints.training.linear_rnn import (
    LinearRNN,
    LinearRNNOptions,
    document_logits,
    mode_shares,
    train_linear_rnn,
)

SMALL = LinearRNNOptions(embedding_size=5, real_modes=3, pairs=2, longest=50)


def corpus(documents, labels):
    offsets = np.concatenate([[0], np.cumsum([len(document) for document in documents])]).astype(np.int64)
    return Corpus(np.concatenate(documents).astype(np.int32), offsets, np.array(labels))


def some_documents(count, seed=0, words=20):
    generator = np.random.default_rng(seed)
    return corpus([generator.integers(1, words, length) for length in generator.integers(1, 30, count)], [0, 1] * count)


def random_network(options=SMALL):
    torch.manual_seed(0)
    network = LinearRNN(20, options).eval()
    with torch.no_grad():
        network.embedding.weight[1:].normal_()
        network.bias.fill_(0.7)
    return network


@pytest.mark.parametrize("modes", [(3, 2), (0, 4), (4, 0)])
def test_the_closed_form_is_the_loop_over_time(modes):
    network = random_network(dataclasses.replace(SMALL, real_modes=modes[0], pairs=modes[1]))
    documents = some_documents(40)
    cell = deepcopy(network.cell).double()
    embedding = network.embedding.weight.detach().double()
    added = torch.tensor([1.0] * sum(modes) + [0.0] * modes[1], dtype=torch.float64)
    expected = []
    for index in range(40):
        state = torch.zeros(1, cell.state_size, dtype=torch.float64)
        for token in documents.document(index).tolist():
            state = cell.step(state, embedding[[token]])
        expected.append(float((state[0] @ added + network.bias).detach()))
    assert np.std(expected) > 0.1
    np.testing.assert_allclose(document_logits(network, Corpus(*_first(documents, 40))), expected, rtol=1e-4, atol=1e-5)


def _first(documents, count):
    return documents.tokens[: documents.offsets[count]], documents.offsets[: count + 1], documents.labels[:count]


def test_the_eigenvalues_are_those_of_the_matrix_and_stable():
    network = random_network()
    found = np.linalg.eigvals(deepcopy(network.cell).double().recurrent.detach().numpy())
    stated = network.eigenvalues()
    stated = np.concatenate([stated, stated[3:].conj()])
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(stated), atol=1e-9)
    with torch.no_grad():
        network.cell.log_time_constant.normal_(std=3)
    assert (np.abs(network.eigenvalues()) < 1).all()


def test_the_modes_shares_of_the_logits_variance_add_up():
    network, documents = random_network(), Corpus(*_first(some_documents(40), 40))
    assert mode_shares(network, documents).sum() == pytest.approx(1, abs=1e-6)
    with torch.no_grad():
        network.cell.input[[0, 1, 2, 4, 6]] = 0  # all that is left is the first pair
    np.testing.assert_allclose(mode_shares(network, documents), [0, 0, 0, 1, 0], atol=1e-6)


def splits_by(label_of, count=1200):
    generator = np.random.default_rng(0)
    documents = [generator.integers(2, 12, length) for length in generator.integers(5, 25, count)]
    labels = [label_of(document) for document in documents]
    return [corpus(documents[start::3], labels[start::3]) for start in range(3)]


def test_it_learns_what_depends_on_order():
    # whether the last word is an even one: the bag of words hardly knows
    splits = splits_by(lambda document: int(document[-1] % 2 == 0))
    options = LinearRNNOptions(rate=0.02, epochs=10, embedding_dropout=0.1, word_dropout=0)
    result = train_linear_rnn(*splits, 12, options)
    assert result.test_accuracy > 0.95
    assert result.validation_accuracy == max(result.validation_curve)
    assert result.epochs == len(result.validation_curve)


def test_the_same_seed_gives_the_same_network_and_leaves_the_global_state_alone():
    splits = splits_by(lambda document: int(document.sum() % 2), count=90)
    options = dataclasses.replace(SMALL, epochs=2)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = (train_linear_rnn(*splits, 12, options, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    logits = [document_logits(result.network, splits[2]) for result in (first, second, other)]
    np.testing.assert_array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])


def test_training_stops_when_validation_gets_no_better_and_the_best_weights_are_kept():
    splits = splits_by(lambda document: int(document[0] % 2), count=90)
    options = dataclasses.replace(SMALL, epochs=60, patience=2, rate=0.05)
    result = train_linear_rnn(*splits, 12, options)
    assert result.epochs == int(np.argmax(result.validation_curve)) + 3 < 60
    found = (document_logits(result.network, splits[1]) > 0) == splits[1].labels
    assert found.mean() == pytest.approx(result.validation_accuracy)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"rate": 0.0},
        {"embedding_dropout": 1.0},
        {"final_rate_share": 1.5},
        {"longest": 1.0},
        {"weight_decay": -0.1},
        {"real_modes": 0, "pairs": 0},
    ],
)
def test_options_out_of_range_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LinearRNNOptions(**wrong)
