"""Run jobs in processes of their own, some at a time, on one machine."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass

from slowpoints.interruption import INTERRUPTED
from slowpoints.runs.targets import targets
from slowpoints.sweep.jobs import End, Job

log = logging.getLogger(__name__)

GRACE = 60.0  # seconds for a job that is asked to stop to write its state; longer than a batch takes
POLL = 0.1  # seconds
PARENT = "SLOWPOINTS_PARENT"  # set for jobs: their standard input ends when whoever started them does
TRUST = "SLOWPOINTS_TRUST"  # set for jobs: what their configuration names, which whoever started them has checked
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Slots:
    """How jobs share a machine.

    Attributes
    ----------
    gpus
        One entry for each job that may run at a time: the GPU it gets, or None for what the environment says.
    threads
        Processor threads of each job.
    timeout
        Seconds that a job may take, or None.
    """

    gpus: Sequence[str | None]
    threads: int
    timeout: float | None = None


class Processes:
    """Jobs in processes, started in order whenever a slot is free.

    A job that fails, or is killed, ends alone. What is running is asked to stop, so that it can go on later, when
    `run` is left by an exception (Ctrl-C), when `stop` is called, and when this process dies, however that happens.

    Attributes
    ----------
    ends
        How jobs ended, by name; filled while they do.
    """

    def __init__(self, jobs: Sequence[Job], slots: Slots, ends: MutableMapping[str, End]) -> None:
        self.ends = ends
        self._waiting = list(jobs)
        self._total = len(jobs)
        self._slots = slots
        self._running: dict[int, _Running] = {}

    def run(self) -> None:
        """Run all jobs, and return when all have ended."""
        try:
            while self._waiting or self._running:
                self._fill()
                self._collect()
                time.sleep(POLL)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ask the running jobs to stop, and wait until they have; do not start the others."""
        self._waiting.clear()
        for running in self._running.values():
            running.ask("interrupted")
        while self._running:
            self._collect()
            time.sleep(POLL)

    def _fill(self) -> None:
        for slot, gpu in enumerate(self._slots.gpus):
            if slot not in self._running and self._waiting:
                job = self._waiting.pop(0)
                self._running[slot] = _Running(job, _start(job, self._slots.threads, gpu))
                log.info(
                    "%s: started (%d of %d), log: %s", job.name, self._total - len(self._waiting), self._total, job.log
                )

    def _collect(self) -> None:
        for slot, running in list(self._running.items()):
            running.enforce(self._slots.timeout)
            code = running.process.poll()
            if code is None:
                continue
            del self._running[slot]
            end = running.end(code)
            self.ends[running.job.name] = end
            why = f", {end.why}" if end.why else ""
            log.info("%s: %s after %.0f s%s", running.job.name, end.state, running.seconds, why)


class _Running:
    """One job's process."""

    def __init__(self, job: Job, process: subprocess.Popen[bytes]) -> None:
        self.job = job
        self.process = process
        self.started = time.monotonic()
        self._asked: tuple[str, float] | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def ask(self, reason: str) -> None:
        """Ask the job to stop."""
        if self._asked is None:
            self._asked = reason, time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)

    def enforce(self, timeout: float | None) -> None:
        """Ask a job to stop whose time is over, and kill one that was asked and does not."""
        if timeout is not None and self.seconds > timeout:
            self.ask("timed out")
        if self._asked is not None and time.monotonic() - self._asked[1] > GRACE:
            self.process.kill()

    def end(self, code: int) -> End:
        if self.process.stdin is not None:
            self.process.stdin.close()
        end = read_end(self.job, code)
        if not end.good and self._asked is not None:
            if self._asked[0] == "timed out":
                return End("timed out", f"after {self.seconds:.0f} s")
            return End("interrupted", "can be resumed")
        return end


def read_end(job: Job, code: int) -> End:
    """Return how a job's process ended, from its exit code (negative: the signal that ended it) and its folder."""
    if code == 0 and job.is_done:
        return End("done")
    if code == INTERRUPTED:
        return End("interrupted", "was asked to stop; can be resumed")
    if code < 0:
        hint = " (out of memory?)" if -code == signal.SIGKILL else ""
        return End("killed", f"by {signal.Signals(-code).name}{hint}")
    return End("failed", last_line(job))


def last_line(job: Job) -> str:
    """Return what the job said last: of a Python error, what it was."""
    with contextlib.suppress(OSError), job.log.open("rb") as file:
        file.seek(max(0, job.log.stat().st_size - 10_000))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""
    return ""


def command(job: Job) -> list[str]:
    """Return the command that runs a job."""
    return [sys.executable, "-m", "slowpoints.app.main", "resume", str(job.folder)]


def _start(job: Job, threads: int, gpu: str | None) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **dict.fromkeys(THREADS, str(threads)), PARENT: str(os.getpid())}
    environment[TRUST] = ",".join(sorted({str(target) for _, target in targets(job.config)}))
    if gpu is not None:
        environment["CUDA_VISIBLE_DEVICES"] = gpu
    with job.log.open("ab") as log:
        return subprocess.Popen(
            command(job),
            stdin=subprocess.PIPE,  # stays open as long as this process lives
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the sweep, which then asks its jobs to stop
        )
