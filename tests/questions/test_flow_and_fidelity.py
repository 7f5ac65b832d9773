import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from made import SAMPLING, WORDS, dissect, integrator, linear_cell

from slowpoints.questions.fidelity import FILE, MODELS, FidelityQuestion
from slowpoints.questions.flow import FlowQuestion
from slowpoints.questions.linear_rnn import LinearRNNQuestion, trained_linear_rnn
from slowpoints.training.linear_rnn import LinearRNNOptions
from slowpoints.training.model import RecurrentClassifier

WHEREVER_IT_GOES = SAMPLING.model_copy(update={"slow": 1.0})  # a leaking state is not so slow
LEAK = 0.98  # of a state along the axis that is left after a token


@pytest.fixture(scope="module")
def of_integrator():
    dissection = dissect(integrator())
    trained_linear_rnn(dissection, LinearRNNOptions(epochs=1, real_modes=2, pairs=0))
    return dissection


@pytest.fixture(scope="module")
def fidelity(of_integrator):
    return FidelityQuestion(documents=50, places=11)(of_integrator)


def leaky():
    """A network that adds up valence along one axis and forgets a little of it with every token."""
    axis = torch.ones(4) / 2
    recurrent = 0.3 * torch.eye(4) + (LEAK - 0.3) * torch.outer(axis, axis)
    network = RecurrentClassifier(linear_cell(recurrent, 0.002 * torch.outer(axis, torch.tensor([1.0, 0.0]))), WORDS)
    with torch.no_grad():
        network.readout.weight.copy_(axis)
    return network


def test_on_a_line_that_holds_everything_states_hardly_move(of_integrator):
    findings = FlowQuestion(tokens=50)(of_integrator)
    assert findings.metrics["drift_in_document_max"] < 0.02
    assert findings.metrics["held_share"] == 1
    assert findings.metrics["tokens_to_one"] == 50  # it never does
    assert np.isnan(findings.arrays["tokens_to_one"]).all()


def test_a_leak_is_drift_to_one_stable_place():
    dissection = dissect(leaky(), sampling=WHEREVER_IT_GOES)
    findings = FlowQuestion(places=21, tokens=300)(dissection)
    arrays = findings.arrays
    assert (findings.metrics["stable"], findings.metrics["unstable"]) == (1, 0)
    origin = float(arrays["rest"][0])
    known = np.abs(arrays["place"]) <= 1
    leak = (LEAK - 1) * (arrays["place"][known] - origin) / 2  # of the line's extent
    assert arrays["drift"][known] == pytest.approx(leak, abs=2e-4)
    assert arrays["end_last"] == pytest.approx(np.full(len(arrays["start"]), origin), abs=0.02)
    left = LEAK**12 * (arrays["start"] - origin)
    assert arrays["end"] - origin == pytest.approx(left, abs=0.02)
    assert "1 stable" in findings.sentence


def test_time_until_the_readout_has_moved_by_one_is_that_of_the_leak():
    network = leaky()
    with torch.no_grad():
        network.readout.weight.mul_(200)
    dissection = dissect(network, sampling=WHEREVER_IT_GOES)
    arrays = FlowQuestion(places=21, tokens=300)(dissection).arrays
    logit = arrays["logit"][arrays["near"]]
    for start, waited in zip(logit, arrays["tokens_to_one"], strict=True):
        lost = 1 / abs(start)  # share of the logit, of which LEAK ** t is left after t tokens
        expected = np.log1p(-lost) / np.log(LEAK) if lost < 1 else np.inf
        if np.isnan(waited):
            assert expected > 250
        else:
            assert waited == pytest.approx(expected, rel=0.1, abs=1.5)


def test_all_models_that_know_the_line_answer_as_an_integrator_does(fidelity):
    for name in ("integrator_linear", "integrator", "modes_1", "balanced_1", "modes_3", "balanced_3", "nearest"):
        assert fidelity.metrics[f"agreement/{name}"] >= 0.98, name
    assert fidelity.metrics["best_agreement"] == 1
    assert fidelity.metrics["documents"] == 50
    assert "the simplest that agrees on 98%" in fidelity.sentence
    assert "integrator, linear gains" in fidelity.sentence or "bag of words" in fidelity.sentence


def test_metrics_are_shares_of_the_answers_that_are_kept(fidelity):
    arrays = fidelity.arrays
    assert arrays["models"].tolist() == list(MODELS)
    for name, logits in zip(MODELS, arrays["logits"], strict=True):
        assert fidelity.metrics[f"agreement/{name}"] == np.mean((logits > 0) == (arrays["logit"] > 0))
        assert fidelity.metrics[f"accuracy/{name}"] == np.mean((logits > 0) == arrays["label"])


def test_the_networks_answers_are_its_own(fidelity, of_integrator):
    test = of_integrator.data.test
    for document, logit in list(zip(fidelity.arrays["document"], fidelity.arrays["logit"], strict=True))[:5]:
        tokens = torch.from_numpy(test.tokens[test.offsets[document] : test.offsets[document + 1]]).long()
        with torch.no_grad():
            assert logit == pytest.approx(float(of_integrator.network(tokens[None], torch.tensor([12]))), abs=1e-6)


def test_the_documented_lines_of_numpy_are_the_integrator_that_is_counted(
    fidelity, of_integrator, tmp_path, monkeypatch
):
    (tmp_path / "arrays").mkdir()
    np.savez(tmp_path / "arrays" / "fidelity.npz", **fidelity.arrays)
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "fidelity.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert lines.count("\n") == 5
    test = of_integrator.data.test
    answers = []
    for document in fidelity.arrays["document"]:
        names = {"np": np, "words": test.tokens[test.offsets[document] : test.offsets[document + 1]]}
        exec(lines, names)
        answers.append(names["positive"])
    counted = fidelity.arrays["logits"][list(MODELS).index("integrator")] > 0
    assert np.array_equal(answers, counted)
    assert fidelity.metrics["agreement/integrator"] == np.mean(answers == (fidelity.arrays["logit"] > 0))


def test_the_word_table_lists_words_by_their_evidence(fidelity, of_integrator):
    rows = list(csv.DictReader(io.StringIO(fidelity.texts[FILE])))
    evidence = [float(row["evidence"]) for row in rows]
    assert evidence == sorted(evidence, reverse=True)
    assert len(rows) == WORDS
    valence = {f"word{number}": np.sin(number) for number in range(2, WORDS)}
    known = [row for row in rows if row["word"] in valence]
    values = [valence[row["word"]] for row in known]
    assert values == sorted(values, reverse=True)
    slope = np.polyfit(values, [float(row["evidence"]) for row in known], 1)[0]
    assert slope == pytest.approx(0.01, rel=0.05)  # the network's gain; its readout is a unit vector along the axis
    assert {int(row["number"]): row["word"] for row in rows} == dict(enumerate(of_integrator.data.words))


def test_a_linear_network_is_trained_once_for_all_who_ask(of_integrator):
    kept = trained_linear_rnn(of_integrator)
    assert trained_linear_rnn(of_integrator) is kept
    options = {"epochs": 1, "real_modes": 2, "pairs": 0}
    found = LinearRNNQuestion(**options)(of_integrator)
    assert found.metrics["test_accuracy"] == kept.test_accuracy
    assert len(of_integrator.linear_rnns) == 1


def test_the_figures_are_drawn_from_the_arrays_alone(of_integrator, fidelity):
    flow = FlowQuestion(places=11, tokens=30)
    (drawn,) = (drawing.figure(flow(of_integrator).arrays) for drawing in flow.figures.values())
    assert drawn.axes[0].get_ylabel() == "drift (% of the line per token)"
    (bars,) = (drawing.figure(fidelity.arrays) for drawing in FidelityQuestion.figures.values())
    assert [label.get_text() for label in bars.axes[0].get_yticklabels()] == list(MODELS.values())


@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("places must be at least 3", lambda: FlowQuestion(places=2)),
        ("tokens at least 1", lambda: FlowQuestion(tokens=0)),
        ("documents must be at least 1", lambda: FidelityQuestion(documents=0)),
        ("places at least 3", lambda: FidelityQuestion(places=2)),
    ],
)
def test_options_are_checked(part, call):
    with pytest.raises(ValueError, match=part):
        call()
