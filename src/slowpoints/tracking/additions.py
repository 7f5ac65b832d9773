"""Give a run more files after it has ended, or while another process records it; its state stays as it is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from mlflow import MlflowClient

from slowpoints.tracking.delivery import deliver
from slowpoints.tracking.journal import Journal, State, read_state
from slowpoints.tracking.store import prepare_mlflow, reason

log = logging.getLogger(__name__)


def add_files(folder: Path, names: Sequence[str]) -> str:
    """Record files of a run's folder with the run, and return what became of that in words.

    Where MLflow does not answer they wait in the folder for `slowpoints upload`.

    Parameters
    ----------
    folder
        Of the run.
    names
        Of the files in it.
    """
    prepare_mlflow()
    state = read_state(folder)
    if state is None:
        return "no run of MLflow belongs to this folder"
    journal = Journal.resume(folder)
    if not journal.lock():
        return _send_past_the_journal(folder, state, names)
    try:
        for name in names:
            journal.append(file=name)
        deliver(journal)
    except Exception as error:
        log.warning("MLflow does not answer (%s)", reason(error))
        return f"MLflow does not answer; later: slowpoints upload {folder}"
    finally:
        journal.release()
    return f"in MLflow with run {journal.state.run_id[:8]}"


def send_files(uri: str, run_id: str, files: Sequence[Path]) -> None:
    """Record files with a run that has no folder here."""
    client = MlflowClient(uri)
    for file in files:
        client.log_artifact(run_id, str(file))


def _send_past_the_journal(folder: Path, state: State, names: Sequence[str]) -> str:
    """Send the files at once, while the process that records the run goes on with its journal."""
    try:
        send_files(state.uri, state.run_id, [folder / name for name in names])
    except Exception as error:
        log.warning("MLflow does not take the files (%s)", reason(error))
        return "the sweep is still running, and MLflow does not answer; the sweep sends its own comparison at its end"
    return f"in MLflow with run {state.run_id[:8]}, which is still running"
