"""Open the MLflow store that runs are recorded in."""

from __future__ import annotations

import logging
import os
import sqlite3
import urllib.error
import urllib.request
import warnings
from typing import TYPE_CHECKING
from urllib.parse import quote

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import DBAPIError, SADeprecationWarning, SQLAlchemyError

from slowpoints.errors import UserError
from slowpoints.tracking.database import SQLITE, address, database_file, make_database

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
    prepare_mlflow()
    _check_answers(options.uri)
    mlflow.set_tracking_uri(options.uri)
    try:
        make_ready(options.uri)
        experiment_id = open_experiment(mlflow.MlflowClient(), options.experiment)
    except (MlflowException, SQLAlchemyError, sqlite3.Error) as error:
        raise UserError(f"tracking.uri={options.uri}: MLflow cannot use this store ({reason(error)})") from error
    return experiment_id


def open_experiment(client: mlflow.MlflowClient, name: str) -> str:
    """Return the id of an experiment, making it where there is none.

    The files of runs in an SQLite store lie beside it, in `mlruns`: MLflow's default is the folder of whoever is first.

    Raises
    ------
    UserError
        Where the experiment was deleted.
    """
    if (known := client.get_experiment_by_name(name)) is None:
        file = database_file(client.tracking_uri)
        beside = file.resolve().parent / "mlruns" if file else None
        try:
            return str(client.create_experiment(name, (beside / quote(name, safe="")).as_uri() if beside else None))
        except MlflowException as error:  # another process was faster
            known = client.get_experiment_by_name(name)
            if known is None:
                raise error from None
    if known.lifecycle_stage != "active":
        raise UserError(
            f"tracking.experiment={name}: this experiment was deleted; name another, or restore it with "
            f"`mlflow experiments restore --experiment-id {known.experiment_id}`"
        )
    return str(known.experiment_id)


def existing_store(uri: str) -> str:
    """Return the address of a store that must be there already, so that a misspelt one is not made.

    Raises
    ------
    UserError
        Where there is no such file, or no server answers.
    """
    prepare_mlflow()
    if (file := database_file(uri)) and not file.is_file():
        raise UserError(f"{uri}: there is no such file; name the store of the runs with --uri")
    _check_answers(uri)
    uri = absolute(uri)  # MLflow keeps a connection for each name, whatever the folder
    mlflow.set_tracking_uri(uri)
    try:
        make_ready(uri)
        mlflow.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, sqlite3.Error) as error:
        raise UserError(f"{uri}: MLflow cannot use this store ({reason(error)})") from error
    return uri


def make_ready(uri: str) -> None:
    """Make the tables of a store that is a file, where it does not have them; a server has made its own.

    MLflow would do so whenever it is asked for anything, and in the way of others who want the same store.

    Raises
    ------
    UserError
        Where the file cannot be made or written to.
    """
    if file := database_file(uri):
        if not file.parent.is_dir():
            raise UserError(
                f"tracking.uri={uri}: there is no folder {file.parent}; make it, or name a file in one there is"
            )
        if not os.access(file if file.exists() else file.parent, os.W_OK):
            raise UserError(
                f"tracking.uri={uri}: cannot be written to; name a file that can, tracking.uri={SQLITE}FILE"
            )
        make_database(file.resolve())


def reason(error: BaseException) -> str:
    """Return in one line why a store did not do what it was asked for: what its database said, where one did."""
    by_database = next((each for each in (error, error.__cause__) if isinstance(each, DBAPIError)), None)
    return (str(by_database.orig if by_database else error).splitlines() or [type(error).__name__])[0]


def absolute(uri: str) -> str:
    """Return the address of a store as it holds in every folder."""
    if (file := database_file(uri)) is None:
        return uri
    _, mark, settings = uri.partition("?")
    return f"{address(file.resolve())}{mark}{settings}"


def prepare_mlflow() -> None:
    """Let MLflow leave retrying and reporting to us: its own retries take minutes, and hide what is wrong."""
    for name, value in {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }.items():
        os.environ.setdefault(name, value)
    for name in ("alembic", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they announce every step of making a new store
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # prints what it raises, too
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    # MLflow's own tables are described in a way that a newer SQLAlchemy advises it against.
    warnings.filterwarnings("ignore", category=SADeprecationWarning)


def _check_answers(uri: str) -> None:
    """Fail at once where MLflow would retry for minutes."""
    if uri.startswith("http"):
        try:
            urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=SERVER_ANSWERS_WITHIN).close()
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise UserError(
                f"tracking.uri={uri}: no MLflow server answers there ({error}); start one with `mlflow server`, "
                "record in a file with tracking=local, or start without with tracking.offline_start=true"
            ) from error
