import errno
from typing import ClassVar

import numpy as np
import pytest
import torch
from made import dissect, integrator

from slowpoints.questions.answers import answer
from slowpoints.questions.claims import Condition, judge, reason_not_to_judge
from slowpoints.questions.manifold import ManifoldQuestion
from slowpoints.questions.pca import PrincipalComponentQuestion
from slowpoints.questions.question import Findings, Question, Unanswerable
from slowpoints.questions.relaxation import RelaxationQuestion
from slowpoints.report.marks import MARKS
from slowpoints.report.page import Panel, draw_page, lay_out
from slowpoints.report.style import Drawing, Place


class Recorder:
    def __init__(self):
        self.metrics, self.arrays, self.figures, self.texts = {}, [], [], []

    def log_metrics(self, metrics):
        self.metrics.update(metrics)

    def save_arrays(self, name, arrays):
        self.arrays.append(name)

    def save_figure(self, name, figure):
        self.figures.append(name)

    def save_text(self, name, text):
        self.texts.append(name)


class Failing(Question):
    name = "failing"

    def __call__(self, dissection):
        raise RuntimeError("no luck")


class WithoutAnswer(Question):
    name = "without_answer"

    def __call__(self, dissection):
        raise Unanswerable("there is but one point")


class Counting(Question):
    name = "counting"

    def __call__(self, dissection):
        return Findings("There are states.", {"states": float(len(dissection.states))}, {"one": np.ones(1)})


@pytest.fixture(autouse=True, params=[1, 2], ids=["drawn at once", "drawn beside"])
def _threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def answered(*questions):
    return answered_by(integrator(), *questions)


def answered_by(network, *questions):
    run = Recorder()
    return answer(questions, dissect(network, untrained=network), run, "made"), run


def test_a_failing_analysis_is_reported_and_the_others_go_on():
    answers, run = answered(Failing(), WithoutAnswer(), Counting())
    assert answers.failures == {"failing": "RuntimeError: no luck"}
    assert answers.sentences == {
        "without_answer": "No answer: there is but one point.",
        "counting": "There are states.",
    }
    assert run.metrics["counting/states"] == 360.0
    assert run.arrays == ["arrays/counting.npz"]
    assert run.figures == []


def fail(figure, arrays):
    raise IndexError("one component")


class Undrawable(PrincipalComponentQuestion):
    figures: ClassVar = {"broken": Drawing(fail), **PrincipalComponentQuestion.figures}


def test_a_figure_that_fails_is_reported_and_costs_no_results():
    answers, run = answered(Undrawable(), ManifoldQuestion())
    assert answers.failures == {"broken": "IndexError: one component"}
    assert answers.sentences.keys() == {"pca", "manifold"}
    assert run.arrays == ["arrays/pca.npz", "arrays/manifold.npz"]
    assert run.figures == ["figure_2a_dimensions", "figure_2b_states", "figure_2c_manifold", "page"]


@pytest.mark.parametrize(("drawing", "name"), [("draw_page", "page"), ("make_explorer", "explorer.html")])
def test_a_page_or_explorer_that_fails_is_reported_and_costs_no_results(monkeypatch, drawing, name):
    monkeypatch.setattr(f"slowpoints.questions.answers.{drawing}", lambda *_: fail(None, None))
    answers, run = answered(Counting())
    assert answers.failures == {name: "IndexError: one component"}
    assert answers.summary()["findings"] == {"counting": "There are states."}
    assert "analysis/seconds" in run.metrics


def test_states_of_one_dimension_are_drawn_in_a_plane():
    answers, run = answered_by(integrator(size=1), PrincipalComponentQuestion(), ManifoldQuestion())
    assert answers.failures == {}
    assert run.metrics["pca/variance_explained_1"] == pytest.approx(1)
    assert run.metrics["pca/dimensions_90"] == 1
    assert "page" in run.figures


def disk_full(*_):
    raise OSError(errno.ENOSPC, "No space left on device", "figure.png")


class OutOfRoom(Failing):
    def __call__(self, dissection):
        disk_full()


class OutOfRoomForAFigure(PrincipalComponentQuestion):
    figures: ClassVar = {"full": Drawing(disk_full)}


@pytest.mark.parametrize("question", [OutOfRoom, OutOfRoomForAFigure])
def test_a_full_disk_ends_the_run_without_a_word_of_each_question(caplog, question):
    with pytest.raises(OSError, match="No space left"):
        answered(question(), Counting())
    assert caplog.records == []


class Differentiating(Question):
    name = "differentiating"

    def __call__(self, dissection):
        weight = torch.ones(1, requires_grad=True)
        (weight * dissection.states.sum()).backward()
        return Findings("There is a slope.", {"slope": weight.grad.item()})


def test_analyses_may_train_and_differentiate():
    with torch.inference_mode():  # as Lightning tests
        answers, run = answered(Differentiating())
    assert answers.failures == {}
    assert np.isfinite(run.metrics["differentiating/slope"])


def test_the_page_and_the_verdicts_follow_from_what_was_answered():
    answers, run = answered(ManifoldQuestion())
    assert run.figures == ["figure_2c_manifold", "page"]
    summary = answers.summary()
    assert summary["verdicts"]["line"]["verdict"] == "holds"
    assert summary["verdicts"]["line"]["values"].keys() == {
        f"manifold/{name}" for name in ("line_variance", "coverage", "gap")
    }
    assert "low_dimensional" not in summary["verdicts"]


LINE = ManifoldQuestion.claims[:1]


def test_a_claim_holds_as_far_as_its_worst_condition():
    line = {"manifold/line_variance": 0.9, "manifold/coverage": 0.9, "manifold/gap": 0.1}
    assert [verdict.verdict for verdict in judge(LINE, line)] == ["holds"]
    assert [verdict.verdict for verdict in judge(LINE, {**line, "manifold/coverage": 0.3})] == ["holds weakly"]
    assert [verdict.verdict for verdict in judge(LINE, {**line, "manifold/coverage": 0.1})] == ["does not hold"]
    assert [verdict.verdict for verdict in judge(LINE, {"manifold/coverage": 0.9})] == ["not measured"]
    assert [verdict.verdict for verdict in judge(LINE, {**line, "manifold/coverage": float("nan")})] == [
        "does not hold"
    ]
    assert judge(LINE, {}) == []


def test_pieces_with_a_gap_are_no_line():
    pieces = {"manifold/line_variance": 0.9, "manifold/coverage": 0.9, "manifold/gap": 0.36}
    assert [verdict.verdict for verdict in judge(LINE, pieces)] == ["does not hold"]


@pytest.mark.parametrize(
    ("accuracy", "bag_of_words", "reason"),
    [
        (0.51, None, "no better than chance"),
        (0.90, None, ""),
        (0.90, 0.88, ""),
        (0.878, 0.88, ""),  # within two standard errors
        (0.80, 0.88, "below that of a bag of words"),
    ],
)
def test_claims_are_judged_for_networks_that_do_their_task(accuracy, bag_of_words, reason):
    found = reason_not_to_judge(accuracy, 0.5, bag_of_words, documents=1000)
    assert (reason in found) if reason else not found
    metrics = {"manifold/line_variance": 0.9, "manifold/coverage": 0.9, "manifold/gap": 0.1}
    (verdict,) = judge(LINE, metrics, found)
    assert (verdict.verdict, verdict.reason) == (("not judged", found) if reason else ("holds", ""))


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.05, "holds"), (0.2, "holds weakly"), (0.4, "does not hold"), (0.1, "holds")]
)
def test_where_less_is_better_thresholds_turn_round(value, verdict):
    assert Condition("error", 0.1, 0.3).judge(value) == verdict


def panel(drawing, arrays):
    return Panel("asked", drawing, arrays)


def test_a_page_without_anything_to_draw_is_not_drawn():
    assert draw_page("nothing", []) is None
    assert draw_page("nothing", [panel(Drawing(fail), None)]) is None


def test_the_page_shows_every_verdict_and_as_many_claims_as_there_are():
    (drawing,) = RelaxationQuestion.figures.values()
    arrays = {"quantiles": np.ones((3, 5))}
    figure = draw_page("one", [panel(drawing, arrays)], [(f"claim {mark}", mark) for mark in MARKS])
    assert figure.get_size_inches().tolist() == [18, 0.5 + 5 + 3]
    many = draw_page("one", [panel(drawing, arrays)], [("a claim", "holds")] * 40)
    assert many.get_size_inches().tolist() == [18, 0.5 + 5 + 8]


def test_the_page_has_the_papers_figures_where_they_stand_and_others_below_them():
    first, second, wide = Place((0, 5), (0, 12)), Place((5, 10), (12, 24)), Place((10, 18), (0, 24))
    assert lay_out([first, second, wide]) == [first, second, wide]
    assert lay_out([wide]) == [Place((0, 8), (0, 24))]  # nobody asked for what stands above it
    below = [Place((5, 10), (0, 12)), Place((5, 10), (12, 24)), Place((10, 15), (0, 12))]
    assert lay_out([None, first, None, None]) == [below[0], first, *below[1:]]


class ElsewhereOnly(Counting):
    def asks(self, task):
        return task.name == "elsewhere"


def test_a_question_is_asked_where_it_applies_only():
    answers, run = answered(ElsewhereOnly())
    assert answers.sentences == {"counting": "Not asked of made."}
    assert run.arrays == []
