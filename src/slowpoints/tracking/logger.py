"""Lightning's side of a tracked run: training curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from slowpoints.tracking.run import TrackedRun


class TrainingLogger(Logger):
    """Logs training curves to a run that is open already, and leaves it open for the analyses.

    Lightning's own MLFlowLogger closes the run after the training, and fails with it where the store does not answer.
    """

    def __init__(self, run: TrackedRun) -> None:
        super().__init__()
        self.run = run

    @property
    def name(self) -> str:
        """Return nothing: the folder is the trainer's."""
        return ""

    @property
    def version(self) -> str:
        """Return the run's id."""
        return self.run.run_id

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record one point of some curves."""
        curves = {name: value for name, value in metrics.items() if name != "epoch"}  # Lightning adds it to each
        self.run.log_curves(curves, step or 0)

    @rank_zero_only
    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Do nothing: whoever opened the run recorded its parameters."""
