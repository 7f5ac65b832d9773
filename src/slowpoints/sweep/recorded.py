"""Find the runs of a sweep or an experiment in an MLflow store, and bring here the results that are elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import FileInfo, Run
from mlflow.exceptions import MlflowException

from slowpoints.errors import DamagedFile, UserError
from slowpoints.runs.folder import ARRAYS, CONFIG, SUMMARY, RunFolder, arrays_file
from slowpoints.sweep.networks import DRAWN
from slowpoints.tracking.journal import recorded_run_id

log = logging.getLogger(__name__)

SWEEP, ROLE = "sweep", "role"  # tags of the runs of a sweep
NO_NETWORK = ("summary", "comparison")  # roles of runs that belong to several networks
WANTED = (SUMMARY, CONFIG, *map(arrays_file, DRAWN))


@dataclass(frozen=True)
class Recorded:
    """Runs in an MLflow store.

    Attributes
    ----------
    experiment
        Name of their experiment.
    finished
        Those that have results.
    unfinished
        Names of the others.
    summary
        The summary run of the sweep; None of an experiment.
    """

    experiment: str
    finished: Sequence[Run]
    unfinished: Sequence[str] = field(default_factory=list)
    summary: Run | None = None


def find_sweep(uri: str, identity: str) -> Recorded | None:
    """Return the runs of a sweep, or None where the store has none."""
    client = MlflowClient(uri)
    names = {each.experiment_id: each.name for each in client.search_experiments()}
    runs = _search(client, list(names), f"tags.{SWEEP} = '{identity}'")
    if not runs:
        return None
    summary = next((run for run in runs if run.data.tags.get(ROLE) == "summary"), None)
    return _recorded(names[runs[0].info.experiment_id], runs, summary)


def find_experiment(uri: str, name: str) -> Recorded | None:
    """Return all runs of an experiment, or None where the store has no such experiment."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(name)
    return _recorded(name, _search(client, [experiment.experiment_id], ""), None) if experiment else None


def known_names(uri: str) -> list[str]:
    """Return the names of all experiments."""
    return sorted(each.name for each in MlflowClient(uri).search_experiments())


def result_folders(uri: str, runs: Sequence[Run], cache: Path) -> list[Path]:
    """Return a folder with the results of each run: its own where it is on this machine, else a copy from MLflow."""
    client = MlflowClient(uri)
    folders = []
    for run in runs:
        own = Path(run.data.tags.get("folder", ""))
        if own.name and (own / SUMMARY).is_file() and recorded_run_id(own) == run.info.run_id:
            folders.append(own)
        elif (copy := _download(client, run, cache / run.info.run_id)) is not None:
            folders.append(copy)
    return folders


def _recorded(experiment: str, runs: Sequence[Run], summary: Run | None) -> Recorded:
    jobs = [run for run in runs if run.data.tags.get(ROLE) not in NO_NETWORK]
    finished = [run for run in jobs if run.info.status == "FINISHED"]
    done = {run.info.run_name for run in finished}
    unfinished = sorted({run.info.run_name for run in jobs} - done)
    return Recorded(experiment, finished, unfinished, summary)


def _search(client: MlflowClient, experiments: list[str], condition: str) -> list[Run]:
    found: list[Run] = []
    token = None
    while experiments:
        page = client.search_runs(experiments, condition, page_token=token, order_by=["attributes.start_time"])
        found.extend(page)
        token = page.token
        if not token:
            break
    return found


def _download(client: MlflowClient, run: Run, target: Path) -> Path | None:
    """Bring what a comparison needs of a run into a folder; None where MLflow has no results of it."""
    if _is_whole(target):
        return target  # of a run that is over
    there = {each.path for each in [*_list(client, run, None), *_list(client, run, ARRAYS)]}
    if not {SUMMARY, CONFIG} <= there:
        log.warning("%s (%s) has no %s in MLflow; it is left out", run.info.run_name, run.info.run_id[:8], SUMMARY)
        return None
    target.mkdir(parents=True, exist_ok=True)
    for name in reversed([name for name in WANTED if name in there]):  # the summary last: then the copy is whole
        try:
            client.download_artifacts(run.info.run_id, name, str(target))
        except (MlflowException, OSError) as error:
            raise UserError(
                f"{run.info.run_name}: MLflow does not give {name} of run {run.info.run_id} ({error})"
            ) from error
    return target


def _is_whole(copy: Path) -> bool:
    """Whether a copy of a run is there and can be read; one that cannot is brought again."""
    run = RunFolder(copy)
    try:
        run.summary(), run.config(), run.arrays(DRAWN)
    except DamagedFile as error:
        if run.has(SUMMARY):
            log.warning("%s %s; it is brought again from MLflow", error.path, error.reason)
        return False
    return True


def _list(client: MlflowClient, run: Run, folder: str | None) -> Sequence[FileInfo]:
    try:
        return client.list_artifacts(run.info.run_id, folder)
    except (MlflowException, OSError):
        return []
