"""What an analysis is, and the callback that runs the chosen ones after the test."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pytorch_lightning as pl
from rich.progress import track

from slowpoints.analysis.dissection import Dissection

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from slowpoints.analysis.options import Sampling
    from slowpoints.text.datamodule import SentimentData
    from slowpoints.tracking.run import TrackedRun
    from slowpoints.training.module import SentimentClassifier

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Findings:
    """What an analysis found.

    Attributes
    ----------
    sentence
        The finding in words, with its numbers, whether or not it is what was expected.
    metrics
        Final numbers, by their names without the analysis's prefix.
    arrays
        What was computed, for later use.
    figures
        By file name: functions that draw from the arrays alone, so that figures can be redrawn without the network.
    """

    sentence: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    figures: Mapping[str, Callable[[Mapping[str, np.ndarray]], Figure]] = field(default_factory=dict)


class Analysis(Protocol):
    """Answers one question about a trained network.

    Attributes
    ----------
    name
        Prefix of its metrics, and the name of its file of arrays.
    """

    name: str

    def __call__(self, dissection: Dissection) -> Findings:
        """Return what was found."""
        ...


class AnalysisCallback(pl.Callback):
    """Runs analyses after the test, and leaves what they find with the run.

    Parameters
    ----------
    analyses
        In the order in which they run. An analysis that fails is reported, and the others go on.
    sampling
        How many documents and points the shared quantities are computed from.
    seed
        Of the choice of documents and of states.
    run
        Where findings are left.
    """

    def __init__(self, analyses: Sequence[Analysis], sampling: Sampling, seed: int, run: TrackedRun) -> None:
        self.analyses = analyses
        self.sampling = sampling
        self.seed = seed
        self.run = run
        self.sentences: dict[str, str] = {}
        self.failures: dict[str, str] = {}

    def on_test_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Run the analyses on the network that has been tested."""
        classifier: SentimentClassifier = module  # type: ignore[assignment]
        data: SentimentData = trainer.datamodule  # type: ignore[attr-defined]
        dissection = Dissection(classifier.network, data.data, self.sampling, self.seed)
        for analysis in track(self.analyses, "analyses", disable=len(self.analyses) < 2, transient=True):
            try:
                findings = analysis(dissection)
            except Exception as error:
                log.exception("The analysis %s failed", analysis.name)
                self.failures[analysis.name] = f"{type(error).__name__}: {error}"
            else:
                self.sentences[analysis.name] = findings.sentence
                self._save(analysis.name, findings)

    def _save(self, name: str, findings: Findings) -> None:
        self.run.log_metrics({f"{name}/{metric}": value for metric, value in findings.metrics.items()})
        if findings.arrays:
            self.run.save_arrays(f"arrays/{name}.npz", findings.arrays)
        for file, draw in findings.figures.items():
            self.run.save_figure(file, draw(findings.arrays))
