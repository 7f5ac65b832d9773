"""The analyses that compare the network with simpler ones, and the words by which it is probed."""

import numpy as np
import pytest
import torch

from slowpoints.cells import GRU, VanillaRNN
from slowpoints.questions.dissection import Dissection
from slowpoints.questions.linear_rnn import LinearRNNQuestion
from slowpoints.questions.options import Sampling
from slowpoints.questions.shuffled_words import ShuffledWordsQuestion, document_logits, select_documents, shuffle_words
from slowpoints.questions.valence_words import ValenceWordsQuestion
from slowpoints.text.corpus import Corpus, EncodedData
from slowpoints.text.load import encode_source
from slowpoints.text.options import SyntheticData
from slowpoints.text.synthetic import generate
from slowpoints.text.task import documents
from slowpoints.training.model import RecurrentClassifier

SAMPLING = Sampling(documents=30, points=40, slow=0.1, fixed=0.01, neutral="mean", linearize_at="slow_points")


def dissect(network, data):
    return Dissection(network, network, documents(data), SAMPLING, seed=0, test_accuracy=0.9)


@pytest.fixture(scope="module")
def data():
    options = SyntheticData(name="synthetic", documents=2000, neutral_words=60, sentiment_words=60)
    return encode_source(generate(options, seed=0), options, seed=0)


@pytest.fixture(scope="module")
def dissection(data):
    torch.manual_seed(0)
    return dissect(RecurrentClassifier(GRU(4, 5), len(data.words)), data)


def test_on_summed_valence_a_linear_network_does_well(dissection):
    findings = LinearRNNQuestion(rate=0.01)(dissection)
    metrics = findings.metrics
    assert metrics["test_accuracy"] > 0.85
    assert metrics["accuracy_loss"] == pytest.approx(0.9 - metrics["test_accuracy"])
    assert metrics["slow_share"] > 0.5
    assert findings.arrays["word_weights"].shape == (len(dissection.data.words), 32)
    assert findings.arrays["mode_shares"].shape == findings.arrays["time_constants"].shape == (24,)
    assert f"{metrics['test_accuracy']:.3f}" in findings.sentence


def test_options_of_the_linear_network_are_checked():
    with pytest.raises(ValueError, match="epochs must be at least 1, not 0"):
        LinearRNNQuestion(epochs=0)
    with pytest.raises(TypeError, match="epoch"):
        LinearRNNQuestion(epoch=3)


def test_shuffling_keeps_every_documents_words(data):
    test = data.test
    shuffled = shuffle_words(test, np.random.default_rng(0))
    moved = 0
    for index in range(len(test)):
        before, after = test.document(index), shuffled.document(index)
        assert sorted(before) == sorted(after)
        moved += (before != after).any()
    assert moved > 0.95 * len(test)


def test_every_order_is_as_likely():
    pairs = Corpus(np.tile([2, 3], 4000).astype(np.int32), np.arange(4001) * 2, np.zeros(4000, dtype=np.int64))
    swapped = shuffle_words(pairs, np.random.default_rng(0)).tokens[::2] == 3
    assert swapped.mean() == pytest.approx(0.5, abs=0.03)


def test_documents_are_selected_in_the_order_asked_for(data):
    chosen = select_documents(data.test, np.array([5, 2]))
    np.testing.assert_array_equal(chosen.document(0), data.test.document(5))
    np.testing.assert_array_equal(chosen.document(1), data.test.document(2))
    assert chosen.labels.tolist() == data.test.labels[[5, 2]].tolist()


def last_word_reader():
    """A network whose logit is positive where the last word's id is even, whatever stood before."""
    cell = VanillaRNN(1, 1)
    network = RecurrentClassifier(cell, 20)
    with torch.no_grad():
        cell.rnn.weight_hh_l0.zero_()
        cell.rnn.weight_ih_l0.fill_(1)
        network.embedding.weight.copy_(torch.where(torch.arange(20) % 2 == 0, 1.0, -1.0)[:, None])
        network.readout.weight.fill_(1)
    return network


def test_a_network_that_needs_the_order_loses_what_it_should():
    generator = np.random.default_rng(0)
    documents = 4000
    tokens = generator.integers(2, 20, documents * 10).astype(np.int32)
    labels = (tokens[9::10] % 2 == 0).astype(np.int64)
    corpus = Corpus(tokens, np.arange(documents + 1) * 10, labels)
    data = EncodedData("made", corpus, corpus, corpus, tuple("abcdefghijklmnopqrst"), "{}")
    findings = ShuffledWordsQuestion(2000)(dissect(last_word_reader(), data))
    # the last word is another one in 9 of 10 documents, of the other kind in half of them
    assert findings.metrics["test_accuracy"] == pytest.approx(0.55, abs=0.04)
    assert findings.metrics["accuracy_loss"] == pytest.approx(0.45, abs=0.04)
    assert findings.metrics["changed_share"] == pytest.approx(findings.metrics["accuracy_loss"])
    share = findings.metrics["accuracy_loss"]
    expected_error = (share * (1 - share) / 2000) ** 0.5
    assert findings.metrics["accuracy_loss_error"] == pytest.approx(expected_error, rel=0.01)
    assert findings.metrics["documents"] == len(findings.arrays["logit"]) == 2000


def test_all_documents_can_be_read_and_the_sample_follows_from_the_seed(dissection):
    everything = ShuffledWordsQuestion(None)(dissection)
    assert everything.metrics["documents"] == len(dissection.data.test)
    expected = document_logits(dissection.network, dissection.data.test)
    np.testing.assert_allclose(everything.arrays["logit"], expected, atol=1e-6)
    assert ShuffledWordsQuestion(50)(dissection).metrics == ShuffledWordsQuestion(50)(dissection).metrics
    with pytest.raises(ValueError, match="documents"):
        ShuffledWordsQuestion(1)


def test_on_synthetic_data_the_weights_order_words_as_the_truth_does(dissection):
    findings = ValenceWordsQuestion()(dissection)
    assert findings.metrics["true_correlation"] > 0.8
    assert findings.metrics["human_correlation"] > 0.9
    assert 50 < findings.metrics["human_rated"] <= 60
    arrays = findings.arrays
    assert arrays["words"].dtype.kind == "U"
    valence = dict(zip(dissection.data.words, dissection.data.valence, strict=True))
    strongest = arrays["words"][arrays["classes"] == 1][:5]
    assert all(valence[word] > 0 for word in strongest)
    assert strongest[0] in findings.sentence
    assert len(arrays["words"]) == 3 * findings.metrics["count"] == len(arrays["documents"])
    (axes,) = ValenceWordsQuestion.figures["valence_words"].figure(arrays).axes
    assert strongest[0] in [text.get_text() for text in axes.texts]
