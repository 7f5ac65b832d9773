"""Open the MLflow store that runs are recorded in."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from slowpoints.errors import UserError

if TYPE_CHECKING:
    from slowpoints.tracking.options import TrackingOptions

SERVER_ANSWERS_WITHIN = 5.0  # seconds


def open_store(options: TrackingOptions) -> str:
    """Point MLflow at the store, making it where it is a file that does not exist, and return the experiment's id.

    Raises
    ------
    UserError
        Where no server answers, the folder of the file does not exist, or the store cannot be used.
    """
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they announce every step of making a new store
    _check_reachable(options.uri)
    mlflow.set_tracking_uri(options.uri)
    try:
        experiment_id: str = mlflow.set_experiment(options.experiment).experiment_id
    except (MlflowException, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"tracking.uri={options.uri}: MLflow cannot use this store ({reason})") from error
    return experiment_id


def _check_reachable(uri: str) -> None:
    """Fail at once where MLflow would retry for minutes."""
    if uri.startswith("sqlite:///"):
        folder = Path(uri.removeprefix("sqlite:///")).parent
        if not folder.is_dir():
            raise UserError(f"tracking.uri={uri}: there is no folder {folder}; make it, or name a file in one there is")
    if uri.startswith("http"):
        try:
            urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=SERVER_ANSWERS_WITHIN).close()
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise UserError(
                f"tracking.uri={uri}: no MLflow server answers there ({error}); start one with `mlflow server`, "
                "or record in a file with tracking=local"
            ) from error
