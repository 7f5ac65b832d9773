"""True states: find the runs that MLflow believes to be running and that are not."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow import MlflowClient
from mlflow.entities import ViewType

from slowpoints.runs.folder import JOURNAL, RunFolder
from slowpoints.tracking.delivery import deliver
from slowpoints.tracking.journal import Journal, read_state
from slowpoints.tracking.processes import is_alive
from slowpoints.tracking.slurm import OVER, SlurmAwayError, job_states
from slowpoints.tracking.store import reason

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger(__name__)

ENDED = "ended"  # tag: why a run ended that did not finish


@dataclass(frozen=True)
class Verdict:
    """What became of one run that MLflow had as running.

    Attributes
    ----------
    status
        `RUNNING` where it was left alone.
    why
        In words.
    """

    run_id: str
    name: str
    status: str
    why: str


@dataclass(frozen=True)
class _Death:
    status: str
    why: str


def reconcile(uri: str, experiment: str | None = None) -> list[Verdict]:
    """Mark the runs whose process or Slurm job is gone, and return what was found about each that had not ended.

    A run whose folder says how it ended gets what is missing from there; any other is marked `KILLED`, or `FAILED`
    where Slurm says so, with the reason in the tag `ended`. Runs of other machines are left alone unless Slurm knows
    their job.

    Parameters
    ----------
    uri
        The MLflow store.
    experiment
        Name of an experiment; all if None.
    """
    client = MlflowClient(uri)
    runs = _running(client, experiment)
    jobs = {run.data.tags["slurm_job"] for run in runs if "slurm_job" in run.data.tags}
    try:
        states: Mapping[str, str] | None = job_states(jobs)
    except SlurmAwayError as error:
        log.warning("Slurm does not answer (%s); the runs of its jobs are left alone", error)
        states = None
    return [_judge(client, run, states) for run in runs]


def reconcile_if_possible(uri: str, experiment: str) -> None:
    """Do the same in passing: where the store does not answer, it waits for another time."""
    try:
        reconcile(uri, experiment)
    except Exception as error:
        log.warning("Runs could not be reconciled: %s", reason(error))


def _running(client: MlflowClient, experiment: str | None) -> list[Run]:
    experiments = client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
    chosen = [each.experiment_id for each in experiments if experiment in (None, each.name)]
    found: list[Run] = []
    token = None
    while chosen:
        page = client.search_runs(chosen, "attributes.status = 'RUNNING'", page_token=token)
        found.extend(page)
        token = page.token
        if not token:
            break
    return found


def _judge(client: MlflowClient, run: Run, states: Mapping[str, str] | None) -> Verdict:
    run_id, name = run.info.run_id, run.info.run_name
    death = _death(run.data.tags, states)
    if isinstance(death, str):
        return Verdict(run_id, name, "RUNNING", death)
    now = client.get_run(run_id)  # it may have ended by itself meanwhile, or been taken up by another process
    if now.info.status != "RUNNING" or now.data.tags.get("process") != run.data.tags.get("process"):
        return Verdict(run_id, name, now.info.status, "changed while it was looked at")
    folder = Path(run.data.tags.get("folder", ""))
    if _complete_from_folder(folder, run_id):
        return Verdict(run_id, name, client.get_run(run_id).info.status, f"ended; the rest came from {folder}")
    client.set_tag(run_id, ENDED, death.why)
    client.set_terminated(run_id, death.status, _last_sign(folder))
    return Verdict(run_id, name, death.status, death.why)


def _death(tags: Mapping[str, str], states: Mapping[str, str] | None) -> _Death | str:
    """Return how a run died, or why it is left alone."""
    if job := tags.get("slurm_job"):
        if states is None:
            return "Slurm does not answer"
        if state := states.get(job):
            if state not in OVER:
                return f"Slurm job {job} is {state}"
            return _Death("FAILED" if state == "FAILED" else "KILLED", f"Slurm job {job} ended as {state}")
    alive = is_alive(tags)
    where = f"process {tags.get('pid', '?')} on {tags.get('host', 'an unknown machine')}"
    if alive is None:
        return f"{where} cannot be seen from here"
    return f"{where} is alive" if alive else _Death("KILLED", f"{where} is gone without an end of the run")


def _complete_from_folder(folder: Path, run_id: str) -> bool:
    """Send what the run's folder still has, and return whether that says how the run ended."""
    state = read_state(folder)
    if state is None or state.run_id != run_id:
        return False
    journal = Journal.resume(folder)
    if not journal.lock():
        return False
    try:
        journal.complete()
        deliver(journal)
        return journal.ended() is not None
    except Exception as error:
        log.warning("%s could not be sent to MLflow: %s", folder, reason(error))
        return False
    finally:
        journal.release()


def _last_sign(folder: Path) -> int | None:
    """Return when the run last wrote something, in milliseconds, so that its duration is true; None if unknown."""
    journal = RunFolder(folder).records / JOURNAL
    return int(journal.stat().st_mtime * 1000) if journal.is_file() else None


def summary(verdicts: Sequence[Verdict]) -> str:
    """Return one line for each verdict."""
    if not verdicts:
        return "No run is marked as running."
    return "\n".join(f"{verdict.name} ({verdict.run_id[:8]}): {verdict.status}, {verdict.why}" for verdict in verdicts)
