"""What the neutral input is, that everything is computed under it, and slowness and drift beside what words do."""

import numpy as np
import pytest
import torch
from made import DECAY, SAMPLING, WORDS, dissect, integrator, linear_cell, some_data

from slowpoints.cells import Cell
from slowpoints.dynamics import typical_step
from slowpoints.questions.claims import judge
from slowpoints.questions.explorer import _readout_effects
from slowpoints.questions.fixed_points import FixedPointQuestion
from slowpoints.questions.inputs import InputQuestion
from slowpoints.questions.linearization import LinearizationQuestion
from slowpoints.questions.linearized import LinearizedNetworkQuestion
from slowpoints.questions.manifold import ManifoldQuestion
from slowpoints.questions.mean_input import MeanInputQuestion
from slowpoints.questions.modes import ModesQuestion
from slowpoints.questions.overlap import OverlapQuestion
from slowpoints.questions.question import Unanswerable
from slowpoints.questions.relaxation import RelaxationQuestion
from slowpoints.tasks.batches import make_batch
from slowpoints.text.corpus import PADDING, UNKNOWN
from slowpoints.training.model import RecurrentClassifier

MEAN = SAMPLING.model_copy(update={"neutral": "mean"})
LEAK = 0.98  # of what is kept along the axis in each step


def leaky(leak=LEAK, size=6, gain=0.01):
    """The integrator of `made`, which forgets slowly, too, and is biased against its mean word."""
    network = integrator(size, gain)
    axis = torch.ones(size) / size**0.5
    recurrent = DECAY * torch.eye(size) + (leak - DECAY) * torch.outer(axis, axis)
    network.cell = linear_cell(recurrent, gain * torch.outer(axis, torch.tensor([1.0, 0.0])))
    return network


def test_the_mean_word_is_weighted_by_how_often_it_is_read():
    data = some_data(documents=6, length=5)
    data.train.tokens[:7] = UNKNOWN
    network = integrator()
    with torch.no_grad():
        network.embedding.weight[PADDING] = 100  # which nobody reads
        network.embedding.weight[UNKNOWN] = 3.0
    dissection = dissect(network, data, sampling=MEAN)
    expected = np.mean([network.embedding.weight[word].tolist() for word in data.train.tokens], axis=0)
    assert dissection.neutral.tolist() == pytest.approx(expected.tolist(), rel=1e-6)
    assert dissection.neutral.dtype == network.embedding.weight.dtype
    assert not dissection.neutral.requires_grad
    assert dissect(network, data).neutral.tolist() == [0, 0]


@pytest.mark.parametrize("sampling", [SAMPLING, MEAN], ids=["zero", "mean"])
def test_all_is_computed_under_the_neutral_input(sampling):
    network = integrator(gain=0.05)
    with torch.no_grad():
        network.embedding.weight[:, 0] += 0.4
        network.embedding.weight[5] = 0
        network.embedding.weight[6] = dissect(network, sampling=sampling).neutral
    dissection = dissect(network, sampling=sampling.model_copy(update={"slow": 1.0}))
    with torch.no_grad():
        network.embedding.weight[6] = dissection.neutral  # a word that says nothing, exactly
    neutral = dissection.neutral.double()
    for points in dissection.found.values():
        assert torch.equal(points.input, neutral.expand(len(points), 2))
        moved = network.cell.double().step(points.location, points.input) - points.location
        network.cell.float()
        torch.testing.assert_close(
            points.relative_speed, moved.norm(dim=1) / dissection.typical_step, rtol=1e-4, atol=0
        )
    assert torch.equal(dissection.linearization.input[0], neutral)
    vocabulary = InputQuestion()(dissection).arrays["vocabulary_projections"]
    assert np.abs(vocabulary).max() > 1e-3
    assert abs(vocabulary[6]) < 1e-8
    assert (abs(vocabulary[5]) < 1e-8) == (sampling.neutral == "zero")
    effects = _readout_effects(dissection, dissection.linearization[:3], network.embedding.weight.detach()[5:7])
    assert effects[:, 1].abs().max() < 1e-8
    assert (effects[:, 0].abs().max() < 1e-8) == (sampling.neutral == "zero")


def test_relaxation_is_under_the_neutral_input():
    network = RecurrentClassifier(linear_cell(DECAY * torch.eye(6), 1e-3 * torch.ones(6, 2)), WORDS)
    with torch.no_grad():
        network.embedding.weight[:] = 1.0  # all words are the mean word
    question = RelaxationQuestion(states=10, tokens=40)
    about_mean = question(dissect(network, sampling=MEAN)).metrics
    assert about_mean["change_last"] < 1e-3  # it comes to rest where all words have led it
    assert question(dissect(network)).metrics["change_last"] == pytest.approx(1 - DECAY, rel=0.01)


@pytest.mark.parametrize("slow", [0.1, 0.5])
def test_the_other_neutral_input_is_compared_whichever_is_the_default(slow):
    question = MeanInputQuestion(points=25)  # of the 40 of the sampling
    network = integrator()
    with torch.no_grad():
        network.embedding.weight[2:, 0] += 0.05 - network.embedding.weight[2:, 0].mean()
    about_zero, about_mean = (
        question(dissect(network, sampling=sampling.model_copy(update={"slow": slow}))) for sampling in (SAMPLING, MEAN)
    )
    names = {"found_share", "tau_1_median", "one_step_error_median"}
    expected = {f"{choice}_{name}" for choice in ("zero", "mean") for name in names}
    assert (
        set(about_zero.metrics) == set(about_mean.metrics) == expected | {"tau_1_change", "error_change", "mean_norm"}
    )
    for name in expected:  # the same two things, from either side
        assert about_mean.metrics[name] == pytest.approx(about_zero.metrics[name], rel=1e-6)
    one, two = (about.metrics["tau_1_change"] for about in (about_zero, about_mean))
    assert (1 + one) * (1 - two) == pytest.approx(1, rel=1e-6) or (1 - one) * (1 + two) == pytest.approx(1, rel=1e-6)
    assert about_zero.sentence.startswith("About zero")
    assert about_mean.sentence.startswith("About the mean word")


def test_the_typical_step_is_that_of_the_library():
    dissection = dissect(integrator(), some_data(length=9))
    batch = make_batch(dissection.task.test, dissection.documents)
    states = dissection.network.cell.states(dissection.embed(batch.tokens))
    assert dissection.typical_step == pytest.approx(typical_step(states, batch.lengths))


def test_nothing_is_slow_where_nothing_moves():
    network = RecurrentClassifier(linear_cell(torch.zeros(6, 6), torch.zeros(6, 2)), WORDS)
    with pytest.raises(Unanswerable, match="does not move"):
        FixedPointQuestion()(dissect(network))
    with pytest.raises(Unanswerable, match="does not move"):
        FixedPointQuestion()(dissect(integrator(), some_data(length=1)))


def test_slow_points_drift_as_the_leak_says():
    dissection = dissect(leaky())
    metrics = FixedPointQuestion()(dissection).metrics
    found = dissection.slow_points.converged
    place = found.location @ (torch.ones(6).double() / 6**0.5)
    expected = (1 - LEAK**12) * place.abs() / (place.max() - place.min())  # documents have 12 words
    assert metrics["slow_drift_share"] == pytest.approx(float(expected.median()), rel=0.02)
    assert metrics["slow_drift_share_max"] == pytest.approx(float(expected.max()), rel=0.02)
    change = (1 - LEAK**12) * place  # the readout's weights have length 1
    assert metrics["slow_drift_logit"] == pytest.approx(float(change.abs().median()), rel=0.02)
    assert metrics["slow_relative_speed_median"] < 0.1
    keeping = FixedPointQuestion()(dissect(leaky(leak=0.9999))).metrics
    assert keeping["slow_drift_share_max"] < 0.01


def test_each_level_of_slowness_is_drawn():
    dissection = dissect(leaky(), sampling=SAMPLING.model_copy(update={"slow": 0.05}))
    findings = FixedPointQuestion()(dissection)
    names = [f"relative speed < {level}" for level in ("0.3", "0.1", "0.05 (slow)", "0.03", "0.01 (fixed)")]
    assert findings.arrays["level_names"].tolist() == names
    figure = FixedPointQuestion.figures["fixed_points"].figure(findings.arrays)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert [title.partition(": ")[2] for title in titles] == names
    counts = findings.arrays["level_found"].sum(axis=1)
    assert titles[2].startswith(f"{counts[2]} of 40:")
    assert counts[2] == findings.metrics["slow_count"]
    assert counts[-1] == findings.metrics["count"]
    extents = np.ptp(findings.arrays["level_logit"], axis=1)
    assert (np.diff(extents) < 0).all()  # the slower, the nearer to the one fixed point


class Rescaled(Cell):
    """Another cell, whose states are ten times as large."""

    def __init__(self, cell):
        super().__init__(cell.input_size, cell.hidden_size)
        self.cell = cell

    def step(self, state, input):
        return 10 * self.cell.step(state / 10, input)

    def states(self, inputs, initial=None):
        return 10 * self.cell.states(inputs, None if initial is None else initial / 10)


QUESTIONS = (
    FixedPointQuestion(),
    ManifoldQuestion(),
    ModesQuestion(),
    InputQuestion(),
    OverlapQuestion(),
    LinearizationQuestion(),
    LinearizedNetworkQuestion(documents=20),
    MeanInputQuestion(points=20),
    RelaxationQuestion(states=10, tokens=20),
)


def test_findings_and_verdicts_stay_as_they_are_when_states_are_rescaled():
    network, rescaled = leaky(gain=0.05), leaky(gain=0.05)
    rescaled.cell = Rescaled(rescaled.cell)
    with torch.no_grad():
        rescaled.readout.weight /= 10
    of, of_rescaled = dissect(network, sampling=MEAN), dissect(rescaled, sampling=MEAN)
    metrics: dict[str, dict[str, float]] = {"as it is": {}, "rescaled": {}}
    for question in QUESTIONS:
        found, again = question(of), question(of_rescaled)
        for whose, findings in (("as it is", found), ("rescaled", again)):
            metrics[whose] |= {f"{question.name}/{name}": value for name, value in findings.metrics.items()}
        for name, value in found.metrics.items():
            factor = 100 if name.removeprefix("slow_") in ("q_median", "q_max") else 10 if name == "typical_step" else 1
            near = 2e-3 if name.endswith("_change") else 1e-6  # the small difference of two large numbers
            assert again.metrics[name] == pytest.approx(factor * value, rel=1e-3, abs=near), f"{question.name}/{name}"
        if question.name == "fixed_points":
            assert np.array_equal(found.arrays["slow_status"], again.arrays["slow_status"])
            assert np.array_equal(found.arrays["level_found"], again.arrays["level_found"])
    claims = [claim for question in QUESTIONS for claim in question.claims]
    verdicts, verdicts_rescaled = ([each.verdict for each in judge(claims, of)] for of in metrics.values())
    assert len(verdicts) == len(claims)
    assert verdicts_rescaled == verdicts
