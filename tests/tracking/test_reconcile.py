"""Runs that were killed are found, and others are left alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest

from slowpoints.app.main import main
from slowpoints.tracking import processes
from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.processes import is_alive, own_process
from slowpoints.tracking.reconcile import reconcile
from slowpoints.tracking.store import open_store

JOB = """
import sys, time
from pathlib import Path
from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.run import track
options = TrackingOptions(uri=sys.argv[1], experiment="tests")
with track(options, "job", Path(sys.argv[2]), {}, {}) as run:
    run.log_curves({"training/loss": 0.5}, 1)
    print("started", flush=True)
    time.sleep(600)
"""


def running(store, **tags):
    """Record a run that is said to be running, and return its id."""
    experiment = open_store(TrackingOptions(uri=store, experiment="tests"))
    return mlflow.MlflowClient().create_run(experiment, tags=tags).info.run_id


def status(run_id):
    return mlflow.get_run(run_id).info.status


def test_a_killed_process_is_found_and_a_living_one_left_alone(store, tmp_path, capsys):
    open_store(TrackingOptions(uri=store, experiment="tests"))
    jobs = [
        subprocess.Popen([sys.executable, "-c", JOB, store, str(tmp_path / name)], stdout=subprocess.PIPE, text=True)
        for name in ("killed", "alive")
    ]
    try:
        assert [job.stdout.readline() for job in jobs] == ["started\n"] * 2
        jobs[0].send_signal(signal.SIGKILL)
        jobs[0].wait()
        with pytest.raises(SystemExit) as done:
            main(["reconcile", "--uri", store])
        assert done.value.code == 0
        said = capsys.readouterr().out
        assert f"process {jobs[0].pid} on {os.uname().nodename} is gone" in said
        assert f"process {jobs[1].pid} on {os.uname().nodename} is alive" in said
        found = {
            Path(each.data.tags["folder"]).name: each
            for each in mlflow.search_runs(experiment_names=["tests"], output_format="list")
        }
        assert {name: each.info.status for name, each in found.items()} == {"killed": "KILLED", "alive": "RUNNING"}
        assert "is gone" in found["killed"].data.tags["ended"]
        assert found["killed"].info.end_time / 1000 <= time.time()
        assert found["killed"].data.metrics == {"training/loss": 0.5}
    finally:
        for job in jobs:
            job.kill()
            job.wait()


def test_a_process_id_that_came_back_is_another_process():
    mine = own_process()
    boot, namespace, started = mine["process"].split("/")
    assert is_alive(mine) is True
    assert is_alive({**mine, "process": f"{boot}/{namespace}/{int(started) - 1}"}) is False
    assert is_alive({**mine, "process": f"another-boot/{namespace}/{started}"}) is False
    assert is_alive({**mine, "process": f"{boot}/1/{started}"}) is None  # a container's
    assert is_alive({**mine, "host": "elsewhere"}) is None
    assert is_alive({}) is None


def test_a_zombie_is_not_alive():
    child = subprocess.Popen(["true"])
    stat = Path(f"/proc/{child.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    assert processes._started(child.pid) == ""
    child.wait()


def test_a_run_that_ended_while_mlflow_was_away_gets_its_own_end(store, tmp_path):
    from slowpoints.tracking.journal import Journal

    run_id = running(store, **{**own_process(), "pid": "999999999", "folder": str(tmp_path / "out")})
    journal = Journal.begin(tmp_path / "out", store, "tests", run_id)
    journal.append(metrics={"test/accuracy": 0.5})
    journal.append(end="FINISHED")
    journal.release()
    (verdict,) = reconcile(store)
    assert verdict.status == "FINISHED"
    assert status(run_id) == "FINISHED"
    assert mlflow.get_run(run_id).data.metrics == {"test/accuracy": 0.5}
    assert reconcile(store) == []


def fake(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder first on the path, with commands that answer as Slurm's do."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    fake(folder, "squeue", "printf '17_0|RUNNING\\n17_1|PENDING\\n18|COMPLETING\\n'")
    fake(folder, "sacct", "printf '17_2|OUT_OF_MEMORY\\n17_3|FAILED\\n19|CANCELLED by 1000\\n'")
    return folder


def test_slurm_decides_about_the_runs_of_its_jobs(store, slurm):
    jobs = ["17_0", "17_1", "18", "17_2", "17_3", "19", "20"]
    runs = {job: running(store, slurm_job=job, host="node7", pid="1") for job in jobs}
    here = running(store, **{**own_process(), "process": "an/earlier/one"}, slurm_job="21")
    other = running(store, host="node8", pid="1")
    reconcile(store)
    assert {job: status(run_id) for job, run_id in runs.items()} == {
        "17_0": "RUNNING",
        "17_1": "RUNNING",  # requeued: it waits for its turn
        "18": "RUNNING",
        "17_2": "KILLED",
        "17_3": "FAILED",
        "19": "KILLED",
        "20": "RUNNING",  # unknown to Slurm, on another machine
    }
    assert mlflow.get_run(runs["17_2"]).data.tags["ended"] == "Slurm job 17_2 ended as OUT_OF_MEMORY"
    assert status(here) == "KILLED"  # unknown to Slurm, on this machine
    assert status(other) == "RUNNING"


def test_nobody_is_declared_dead_while_slurm_does_not_answer(store, slurm, caplog):
    fake(slurm, "squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    run_id = running(store, slurm_job="17_2", **{**own_process(), "process": "an/earlier/one"})
    reconcile(store)
    assert status(run_id) == "RUNNING"
    assert "Unable to contact slurm controller" in caplog.text


def test_other_experiments_can_be_left_alone(store):
    run_id = running(store, **{**own_process(), "process": "an/earlier/one"})
    assert reconcile(store, "another") == []
    assert status(run_id) == "RUNNING"
    assert [verdict.status for verdict in reconcile(store, "tests")] == ["KILLED"]


@pytest.mark.parametrize("store_uri", ["sqlite:///none.db", "http://127.0.0.1:1"])
def test_a_store_that_is_not_there_is_one_clear_message(tmp_path, monkeypatch, capsys, store_uri):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as done:
        main(["reconcile", "--uri", store_uri])
    assert done.value.code == 2
    assert store_uri in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
