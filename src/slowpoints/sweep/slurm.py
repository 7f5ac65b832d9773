"""Run a sweep's jobs as an array job of Slurm, through submitit."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field, field_validator
from submitit import SlurmExecutor
from submitit.core.utils import DelayedSubmission, FailedJobError, FailedSubmissionError

from slowpoints.console import VOICE
from slowpoints.errors import DamagedFile, UserError
from slowpoints.files import write_text
from slowpoints.options import Count, CountOrNone, Options, Threads
from slowpoints.runs.folder import END, SLURM_JOB
from slowpoints.runs.reading import json_mapping, read_file
from slowpoints.sweep.jobs import End, Job
from slowpoints.sweep.processes import Processes, Slots
from slowpoints.tracking.slurm import OVER, SlurmAwayError, job_states

log = logging.getLogger(__name__)

POLL = 5.0  # seconds between two questions to Slurm, for all jobs at once


class SlurmOptions(Options):
    """`conf/hydra/launcher/slurm.yaml`, where each option is described."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    time_minutes: Count = 240
    max_timeouts: CountOrNone = 20
    memory_gb: Annotated[float, Field(gt=0, le=1e6)] = 8
    cpus: Threads = 4
    gpus: CountOrNone = 0
    jobs_per_gpu: Annotated[int, Field(gt=0, le=1024)] = 1
    array_parallelism: Count = 256
    warning_seconds: Count = 90
    setup: Sequence[str] = ()
    additional: Mapping[str, Any] = Field(default_factory=dict)

    @field_validator("setup", mode="before")
    @classmethod
    def _is_a_list(cls, setup: Any) -> Any:
        if isinstance(setup, str):
            raise ValueError(f"must be a list of shell lines, [{setup}]")
        return setup

    def for_submitit(self) -> dict[str, Any]:
        """Return the parameters that submitit's SlurmExecutor takes."""
        chosen = {
            "job_name": "slowpoints",
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            "time": self.time_minutes,
            "mem": f"{int(1024 * self.memory_gb)}MB",
            "cpus_per_task": self.cpus,
            "gpus_per_node": self.gpus or None,
            "signal_delay_s": self.warning_seconds,
            "array_parallelism": self.array_parallelism,
            # Since Slurm 22.05 srun does not take this over from sbatch.
            "setup": ["export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK", *self.setup],
            "additional_parameters": dict(self.additional) or None,
        }
        return {key: value for key, value in chosen.items() if value is not None}


class Pack:
    """What one Slurm job does: run some jobs of the sweep, all at a time.

    submitit pickles this for the node, and calls `checkpoint` when Slurm announces the end: the jobs then save their
    training, and the same goes back into the queue. The jobs are those of the launcher: nothing is believed here that
    their folders say.
    """

    def __init__(self, jobs: Sequence[Job], threads: int) -> None:
        self.jobs = list(jobs)
        self.threads = threads
        self._processes: Processes | None = None

    def __call__(self) -> None:
        """Run the jobs, and leave in their folders how they ended."""
        jobs = [job for job in self.jobs if not job.is_done]
        ends: dict[str, End] = {}
        self._processes = Processes(jobs, Slots([None] * len(jobs), self.threads), ends)
        with VOICE.speak("normal"):
            self._processes.run()
        for job in jobs:
            _write_end(job, ends[job.name])
        failed = [name for name, end in ends.items() if not end.good]
        if failed:
            raise RuntimeError(f"no results from {', '.join(failed)}")  # Slurm then calls the job failed, too

    def checkpoint(self) -> DelayedSubmission:
        """Let the jobs save their training, and return what is to be done next."""
        if self._processes is not None:
            self._processes.stop()
        return DelayedSubmission(Pack(self.jobs, self.threads))


def run_on_slurm(jobs: Sequence[Job], options: SlurmOptions, ends: MutableMapping[str, End]) -> None:
    """Run jobs as an array job, wait for all, and fill in how each ended.

    Jobs that an earlier call submitted, and that still wait or run, are waited for and not submitted again. When this
    is left by an exception (Ctrl-C), jobs are cancelled. A lost job is noticed within seconds: submitit's own waiting
    asks Slurm more and more rarely, at last every ten minutes.

    Raises
    ------
    UserError
        Where Slurm does not take the jobs.
    """
    waiting = _still_there(jobs)
    known = {job.name for pack in waiting.values() for job in pack}
    waiting.update(_submit([job for job in jobs if job.name not in known], options))
    try:
        for identity, state in _over(waiting):
            for job in waiting[identity]:
                ends[job.name] = _end(job, identity, state)
                log.info("%s: %s %s", job.name, ends[job.name].state, ends[job.name].why)
    except BaseException:
        _cancel(waiting, ends)
        raise


def check_slurm() -> None:
    """Raise UserError where there is no Slurm."""
    if shutil.which("sbatch") is None:
        raise UserError("hydra/launcher=slurm: there is no Slurm here (no sbatch); use hydra/launcher=local")


def _submit(jobs: Sequence[Job], options: SlurmOptions) -> dict[str, list[Job]]:
    """Submit jobs in packs, and return them by Slurm's id."""
    if not jobs:
        return {}
    size = options.jobs_per_gpu
    packs = [list(jobs[start : start + size]) for start in range(0, len(jobs), size)]
    for job in jobs:
        (job.folder / END).unlink(missing_ok=True)
    threads = max(1, options.cpus // size)
    executor = SlurmExecutor(jobs[0].folder.parent / "slurm", max_num_timeout=options.max_timeouts)
    try:
        executor.update_parameters(**options.for_submitit())
        submitted = executor.submit_array([Pack(pack, threads) for pack in packs])
    except (FailedJobError, FailedSubmissionError, subprocess.CalledProcessError, ValueError) as error:
        raise UserError(f"hydra/launcher=slurm: Slurm did not take the jobs: {error}") from error
    found = {}
    for slurm_job, pack in zip(submitted, packs, strict=True):
        found[str(slurm_job.job_id)] = pack
        for job in pack:
            write_text(job.folder / SLURM_JOB, f"{slurm_job.job_id}\n")
            log.info("%s: submitted as Slurm job %s, log: %s", job.name, slurm_job.job_id, job.log)
    return found


def _still_there(jobs: Sequence[Job]) -> dict[str, list[Job]]:
    """Return the jobs that Slurm has from an earlier call and that are not over, by Slurm's id."""
    given: dict[str, list[Job]] = {}
    for job in jobs:
        if (identity := _given_to(job)) is not None:
            given.setdefault(identity, []).append(job)
    try:
        states = job_states(given)
    except SlurmAwayError as error:
        raise UserError(f"hydra/launcher=slurm: Slurm does not answer ({error})") from error
    there = {identity: pack for identity, pack in given.items() if states.get(identity, "GONE") not in {*OVER, "GONE"}}
    for identity, pack in there.items():
        log.info("waiting for Slurm job %s: %s", identity, ", ".join(job.name for job in pack))
    return there


def _given_to(job: Job) -> str | None:
    """Return the Slurm job that a job was given to; None where its folder names none that can be one."""
    path = job.folder / SLURM_JOB
    identity = path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""
    return identity if re.fullmatch(r"\d+(_\d+)?", identity) else None


def _over(waiting: Mapping[str, Sequence[Job]]) -> Iterator[tuple[str, str]]:
    """Yield Slurm's id and last state of each job when it is over."""
    left, seen, away = set(waiting), set(), False
    while left:
        try:
            states = job_states(left)
        except SlurmAwayError as error:
            if not away:
                log.warning("Slurm does not answer (%s); waiting for it", error)
            away = True
        else:
            away = False
            seen |= set(states)
            for identity in sorted(left):
                # Slurm forgets jobs; right after submission it may not know them yet.
                state = states.get(identity, "FORGOTTEN" if identity in seen else "UNKNOWN")
                if state in OVER or state == "FORGOTTEN":
                    left.discard(identity)
                    yield identity, state
        if left:
            time.sleep(POLL)


def _end(job: Job, identity: str, state: str) -> End:
    """Return how a job ended: as its folder says, or, of a lost one, as Slurm says."""
    if job.is_done:
        return End("done")
    with contextlib.suppress(DamagedFile):
        return read_file(job.folder / END, lambda content: End(**json_mapping(content)), "")
    return End("timed out" if state == "TIMEOUT" else "lost", f"Slurm job {identity} ended as {state}")


def _cancel(waiting: Mapping[str, Sequence[Job]], ends: MutableMapping[str, End]) -> None:
    open_jobs = [identity for identity, pack in waiting.items() if any(job.name not in ends for job in pack)]
    if open_jobs:
        log.info("cancelling Slurm jobs %s", ", ".join(open_jobs))
        subprocess.run(["scancel", *open_jobs], check=False)
    for identity in open_jobs:
        for job in waiting[identity]:
            ends.setdefault(job.name, End("interrupted", f"Slurm job {identity} was cancelled; can be resumed"))


def _write_end(job: Job, end: End) -> None:
    write_text(job.folder / END, json.dumps(asdict(end)))
