"""Many runs at once recording in one MLflow store: what gets lost, and how long a run waits.

    python benchmarks/mlflow_concurrency.py --store sqlite       # also: server, server-postgresql, postgresql
    python benchmarks/mlflow_concurrency.py --uri URI            # a store that is there already

Every job is a process with one run, and all begin together: 40 parameters, curves of two metrics with 300 points each
(a point every 50 ms), final metrics, 6 files. Afterwards every point, file and state is looked up in the store; exit
code 1 if any is missing.
Stores are made in a temporary folder and listen on loopback only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import mlflow

from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.run import track
from slowpoints.tracking.store import open_store

EXPERIMENT = "concurrency"
PAUSE = 0.05  # seconds between points: what a step of a small network takes
FILES = 6
start_together: Barrier


@dataclass(frozen=True)
class Job:
    """What one process saw: the run's id, the seconds of each call, of the start, and from the end to the delivery."""

    run_id: str
    calls: list[float]
    start: float
    end: float
    processor: float


def arrive(barrier: Barrier) -> None:
    """Remember, in a new process, what it waits at until all are there."""
    global start_together
    start_together = barrier


def job(uri: str, folder: Path, points: int) -> Job:
    options = TrackingOptions(uri=uri, experiment=EXPERIMENT, patience=300)
    calls = []
    open_store(options)  # importing and connecting is not what is asked
    start_together.wait()
    used = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    with track(options, folder.name, folder, {f"option.{n}": n for n in range(40)}, {}) as run:
        start = time.perf_counter() - started
        for step in range(1, points + 1):
            before = time.perf_counter()
            run.log_curves({"training/loss": 1 / step, "training/accuracy": 1 - 1 / step}, step)
            calls.append(time.perf_counter() - before)
            time.sleep(PAUSE)
        for n in range(FILES):
            run.save_text(f"file-{n}.txt", "x" * 10_000)
        run.log_metrics({f"final/{n}": n for n in range(20)})
        run.save_summary({})
        ended = time.perf_counter()
    after = resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return Job(run.run_id, calls, start, time.perf_counter() - ended, processor)


def missing(uri: str, run_id: str, points: int) -> list[str]:
    """Return what the store lacks of a run."""
    client = mlflow.MlflowClient(uri)
    run = client.get_run(run_id)
    curve = [point.step for point in client.get_metric_history(run_id, "training/loss")]
    lacks = {
        f"status {run.info.status}": run.info.status == "FINISHED",
        f"{len(curve)} points": sorted(curve) == list(range(1, points + 1)),
        f"{len(run.data.params)} params": len(run.data.params) == 40,
        f"{len(run.data.metrics)} metrics": len(run.data.metrics) == 22,
        "files": len(client.list_artifacts(run_id)) == FILES + 1,
    }
    return [f"{run_id}: {what}" for what, good in lacks.items() if not good]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def mlflow_server(folder: Path, backend: str, port: int | None = None, within: float = 120) -> Iterator[str]:
    """Start the documented server on loopback, give its address, and end it."""
    port = port or free_port()
    uri = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", backend, "--artifacts-destination", str(folder / "artifacts")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("a") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + within
        while True:
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=2).close()
                break
            except OSError as error:
                if time.monotonic() > deadline or server.poll() is not None:
                    said = (folder / "server.log").read_text()
                    raise RuntimeError(f"the MLflow server did not start:\n{said}") from error
                time.sleep(0.2)
        yield uri
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, 9)
        server.wait()


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL of its own on loopback, give its address, and end it."""
    initdb = shutil.which("initdb") or next(iter(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    if initdb is None:
        raise SystemExit("PostgreSQL is not installed: no initdb (Debian: apt-get install postgresql)")
    tools = Path(initdb).resolve().parent
    port = free_port()
    data = folder / "pg"
    data.mkdir()
    become: list[str] = []
    if os.getuid() == 0:  # PostgreSQL does not run as root
        become = ["runuser", "-u", "postgres", "--"]
        folder.chmod(0o755)
        shutil.chown(data, "postgres")
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run([*become, tools / "initdb", "-D", data, "-U", "mlflow", "-A", "trust"], **quiet)
    settings = f"-h 127.0.0.1 -p {port} -k {data}"
    log = data / "log"
    subprocess.run([*become, tools / "pg_ctl", "-D", data, "-l", log, "-w", "-o", settings, "start"], **quiet)
    try:
        yield f"postgresql+psycopg://mlflow@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*become, tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)


@contextlib.contextmanager
def made_store(kind: str, folder: Path) -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        database = kind.endswith("postgresql")
        uri = stack.enter_context(postgresql(folder)) if database else f"sqlite:///{folder}/mlflow.db"
        if kind.startswith("server"):
            uri = stack.enter_context(mlflow_server(folder, uri))
        yield uri


def measure(kind: str, uri: str, folder: Path, jobs: int, points: int) -> list[str]:
    """Run the jobs, print one row of the table, and return what is missing."""
    os.chdir(folder)  # where MLflow puts the files of runs that need no server
    open_store(TrackingOptions(uri=uri, experiment=EXPERIMENT))  # once, before any job
    started = time.perf_counter()
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, context, arrive, (context.Barrier(jobs),)) as pool:
        done = list(pool.map(job, [uri] * jobs, [folder / f"job-{n}" for n in range(jobs)], [points] * jobs))
    wall = time.perf_counter() - started
    lost = [what for each in done for what in missing(uri, each.run_id, points)]
    calls = [seconds for each in done for seconds in each.calls]
    print(
        f"| {kind} | {jobs} | {1000 * statistics.mean(calls):.2f} / {1000 * max(calls):.0f} ms "
        f"| {statistics.mean(each.start for each in done):.1f} / {max(each.start for each in done):.1f} s "
        f"| {statistics.mean(each.end for each in done):.1f} / {max(each.end for each in done):.1f} s "
        f"| {statistics.mean(each.processor for each in done):.1f} s | {wall:.0f} s | {len(lost)} |"
    )
    return lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="sqlite", choices=["sqlite", "server", "server-postgresql", "postgresql"])
    parser.add_argument("--uri", help="a store that is there already")
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--points", type=int, default=300)
    options = parser.parse_args()
    print("| store | jobs | a call, mean / max | start | from end to delivery | processor | all | missing |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        uri = options.uri or stack.enter_context(made_store(options.store, Path(name)))
        lost = measure("given" if options.uri else options.store, uri, Path(name), options.jobs, options.points)
    print("\n".join(lost))
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
