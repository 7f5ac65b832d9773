"""One run: its output folder, and the same in MLflow."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np

from slowpoints.files import new_file, save_figure
from slowpoints.tracking.store import open_store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from slowpoints.tracking.options import TrackingOptions


class TrackedRun:
    """Where a run leaves what it finds: every file goes to the output folder first, and then to MLflow.

    Attributes
    ----------
    folder
        The run's output folder.
    run_id, tracking_uri
        Where it is in MLflow.
    metrics
        Final metrics logged so far, by name.
    """

    def __init__(self, folder: Path, run_id: str, tracking_uri: str) -> None:
        self.folder = folder
        self.run_id = run_id
        self.tracking_uri = tracking_uri
        self.metrics: dict[str, float] = {}

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Record final metrics (no step: MLflow shows them as bars)."""
        self.metrics.update(metrics)
        mlflow.log_metrics(dict(metrics), run_id=self.run_id)

    def save_text(self, name: str, text: str) -> None:
        """Leave a text file."""
        with self._new_file(name) as path:
            path.write_text(text, encoding="utf-8")

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Leave arrays as a compressed npz file (no pickle)."""
        with self._new_file(name) as path, path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    def save_figure(self, name: str, figure: Figure) -> None:
        """Leave a figure as PNG and as PDF."""
        for path in save_figure(self.folder / name, figure):
            self.log_file(path.name)

    def keep_file(self, source: Path) -> None:
        """Leave a copy of a file under its own name."""
        if source.resolve() != (self.folder / source.name).resolve():
            with self._new_file(source.name) as path:
                shutil.copyfile(source, path)

    def log_file(self, name: str) -> None:
        """Record in MLflow a file that is in the output folder already."""
        subfolder = str(Path(name).parent)
        mlflow.log_artifact(str(self.folder / name), None if subfolder == "." else subfolder, run_id=self.run_id)

    def save_summary(self, found: Mapping[str, Any]) -> None:
        """Leave every final metric, and what else was found, in `summary.json`."""
        summary = {"metrics": dict(sorted(self.metrics.items())), **found}
        self.save_text("summary.json", json.dumps(summary, indent=2) + "\n")

    @contextmanager
    def _new_file(self, name: str) -> Iterator[Path]:
        """Give a temporary path, and put what was written there under `name`: a file is whole or not there."""
        with new_file(self.folder / name) as path:
            yield path
        self.log_file(name)


@contextmanager
def track(
    options: TrackingOptions, name: str, folder: Path, params: Mapping[str, Any], tags: Mapping[str, str]
) -> Iterator[TrackedRun]:
    """Record a run in MLflow while the context lasts: an exception marks it as failed.

    Raises
    ------
    UserError
        Where the store cannot be used; nothing is recorded then.
    """
    experiment_id = open_store(options)
    where = {"host": socket.gethostname(), "pid": str(os.getpid()), "folder": str(folder)}
    with mlflow.start_run(experiment_id=experiment_id, run_name=name, tags={**where, **tags}) as active:
        mlflow.log_params(dict(params))
        yield TrackedRun(folder, active.info.run_id, options.uri)
