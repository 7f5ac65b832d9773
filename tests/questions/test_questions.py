from dataclasses import replace

import numpy as np
import pytest
import torch
from made import DECAY, SAMPLING, WORDS, dissect, integrator, linear_cell, some_data
from scipy.stats import rankdata

from slowpoints.cells import LSTM, VanillaRNN
from slowpoints.questions.activity import ActivityQuestion
from slowpoints.questions.bag_of_words import BagOfWordsQuestion
from slowpoints.questions.explorer import ExplorerQuestion
from slowpoints.questions.fixed_points import FixedPointQuestion
from slowpoints.questions.inputs import InputQuestion
from slowpoints.questions.linearization import LinearizationQuestion
from slowpoints.questions.linearized import LinearizedNetworkQuestion
from slowpoints.questions.manifold import ManifoldQuestion
from slowpoints.questions.mean_input import MeanInputQuestion
from slowpoints.questions.modes import LONGEST, ModesQuestion
from slowpoints.questions.overlap import OverlapQuestion
from slowpoints.questions.pca import PrincipalComponentQuestion
from slowpoints.questions.question import Unanswerable
from slowpoints.questions.relaxation import RelaxationQuestion
from slowpoints.training.model import RecurrentClassifier

ALL = (
    ActivityQuestion(tokens=5),
    PrincipalComponentQuestion(),
    RelaxationQuestion(states=10, tokens=20),
    FixedPointQuestion(),
    ManifoldQuestion(),
    ModesQuestion(),
    BagOfWordsQuestion(),
    InputQuestion(),
    OverlapQuestion(),
    LinearizationQuestion(),
    MeanInputQuestion(points=20),
    LinearizedNetworkQuestion(documents=20),
)


@pytest.fixture(scope="module")
def of_integrator():
    return dissect(integrator())


def forgetful():
    torch.manual_seed(0)
    return RecurrentClassifier(VanillaRNN(2, 6, recurrent_gain=0.3), WORDS)


def test_an_integrators_states_take_one_dimension(of_integrator):
    metrics = PrincipalComponentQuestion()(of_integrator).metrics
    assert metrics["variance_explained_1"] == pytest.approx(1, abs=1e-4)
    assert metrics["dimensions_90"] == 1
    assert metrics["untrained_dimensions_90"] > 1
    assert metrics["label_auc"] == pytest.approx(1)  # the label is the sign of the sum that it keeps


def test_the_first_component_points_to_positive_readout(of_integrator):
    assert of_integrator.components.components[0] @ of_integrator.readout.double() > 0
    arrays = PrincipalComponentQuestion()(of_integrator).arrays
    at_mean = of_integrator.logits(of_integrator.components.mean.float()[None])
    assert float(arrays["readout_offset"]) == pytest.approx(float(at_mean), abs=1e-6)


def test_an_integrator_is_seen_as_a_line_along_its_readout(of_integrator):
    findings = ManifoldQuestion()(of_integrator)
    assert findings.metrics["is_line"] == 1
    assert findings.metrics["readout_alignment"] == pytest.approx(1, abs=1e-4)
    assert findings.metrics["agreement"] == pytest.approx(1, abs=1e-3)
    assert findings.metrics["pc_agreement"] == pytest.approx(1, abs=1e-3)
    assert "form a line" in findings.sentence
    fixed = FixedPointQuestion()(of_integrator)
    assert fixed.metrics["slow_count"] == fixed.metrics["starts"] == 40
    assert "along a line" in fixed.sentence


def test_an_integrators_time_constants_are_those_it_was_built_with(of_integrator):
    metrics = ModesQuestion()(of_integrator).metrics
    assert metrics["tau_1_median"] > 200  # the line is of slow points: tanh bends it a little
    assert metrics["tau_2_median"] == pytest.approx(-1 / np.log(DECAY), rel=0.05)
    assert metrics["top_real_share"] == 1
    assert metrics["stable_share"] == 1
    assert metrics["tau_1_over_length"] == pytest.approx(metrics["tau_1_median"] / 12)


def test_a_mode_that_never_decays_has_a_finite_time_constant():
    cell = VanillaRNN(2, 6, nonlinearity="relu")  # where it is linear, it keeps all that it has
    with torch.no_grad():
        cell.rnn.weight_hh_l0.copy_(torch.eye(6))
        cell.rnn.weight_ih_l0.abs_()
        cell.rnn.bias_hh_l0.fill_(0)
        cell.rnn.bias_ih_l0.fill_(0)
    network = RecurrentClassifier(cell, WORDS)
    with torch.no_grad():
        network.embedding.weight.abs_()
    dissection = dissect(network)
    metrics = ModesQuestion()(dissection).metrics
    assert metrics["tau_1_median"] == LONGEST
    assert all(np.isfinite(value) for value in metrics.values())


def test_points_whose_top_mode_cannot_be_told_are_left_out_and_counted(of_integrator):
    questions = (ModesQuestion(), OverlapQuestion(), InputQuestion(), ExplorerQuestion(documents=2))
    doubtful = torch.arange(40) < 5
    some = dissect(integrator())
    linear, modes = of_integrator.linearization, of_integrator.linearization.modes
    invented = {"eigenvalues": modes.eigenvalues.clone()}
    invented["eigenvalues"][doubtful] = 0.1j
    for name in ("left", "right"):
        invented[name] = getattr(modes, name).clone()
        invented[name][doubtful] = torch.nan
    some.linearization = replace(linear, modes=replace(modes, **invented))
    for question in questions:
        findings = question(some)
        assert "left out: 5 of 40 points" in findings.sentence
        assert "left out" not in question(of_integrator).sentence
        assert all(np.isfinite(value) for value in findings.metrics.values())
    metrics = ModesQuestion()(some).metrics
    assert metrics["doubtful_share"] == pytest.approx(5 / 40)
    assert metrics["top_real_share"] == 1
    kept = linear.time_constants[~doubtful, 0].clamp(max=LONGEST)
    assert metrics["tau_1_median"] == pytest.approx(np.median(kept.numpy()))
    some.linearization = replace(linear, modes=replace(modes, left=torch.full_like(modes.left, torch.nan)))
    some.__dict__.pop("trusted")
    for question in questions:
        with pytest.raises(Unanswerable, match="any of the 40 points"):
            question(some)


def test_input_projections_follow_the_words_valence(of_integrator):
    findings = InputQuestion()(of_integrator)
    assert findings.metrics["projection_auc_low"] > 0.9  # of the words that 60 documents make valenced
    assert findings.metrics["true_rho"] == pytest.approx(1)
    vocabulary = findings.arrays["vocabulary_projections"][2:]
    assert np.array_equal(rankdata(vocabulary), rankdata(np.sin(np.arange(2, WORDS))))
    expected = (
        of_integrator.linearization.modes.left[:, 0].real.mean(dim=0).sum() / 6**0.5 * 0.01
    )  # l_1 . axis times the gain
    averaged = float(expected) * np.sin(np.arange(2, WORDS))
    assert vocabulary == pytest.approx(averaged, rel=0.01)


def test_an_integrators_top_mode_lies_along_its_line(of_integrator):
    metrics = OverlapQuestion()(of_integrator).metrics
    assert metrics["r1_m_median"] == pytest.approx(1, abs=1e-3)
    assert metrics["r2_m_median"] < 0.1


def test_a_nearly_linear_network_is_predicted_by_its_linearisation(of_integrator):
    findings = LinearizationQuestion()(of_integrator)
    assert findings.metrics["one_step_error_median"] < 0.01
    assert findings.metrics["persistence_error_median"] > 0.05
    free = LinearizedNetworkQuestion(documents=20)(of_integrator)
    assert free.metrics["agreement"] == 1
    assert free.metrics["documents"] == 20


def test_relaxation_is_that_of_the_known_decay():
    cell = linear_cell(DECAY * torch.eye(6), 1e-3 * torch.ones(6, 2))
    metrics = RelaxationQuestion(states=10, tokens=20)(dissect(RecurrentClassifier(cell, WORDS))).metrics
    assert metrics["change_1"] == pytest.approx(1 - DECAY, rel=0.01)  # ||0.5 h - h|| / ||h||
    assert "tokens_to_rest" not in metrics  # it shrinks towards zero by half, for ever


def test_a_rotation_is_reported_as_a_complex_top_mode():
    angle = torch.tensor(0.3)
    turn = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    recurrent = torch.block_diag(0.95 * turn, 0.5 * torch.eye(2))
    network = RecurrentClassifier(linear_cell(recurrent, 0.005 * torch.ones(4, 2)), WORDS)
    sampling = SAMPLING.model_copy(update={"slow": 2.0})
    findings = ModesQuestion()(dissect(network, sampling=sampling))
    assert findings.metrics["top_real_share"] == 0
    assert "a complex pair, a rotation" in findings.sentence
    assert findings.metrics["tau_1_median"] == pytest.approx(-1 / np.log(0.95), rel=0.1)


def test_what_has_no_answer_says_so():
    dissection = dissect(integrator(), sampling=SAMPLING.model_copy(update={"points": 2}))
    with pytest.raises(Unanswerable, match="at least three points, not 2"):
        ManifoldQuestion()(dissection)


def test_too_few_fixed_points_are_a_finding():
    sampling = SAMPLING.model_copy(update={"documents": 5, "points": 5})
    findings = FixedPointQuestion()(dissect(forgetful(), sampling=sampling))
    assert "too few to say how they lie" in findings.sentence
    assert "line_variance" not in findings.metrics


def test_a_network_that_forgets_has_no_line():
    findings = FixedPointQuestion()(dissect(forgetful()))
    assert findings.metrics["coverage"] <= 0.1
    assert "along a line:" not in findings.sentence.replace("not along a line", "")


def test_analyses_in_any_order_or_alone_give_the_same_numbers():
    forwards = {a.name: a(shared).metrics for shared in [dissect(integrator())] for a in ALL}
    backwards = {a.name: a(shared).metrics for shared in [dissect(integrator())] for a in reversed(ALL)}
    alone = {a.name: a(dissect(integrator())).metrics for a in ALL}
    assert forwards == backwards == alone


@pytest.mark.parametrize("analysis", ALL, ids=lambda analysis: analysis.name)
def test_figures_are_drawn_from_the_arrays_as_they_are_saved(of_integrator, analysis, tmp_path):
    findings = analysis(of_integrator)
    np.savez(tmp_path / "arrays.npz", allow_pickle=False, **findings.arrays)
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as saved:
        for name, drawing in analysis.figures.items():
            figure = drawing.figure(saved)
            figure.savefig(tmp_path / f"{name}.png")
            assert all(axes.get_xlabel() or axes.get_ylabel() or axes.get_title() for axes in figure.axes)


def test_a_dissection_computes_each_thing_once_and_leaves_the_network_alone():
    torch.manual_seed(0)
    network = RecurrentClassifier(LSTM(4, 6), WORDS)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    dissection = dissect(network)
    assert dissection.states.shape == (30 * 12, 12)
    assert dissection.states is dissection.states
    assert dissection.fixed_points is dissection.fixed_points
    assert dissection.linearization is dissection.linearization
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_examples_lie_at_the_ends_and_in_the_middle(of_integrator):
    theta = of_integrator.manifold.theta[of_integrator.examples]
    assert theta[0] < -0.3 < theta[1] < 0.3 < theta[2]
    logits = of_integrator.logits(of_integrator.points.location[of_integrator.examples])
    assert logits[0] < logits[1] < logits[2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ActivityQuestion(tokens=1), "tokens"),
        (lambda: RelaxationQuestion(states=0), "states"),
        (lambda: LinearizationQuestion(transitions=0), "transitions"),
        (lambda: LinearizedNetworkQuestion(documents=0), "documents"),
        (lambda: MeanInputQuestion(points=0), "points"),
    ],
)
def test_impossible_options_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_transitions_stay_within_documents():
    trajectories = dissect(integrator(), some_data(documents=4)).trajectories
    followed = trajectories.followed.numpy()
    document = np.repeat(np.arange(4), trajectories.lengths)
    assert np.array_equal(document[followed], document[followed + 1])
    assert len(followed) == 4 * 11
