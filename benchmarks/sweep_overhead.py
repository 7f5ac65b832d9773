"""What a sweep costs beside its trainings: seconds of each job, and memory of the process that starts them.

    python benchmarks/sweep_overhead.py --jobs 10 200

Runs sweeps of so many tiny jobs (a GRU of 8 units, 60 documents, one epoch, no analyses) as a user does, each in a
temporary folder with a store of its own, one job at a time with one thread, and prints a row for each. What a job takes
beside its training is its start, reading its data, its test, and its records. Exit code 1 if a job has no results.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TINY = [
    *("data=synthetic", "data.documents=60", "data.longest=12", "arch.hidden_size=8", "arch.embedding_size=8"),
    *("training.max_epochs=1", "training.accelerator=cpu", "analysis=none", "hydra.sweep.dir=sweep"),
]
LOOK = 0.2  # seconds between looks at the memory


def peak_memory(pid: int) -> float:
    """Return the most MiB that a process alone has had; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def measure(jobs: int, folder: Path) -> int:
    """Run one sweep, print its row, and return how many jobs have no results."""
    command = [sys.executable, "-m", "slowpoints.app.main", "run", "-m", *TINY, f"seed=range({jobs})"]
    command += ["hydra.launcher.n_jobs=1", "hydra.launcher.threads=1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with (folder / "said.txt").open("w") as said:
        sweep = subprocess.Popen(command, cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=said)
        memory = 0.0
        try:
            while sweep.poll() is None:
                memory = max(memory, peak_memory(sweep.pid))
                time.sleep(LOOK)
        finally:
            sweep.terminate()  # where it is left before its end
            sweep.wait()
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    done = [json.loads(path.read_text())["metrics"] for path in (folder / "sweep").glob("*/summary.json")]
    training = sum(metrics["training/seconds"] for metrics in done)
    print(
        f"| {jobs} | {len(done)} | {wall:.0f} s | {training / jobs:.2f} s | {(wall - training) / jobs:.2f} s "
        f"| {processor / jobs:.2f} s | {memory:.0f} MiB |",
        flush=True,
    )
    return jobs - len(done)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, nargs="+", default=[10, 200])
    options = parser.parse_args()
    print("| jobs | with results | all | training of a job | a job beside it | processor of a job | launcher |")
    print("|---|---|---|---|---|---|---|", flush=True)
    missing = 0
    for jobs in options.jobs:
        with tempfile.TemporaryDirectory() as name:
            missing += measure(jobs, Path(name))
    sys.exit(bool(missing))


if __name__ == "__main__":
    main()
