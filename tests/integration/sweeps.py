"""What the tests of whole sweeps have in common."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow

PROJECT = Path(__file__).parents[2]
LONG_ENOUGH = [
    "data.documents=600",
    "training.max_epochs=25",
    "training.patience=25",
]  # to be interrupted in the middle


def start(arguments, folder):
    """Start a sweep as a user does, in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    return subprocess.Popen(
        [sys.executable, "-m", "slowpoints.app.main", "run", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    """Return the exit code, and everything that was said."""
    output, _ = process.communicate()
    return process.returncode, output


def sweep(arguments, folder):
    return finish(start(arguments, folder))


def wait_for(what, condition, seconds=180):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.05)
    return found


def in_training(folder):
    """Whether a job is in the middle of its training: it has left a state to go on from."""
    return (folder / ".resume" / "training.ckpt").is_file()


def process_of(folder):
    """Return the id of the process that runs the job in a folder, or None."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[-3:-1] == [b"resume", str(folder).encode()]:
            return int(entry.parent.name)
    return None


def kill(folder):
    os.kill(wait_for("the job's process", lambda: process_of(folder)), signal.SIGKILL)


def numbers(folder):
    """Return the final metrics of all jobs, but for how long they took."""
    found = {path.parent.name: json.loads(path.read_text())["metrics"] for path in Path(folder).glob("*/summary.json")}
    return {
        name: {metric: value for metric, value in summary.items() if "seconds" not in metric}
        for name, summary in found.items()
    }


def records(store):
    """Return the runs in MLflow by name; the same name twice is an error."""
    mlflow.set_tracking_uri(store)
    runs = mlflow.search_runs(experiment_names=["slowpoints"], output_format="list")
    by_name = {run.info.run_name: run for run in runs}
    assert len(by_name) == len(runs)
    return by_name
