"""What Slurm knows of jobs."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Collection, Sequence

log = logging.getLogger(__name__)

# States (squeue(1), sacct(1)) in which a job is over. In all others it runs, waits, or will be started again.
OVER = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
}
ANSWERS_WITHIN = 60  # seconds
SQUEUE = ("squeue", "--noheader", "--array", "--states=all", "--format=%i|%T")
SACCT = ("sacct", "--noheader", "--parsable2", "--allocations", "--format=JobID,State")


class SlurmAwayError(Exception):
    """Slurm is installed here, and does not answer."""


def job_states(jobs: Collection[str]) -> dict[str, str]:
    """Return the state of each job that Slurm knows, such as `RUNNING` or `OUT_OF_MEMORY`.

    Jobs are named as squeue does: `17`, or `17_3` for a task of an array. Where Slurm is not installed, none is known.

    Raises
    ------
    SlurmAwayError
        Where the controller does not answer.
    """
    if not jobs or shutil.which("squeue") is None:
        return {}
    states = _parse(_ask(SQUEUE), jobs)
    gone = sorted(set(jobs) - set(states))
    if gone and shutil.which("sacct") is not None:
        try:
            states |= _parse(_ask([*SACCT, "--jobs", ",".join(gone)]), jobs)
        except SlurmAwayError as error:  # a cluster without accounting
            log.debug("sacct: %s", error)
    return states


def _ask(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWERS_WITHIN, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmAwayError(str(error)) from error
    if done.returncode != 0:
        raise SlurmAwayError(done.stderr.strip() or f"{command[0]} ended with code {done.returncode}")
    return done.stdout


def _parse(text: str, jobs: Collection[str]) -> dict[str, str]:
    """Return states by job from lines like `17_3|CANCELLED by 1000`."""
    rows = [line.strip().split("|") for line in text.splitlines() if "|" in line]
    return {job: state.split()[0] for job, state, *_ in rows if job in jobs and state}
