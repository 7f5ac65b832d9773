import numpy as np
import pytest
import torch

from slowpoints.analysis.analysis import AnalysisCallback, Findings
from slowpoints.analysis.dissection import Dissection
from slowpoints.analysis.fixed_points import FixedPointAnalysis
from slowpoints.analysis.options import Sampling
from slowpoints.cells import LSTM, VanillaRNN
from slowpoints.text.corpus import Corpus, EncodedData
from slowpoints.training.model import RecurrentClassifier

SAMPLING = Sampling(documents=30, points=40, tolerance=1e-8, slow_tolerance=1e-6)


def some_data(documents=40, length=12, words=20):
    tokens = np.random.default_rng(0).integers(2, words, documents * length).astype(np.int32)
    corpus = Corpus(tokens, np.arange(0, documents * length + 1, length), np.arange(documents) % 2)
    return EncodedData("made", corpus, corpus, corpus, tuple("abcdefghijklmnopqrst"), "{}")


def line_attractor(size=6):
    """A network that keeps what it has along one axis, and forgets all else."""
    cell = VanillaRNN(4, size, nonlinearity="relu")
    axis = torch.ones(size) / size**0.5
    with torch.no_grad():
        cell.rnn.weight_hh_l0.copy_(torch.outer(axis, axis))
        cell.rnn.weight_ih_l0.abs_()
    network = RecurrentClassifier(cell, 20)
    with torch.no_grad():
        network.embedding.weight.abs_()
        network.embedding.weight.mul_(torch.rand(20, 1) ** 2)
        network.readout.weight.copy_(axis)
    return network


def test_a_line_attractor_is_seen_as_a_line():
    findings = FixedPointAnalysis()(Dissection(line_attractor(), some_data(), SAMPLING, seed=0))
    assert findings.metrics["count"] == findings.metrics["starts"] == 40
    assert findings.metrics["line_share"] == pytest.approx(1)
    assert findings.metrics["coverage"] > 0.5
    assert "along a line" in findings.sentence
    assert findings.figures["fixed_points"](findings.arrays).axes


def test_a_network_that_forgets_has_one_fixed_point_and_says_so():
    torch.manual_seed(0)
    network = RecurrentClassifier(VanillaRNN(4, 6, recurrent_gain=0.3), 20)
    findings = FixedPointAnalysis()(Dissection(network, some_data(), SAMPLING, seed=0))
    assert findings.metrics["count"] == 40
    assert findings.metrics["coverage"] <= 0.1
    assert "along a line:" not in findings.sentence.replace("not along a line", "")


def test_too_few_fixed_points_are_a_finding():
    torch.manual_seed(0)
    angle = torch.tensor(1.0)  # states turn by one radian a step, and there is no fixed point but the centre
    cell = VanillaRNN(4, 2, nonlinearity="tanh")
    with torch.no_grad():
        cell.rnn.weight_hh_l0.copy_(2 * torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]]))
    sampling = Sampling(documents=5, points=5, tolerance=1e-8, slow_tolerance=1e-6)
    findings = FixedPointAnalysis()(Dissection(RecurrentClassifier(cell, 20), some_data(), sampling, seed=0))
    assert "too few to say how they lie" in findings.sentence
    assert "line_share" not in findings.metrics


def test_a_dissection_computes_each_thing_once_and_leaves_the_network_alone():
    torch.manual_seed(0)
    network = RecurrentClassifier(LSTM(4, 6), 20)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    dissection = Dissection(network, some_data(), SAMPLING, seed=0)
    assert dissection.states.shape == (30 * 12, 12)
    assert dissection.states is dissection.states
    assert dissection.fixed_points is dissection.fixed_points
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())


class Recorder:
    def __init__(self):
        self.metrics, self.arrays, self.figures = {}, [], []

    def log_metrics(self, metrics):
        self.metrics.update(metrics)

    def save_arrays(self, name, arrays):
        self.arrays.append(name)

    def save_figure(self, name, figure):
        self.figures.append(name)


class Failing:
    name = "failing"

    def __call__(self, dissection):
        raise RuntimeError("no luck")


class Counting:
    name = "counting"

    def __call__(self, dissection):
        return Findings("There are states.", {"states": float(len(dissection.states))}, {"one": np.ones(1)})


def test_a_failing_analysis_is_reported_and_the_others_go_on():
    class Tested:
        network = RecurrentClassifier(VanillaRNN(4, 6), 20)

    class Trainer:
        class datamodule:
            data = some_data()

    run = Recorder()
    callback = AnalysisCallback([Failing(), Counting()], SAMPLING, 0, run)
    callback.on_test_end(Trainer(), Tested())
    assert callback.failures == {"failing": "RuntimeError: no luck"}
    assert callback.sentences == {"counting": "There are states."}
    assert run.metrics == {"counting/states": 360.0}
    assert run.arrays == ["arrays/counting.npz"]
