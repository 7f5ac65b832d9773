"""The callback that runs the chosen analyses after the test."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch

from slowpoints.analysis.analysis import Analysis, Findings, Unanswerable
from slowpoints.analysis.claims import Verdict, judge
from slowpoints.analysis.dissection import Dissection
from slowpoints.console import VOICE
from slowpoints.figures.explorer import FILE as EXPLORER
from slowpoints.figures.explorer import make_explorer
from slowpoints.figures.page import draw_page

if TYPE_CHECKING:
    import numpy as np

    from slowpoints.analysis.options import Sampling
    from slowpoints.tasks.batches import TaskData
    from slowpoints.tracking.run import TrackedRun
    from slowpoints.training.model import RecurrentClassifier
    from slowpoints.training.module import TaskModule

log = logging.getLogger(__name__)


class AnalysisCallback(pl.Callback):
    """Runs analyses after the test, and leaves what they find with the run.

    Parameters
    ----------
    title
        Of the page: what the network is.
    analyses
        In the order in which they run. An analysis that fails is reported, and so is a figure: the others go on.
    untrained
        The network with its initial weights.
    sampling
        How many documents and points the shared quantities are computed from.
    seed
        Of the choice of documents and of states.
    run
        Where findings are left.

    Attributes
    ----------
    sentences
        What was found, by analysis.
    failures
        Why an analysis failed, or a figure, by the analysis or the figure's file.
    verdicts
        On each claim of the paper that the findings bear on.
    """

    def __init__(
        self,
        title: str,
        analyses: Sequence[Analysis],
        untrained: RecurrentClassifier,
        sampling: Sampling,
        seed: int,
        run: TrackedRun,
    ) -> None:
        self.title = title
        self.analyses = analyses
        self.untrained = untrained
        self.sampling = sampling
        self.seed = seed
        self.run = run
        self.sentences: dict[str, str] = {}
        self.failures: dict[str, str] = {}
        self.verdicts: list[Verdict] = []
        self._arrays: dict[str, dict[str, np.ndarray]] = {}
        self._undrawable: set[str] = set()  # analyses with a figure that failed

    def on_test_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Run the analyses on the network that has been tested."""
        if not self.analyses:
            return
        started = time.perf_counter()
        classifier: TaskModule = module  # type: ignore[assignment]
        data: TaskData = trainer.datamodule  # type: ignore[attr-defined]
        accuracy = float(trainer.callback_metrics["test/accuracy"])
        untrained = self.untrained.to(classifier.device)
        dissection = Dissection(classifier.network, untrained, data.task, self.sampling, self.seed, accuracy)
        # Lightning tests in inference mode, in which nothing can be trained or differentiated
        with torch.inference_mode(False), torch.enable_grad(), VOICE.progress() as progress:
            task = progress.add_task("analyses", total=len(self.analyses))
            for analysis in self.analyses:
                progress.update(task, description=analysis.name)
                self._answer(analysis, dissection)
                progress.advance(task)
        self.verdicts = judge(self.run.metrics)
        self.title += f": {accuracy:.1%} of {len(data.task.test)} test documents right"
        verdicts = [(verdict.text, verdict.verdict) for verdict in self.verdicts]
        self._attempt("page", lambda: self._leave_page(verdicts))
        self._attempt(EXPLORER, lambda: self._leave_explorer(verdicts))
        self.run.log_metrics({"analysis/seconds": time.perf_counter() - started})

    def summary(self) -> dict[str, Any]:
        """Return what was found in words, and the verdicts, as plain values."""
        return {
            "title": self.title,
            "findings": self.sentences,
            "failures": self.failures,
            "verdicts": {verdict.claim: asdict(verdict) for verdict in self.verdicts},
        }

    def _answer(self, analysis: Analysis, dissection: Dissection) -> None:
        started = time.perf_counter()
        self._attempt(analysis.name, lambda: self._ask(analysis, dissection))
        log.debug("%s took %.1f s", analysis.name, time.perf_counter() - started)

    def _ask(self, analysis: Analysis, dissection: Dissection) -> None:
        try:
            findings = analysis(dissection)
        except Unanswerable as reason:
            self.sentences[analysis.name] = f"No answer: {reason}."
        else:
            self._keep(analysis.name, findings)

    def _keep(self, name: str, findings: Findings) -> None:
        self.sentences[name] = findings.sentence
        self._arrays[name] = dict(findings.arrays)
        self.run.log_metrics({f"{name}/{metric}": value for metric, value in findings.metrics.items()})
        if findings.arrays:
            self.run.save_arrays(f"arrays/{name}.npz", findings.arrays)
        for file, drawing in findings.figures.items():
            if not self._attempt(file, lambda: self.run.save_figure(file, drawing.figure(findings.arrays))):  # noqa: B023
                self._undrawable.add(name)

    def _leave_page(self, verdicts: Sequence[tuple[str, str]]) -> None:
        """Draw the page; what cannot be drawn on its own is left out."""
        drawable = {name: arrays for name, arrays in self._arrays.items() if name not in self._undrawable}
        page = draw_page(self.title, drawable, verdicts)
        if page is not None:
            self.run.save_figure("page", page)

    def _leave_explorer(self, verdicts: Sequence[tuple[str, str]]) -> None:
        explorer = make_explorer(self.title, self._arrays, verdicts)
        if explorer is not None:
            self.run.save_text(EXPLORER, explorer)

    def _attempt(self, name: str, do: Callable[[], None]) -> bool:
        """Do what may fail without costing the results, and return whether it did not; say it, and keep the reason."""
        try:
            do()
        except Exception as error:
            log.exception("%s failed", name)
            self.failures[name] = f"{type(error).__name__}: {error}"
            return False
        return True
