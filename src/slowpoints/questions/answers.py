"""Ask a trained network questions, one after another, and keep what they find."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch

from slowpoints.console import VOICE
from slowpoints.errors import NO_ROOM
from slowpoints.questions.claims import Verdict, judge
from slowpoints.questions.question import SECONDS, Column, Findings, Question, Unanswerable
from slowpoints.report.explorer import make_explorer
from slowpoints.report.page import Panel, draw_page
from slowpoints.runs.folder import EXPLORER, PAGE, arrays_file

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from slowpoints.questions.dissection import Dissection
    from slowpoints.report.style import Arrays, Drawing

log = logging.getLogger(__name__)


class Keeper(Protocol):
    """Where findings are left: a run. Figures may come from another thread than the rest."""

    metrics: dict[str, float]

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Keep final numbers, and add them to `metrics`."""

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep arrays in a file."""

    def save_figure(self, name: str, figure: Figure) -> None:
        """Keep a figure."""

    def save_text(self, name: str, text: str) -> None:
        """Keep a text in a file."""


@dataclass(frozen=True)
class Answers:
    """What was found.

    Attributes
    ----------
    title
        Of the page: what the network is, and how well it does.
    sentences
        What was found in words, by question.
    failures
        Why a question failed, or a figure, by the question or the figure's file.
    verdicts
        On each claim that the numbers bear on.
    columns
        What the questions add to a comparison.
    arrays
        What was computed, by question.
    """

    title: str
    sentences: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    verdicts: Sequence[Verdict] = ()
    columns: Sequence[Column] = ()
    arrays: Mapping[str, Arrays] = field(default_factory=dict)

    @property
    def unjudged(self) -> str:
        """Why no claim was judged; nothing where they were."""
        return next((verdict.reason for verdict in self.verdicts if verdict.reason), "")

    def summary(self) -> dict[str, Any]:
        """Return all but the arrays as plain values."""
        return {
            "title": self.title,
            "findings": dict(self.sentences),
            "failures": dict(self.failures),
            "verdicts": {verdict.claim: asdict(verdict) for verdict in self.verdicts},
            "columns": [asdict(column) for column in self.columns],
        }


def answer(questions: Sequence[Question], dissection: Dissection, keep: Keeper, title: str) -> Answers:
    """Ask questions in their order, and draw the page and the explorer of all of them.

    A question that fails is reported, and so is a figure: the others go on, and results stay. Figures are drawn beside
    the questions that follow, where torch has more than one thread.

    Parameters
    ----------
    dissection
        The network that they are asked of.
    keep
        Where what they find is left, as soon as it is found.
    title
        Of the page.
    """
    started = time.perf_counter()
    with _beside() as draw:
        found = _Found(keep, draw)
        # nothing can be trained or differentiated in the inference mode that a caller may be in
        with torch.inference_mode(False), torch.enable_grad(), VOICE.progress() as progress:
            task = progress.add_task("analyses", total=len(questions))
            for number, question in enumerate(questions, start=1):
                progress.update(task, description=question.name)
                VOICE.begin(f"question {number} of {len(questions)}: {question.name}")
                found.ask(question, dissection)
                progress.advance(task)
        claims = (claim for question in questions for claim in question.claims)
        unjudged = dissection.reason_not_to_judge(keep.metrics.get("bow/test_accuracy"))
        verdicts = judge(claims, keep.metrics, unjudged)
        told = [(verdict.text, verdict.verdict) for verdict in verdicts]
        VOICE.begin("page and explorer")
        found.draw(PAGE, lambda: _leave_page(keep, title, panels_of(questions, found.arrays, found.failures), told))
        found.attempt(EXPLORER, lambda: _leave_explorer(keep, title, found.arrays, told))
    keep.log_metrics({SECONDS: time.perf_counter() - started})
    columns = [column for question in questions for column in question.columns]
    return Answers(title, found.sentences, found.failures, verdicts, columns, found.arrays)


def panels_of(
    questions: Sequence[Question], arrays: Mapping[str, Arrays], undrawable: Container[str] = ()
) -> list[Panel]:
    """Return the panels of the page: every figure of the questions, without arrays where it cannot be drawn."""
    return [
        Panel(question.name, drawing, None if file in undrawable else arrays.get(question.name))
        for question in questions
        for file, drawing in question.figures.items()
    ]


Draw = Callable[[Callable[[], None]], object]


@contextmanager
def _beside() -> Iterator[Draw]:
    """Give what draws figures, one after another, beside what follows; at once where there is to be one thread."""
    if torch.get_num_threads() == 1:
        yield lambda draw: draw()
        return
    artist = ThreadPoolExecutor(1, "figures")
    try:
        drawn = []
        yield lambda draw: drawn.append(artist.submit(draw))
        for figure in drawn:
            figure.result()  # raises what it raised
    finally:
        artist.shutdown(cancel_futures=True)


@dataclass
class _Found:
    """What has been found so far."""

    keep: Keeper
    beside: Draw
    sentences: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, Arrays] = field(default_factory=dict)

    def ask(self, question: Question, dissection: Dissection) -> None:
        started = time.perf_counter()
        self.attempt(question.name, lambda: self._ask(question, dissection))
        self.keep.log_metrics({f"{SECONDS}/{question.name}": time.perf_counter() - started})

    def draw(self, name: str, do: Callable[[], None]) -> None:
        """Attempt to draw something."""
        self.beside(lambda: self.attempt(name, do))

    def attempt(self, name: str, do: Callable[[], None]) -> None:
        """Do what may fail without costing the results; say it, and keep the reason."""
        try:
            do()
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise  # all that follows would fail as well: one message, with which the run ends, is enough
            log.exception("%s failed", name)
            self.failures[name] = f"{type(error).__name__}: {error}"

    def _ask(self, question: Question, dissection: Dissection) -> None:
        if not question.asks(dissection.task):
            self.sentences[question.name] = f"Not asked of {dissection.task.name}."
            return
        try:
            findings = question(dissection)
        except Unanswerable as reason:
            self.sentences[question.name] = f"No answer: {reason}."
        else:
            self._take(question, findings)

    def _take(self, question: Question, findings: Findings) -> None:
        name, arrays = question.name, findings.arrays
        self.sentences[name] = findings.sentence
        self.arrays[name] = dict(arrays)
        self.keep.log_metrics({f"{name}/{metric}": value for metric, value in findings.metrics.items()})
        if arrays:
            self.keep.save_arrays(arrays_file(name), arrays)
        for file, text in findings.texts.items():
            self.keep.save_text(file, text)
        for file, drawing in question.figures.items():
            self.draw(file, partial(self._leave_figure, file, drawing, arrays))

    def _leave_figure(self, file: str, drawing: Drawing, arrays: Arrays) -> None:
        self.keep.save_figure(file, drawing.figure(arrays))


def _leave_page(keep: Keeper, title: str, panels: Sequence[Panel], verdicts: Sequence[tuple[str, str]]) -> None:
    page = draw_page(title, panels, verdicts)
    if page is not None:
        keep.save_figure(PAGE, page)


def _leave_explorer(
    keep: Keeper, title: str, arrays: Mapping[str, Arrays], verdicts: Sequence[tuple[str, str]]
) -> None:
    explorer = make_explorer(title, arrays, verdicts)
    if explorer is not None:
        keep.save_text(EXPLORER, explorer)
