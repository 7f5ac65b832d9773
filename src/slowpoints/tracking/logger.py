"""Lightning's MLflow logger, made to leave the run open for what follows the training."""

from __future__ import annotations

from pytorch_lightning.loggers import MLFlowLogger

from slowpoints.tracking.run import TrackedRun


class TrainingLogger(MLFlowLogger):
    """Logs training curves to a run that is open already, and does not close it."""

    def __init__(self, run: TrackedRun) -> None:
        super().__init__(tracking_uri=run.tracking_uri, run_id=run.run_id)

    def finalize(self, status: str = "success") -> None:
        """Do nothing: whoever opened the run closes it, after the analyses."""
