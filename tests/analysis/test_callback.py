from dataclasses import replace

import numpy as np
import pytest
import torch
from made import SAMPLING, integrator, some_data

from slowpoints.analysis.analysis import Findings, Unanswerable
from slowpoints.analysis.callback import AnalysisCallback
from slowpoints.analysis.claims import CLAIMS, Condition, judge
from slowpoints.analysis.manifold import ManifoldAnalysis
from slowpoints.analysis.pca import PrincipalComponentAnalysis
from slowpoints.figures.page import MARKS, draw_page
from slowpoints.figures.style import Drawing
from slowpoints.tasks.documents import documents


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


class WithoutAnswer:
    name = "without_answer"

    def __call__(self, dissection):
        raise Unanswerable("there is but one point")


class Counting:
    name = "counting"

    def __call__(self, dissection):
        return Findings("There are states.", {"states": float(len(dissection.states))}, {"one": np.ones(1)})


class Trainer:
    def __init__(self):
        self.callback_metrics = {"test/accuracy": torch.tensor(0.5)}

    class datamodule:
        task = documents(some_data())


class Tested:
    device = torch.device("cpu")


def answered(*analyses):
    return answered_by(integrator(), *analyses)


def answered_by(network, *analyses):
    run = Recorder()
    tested = Tested()
    tested.network = network
    callback = AnalysisCallback("made", analyses, network, SAMPLING, 0, run)
    callback.on_test_end(Trainer(), tested)
    return callback, run


def test_a_failing_analysis_is_reported_and_the_others_go_on():
    callback, run = answered(Failing(), WithoutAnswer(), Counting())
    assert callback.failures == {"failing": "RuntimeError: no luck"}
    assert callback.sentences == {
        "without_answer": "No answer: there is but one point.",
        "counting": "There are states.",
    }
    assert run.metrics["counting/states"] == 360.0
    assert run.arrays == ["arrays/counting.npz"]
    assert run.figures == []


def fail(figure, arrays):
    raise IndexError("one component")


class Undrawable(PrincipalComponentAnalysis):
    def __call__(self, dissection):
        found = super().__call__(dissection)
        return replace(found, figures={"broken": Drawing(fail), **found.figures})


def test_a_figure_that_fails_is_reported_and_costs_no_results():
    callback, run = answered(Undrawable(), ManifoldAnalysis())
    assert callback.failures == {"broken": "IndexError: one component"}
    assert callback.sentences.keys() == {"pca", "manifold"}
    assert run.arrays == ["arrays/pca.npz", "arrays/manifold.npz"]
    assert run.figures == ["figure_2a_dimensions", "figure_2b_states", "figure_2c_manifold", "page"]


@pytest.mark.parametrize(("drawing", "name"), [("draw_page", "page"), ("make_explorer", "explorer.html")])
def test_a_page_or_explorer_that_fails_is_reported_and_costs_no_results(monkeypatch, drawing, name):
    monkeypatch.setattr(f"slowpoints.analysis.callback.{drawing}", lambda *_: fail(None, None))
    callback, run = answered(Counting())
    assert callback.failures == {name: "IndexError: one component"}
    assert callback.summary()["findings"] == {"counting": "There are states."}
    assert "analysis/seconds" in run.metrics


def test_states_of_one_dimension_are_drawn_in_a_plane():
    callback, run = answered_by(integrator(size=1), PrincipalComponentAnalysis(), ManifoldAnalysis())
    assert callback.failures == {}
    assert run.metrics["pca/variance_explained_1"] == pytest.approx(1)
    assert run.metrics["pca/dimensions_90"] == 1
    assert "page" in run.figures


class Differentiating:
    name = "differentiating"

    def __call__(self, dissection):
        weight = torch.ones(1, requires_grad=True)
        (weight * dissection.states.sum()).backward()
        return Findings("There is a slope.", {"slope": weight.grad.item()})


def test_analyses_may_train_and_differentiate():
    with torch.inference_mode():  # as Lightning tests
        callback, run = answered(Differentiating())
    assert callback.failures == {}
    assert np.isfinite(run.metrics["differentiating/slope"])


def test_the_page_and_the_verdicts_follow_from_what_was_answered():
    callback, run = answered(ManifoldAnalysis())
    assert run.figures == ["figure_2c_manifold", "page"]
    summary = callback.summary()
    assert summary["verdicts"]["line"]["verdict"] == "holds"
    assert summary["verdicts"]["line"]["values"].keys() == {"manifold/line_variance", "manifold/coverage"}
    assert "low_dimensional" not in summary["verdicts"]


def test_a_claim_holds_as_far_as_its_worst_condition():
    line = {"manifold/line_variance": 0.9, "manifold/coverage": 0.9}
    assert [verdict.verdict for verdict in judge(line)] == ["holds"]
    assert [verdict.verdict for verdict in judge({**line, "manifold/coverage": 0.3})] == ["holds weakly"]
    assert [verdict.verdict for verdict in judge({**line, "manifold/coverage": 0.1})] == ["does not hold"]
    assert [verdict.verdict for verdict in judge({"manifold/coverage": 0.9})] == ["not measured"]
    assert [verdict.verdict for verdict in judge({**line, "manifold/coverage": float("nan")})] == ["does not hold"]
    assert judge({}) == []


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.05, "holds"), (0.2, "holds weakly"), (0.4, "does not hold"), (0.1, "holds")]
)
def test_where_less_is_better_thresholds_turn_round(value, verdict):
    assert Condition("error", 0.1, 0.3).judge(value) == verdict


def test_claims_are_told_apart_by_their_names():
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)


def test_a_page_without_any_arrays_is_not_drawn():
    assert draw_page("nothing", {}) is None
    assert draw_page(
        "one",
        {"relaxation": {"quantiles": np.ones((3, 5))}},
        [(c.text, m) for c, m in zip(CLAIMS[:4], MARKS, strict=True)],
    )
