"""The small grid on a real Slurm: one job killed, another preempted, and then as if nothing had happened."""

import os
import re
import subprocess

import pytest

from integration.sweeps import PROJECT, finish, in_training, kill, numbers, process_of, records, start, sweep, wait_for

GRID = ["experiment=smoke", "analysis=quick", "training.max_epochs=6", "training.patience=6"]
SLURM = [
    "hydra/launcher=slurm",
    "hydra.launcher.partition=low",
    "hydra.launcher.cpus=1",
    "hydra.launcher.memory_gb=2",
    "hydra.launcher.warning_seconds=30",
]
FOLDER = "hydra.sweep.dir=sweep"
NAMES = {f"{arch}-{data}" for arch in ("lstm", "gru", "ugrnn", "rnn") for data in ("first", "second", "third")}


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Give a Slurm of one node with two processors."""
    environment = {**os.environ, "SLURM_CPUS": "2"}
    scripts = PROJECT / "tests" / "slurm"
    subprocess.run(["bash", scripts / "stop.sh"], stdin=subprocess.DEVNULL, check=False)  # jobs that others left
    begun = subprocess.run(
        ["bash", scripts / "start.sh"], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if begun.returncode == 77:
        pytest.skip(begun.stderr.strip().splitlines()[-1])
    assert begun.returncode == 0, begun.stderr
    yield
    assert subprocess.run(["bash", scripts / "stop.sh"], stdin=subprocess.DEVNULL).returncode == 0


def ask_slurm(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def preempt():
    """Take the place of a job in the partition `low`, for a moment."""
    ask_slurm("sbatch", "-p", "main", "-n", "1", "--mem=100M", "-o", "/dev/null", "--wait", "--wrap", "sleep 1")


def restarts(folder):
    """Return how often Slurm began a job again."""
    identity = (folder / "slurm_job.txt").read_text().strip()
    return int(re.search(r"Restarts=(\d+)", ask_slurm("scontrol", "show", "job", identity)).group(1))


@pytest.mark.timeout(900)
def test_the_grid_on_slurm_survives_a_kill_and_a_preemption(slurm, store, tmp_path):
    code, said = sweep([*GRID, "hydra.launcher.threads=1", "hydra.sweep.dir=undisturbed"], tmp_path)
    assert code == 0, said
    expected = numbers(tmp_path / "undisturbed")
    assert set(expected) == NAMES
    os.rename(tmp_path / "mlflow.db", tmp_path / "undisturbed.db")

    # A job is killed; of those that come later one that trains has to make room.
    folder = tmp_path / "sweep"
    first = start([*GRID, *SLURM, FOLDER], tmp_path)
    kill(folder / "lstm-first")
    training = wait_for("a training", lambda: [name for name in NAMES if in_training(folder / name)])
    assert process_of(folder / training[0])
    preempt()
    code, said = finish(first)
    assert code == 1, said
    assert "lstm-first" in said.splitlines()[-1]
    assert {name: restarts(folder / name) > 0 for name in NAMES if restarts(folder / name)}, said
    found = numbers(folder)
    assert set(found) == NAMES - {"lstm-first"}
    assert found == {name: expected[name] for name in found}

    # The same command completes it.
    when = {name: (folder / name / "summary.json").stat().st_mtime_ns for name in found}
    code, said = sweep([*GRID, *SLURM, FOLDER], tmp_path)
    assert code == 0, said
    assert said.count("done before") == 11
    assert numbers(folder) == expected
    assert when == {name: (folder / name / "summary.json").stat().st_mtime_ns for name in when}
    runs = records(store)
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert set(runs) > NAMES
    assert len(runs) == 13
    assert all(runs[name].data.tags["slurm_job"] for name in NAMES)
