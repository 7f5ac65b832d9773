"""Run a sweep's jobs on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from slowpoints.options import Options, Positive, Threads
from slowpoints.sweep.jobs import End, Job
from slowpoints.sweep.processes import Processes, Slots

MEMORY_PER_JOB = 2e9  # bytes: PyTorch, Lightning, and a data set (IMDB)


class LocalOptions(Options):
    """`conf/hydra/launcher/local.yaml`."""

    n_jobs: Annotated[int, Field(gt=0, le=1024)] | None = None
    threads: Threads | None = None
    timeout_minutes: Positive | None = None
    jobs_per_gpu: Annotated[int, Field(gt=0, le=1024)] = 1


def run_here(jobs: Sequence[Job], options: LocalOptions, ends: MutableMapping[str, End]) -> None:
    """Run those of the jobs that are not in `ends` yet, as many at a time as the machine has room for.

    What is left of a sweep runs with as many threads per job as the whole does: sums round by their number.
    """
    missing = [job for job in jobs if job.name not in ends]
    Processes(missing, slots(options, len(jobs), gpus_for(jobs)), ends).run()


def slots(options: LocalOptions, jobs: int, gpus: Sequence[str]) -> Slots:
    """Return how jobs share this machine: on GPUs where there are some, and never with more threads than cores.

    Waiting threads of one process starve the others: two jobs of two threads each on two cores take several times as
    long as one after the other (docs/sweeps.md).
    """
    cores = available_cores()
    timeout = None if options.timeout_minutes is None else 60 * options.timeout_minutes
    places: list[str | None] = [gpu for _ in range(options.jobs_per_gpu) for gpu in gpus]
    if not places:
        room = min(cores // (options.threads or 1), int(available_memory() // MEMORY_PER_JOB))
        places = [None] * (options.n_jobs or max(1, room))
    places = places[: min(options.n_jobs or len(places), jobs)]
    threads = options.threads or max(1, cores // max(1, len(places)))
    return Slots(places, threads, timeout)


def available_cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_memory() -> float:
    """Return the bytes of memory that are free for new processes (without limit where that is not told)."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return float("inf")


def gpus_for(jobs: Sequence[Job]) -> list[str]:
    """Return the GPUs that jobs can use, as CUDA_VISIBLE_DEVICES names them."""
    if all(job.config["training"]["accelerator"] == "cpu" for job in jobs):
        return []
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [gpu for gpu in visible.split(",") if gpu and gpu != "-1"]
    try:
        done = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(index) for index, line in enumerate(done.stdout.splitlines()) if line.startswith("GPU ")]
