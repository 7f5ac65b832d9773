"""A real MLflow server that goes away and comes back, and several jobs at once."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
from benchmarks.mlflow_concurrency import free_port, mlflow_server
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from slowpoints.app.main import config_folder, main, run_command
from slowpoints.sweep.jobs import Job
from slowpoints.tracking.journal import UNKNOWN_TO_MLFLOW, recorded_run_id

PROJECT = Path(__file__).parents[2]
SMALL = [
    "data.documents=400",
    "arch.hidden_size=6",
    "arch.embedding_size=5",
    "training.max_epochs=6",
    "training.patience=6",
    "analysis.sampling.documents=15",
    "analysis.sampling.points=20",
    "threads=1",
]


@pytest.fixture
def server(store, tmp_path):
    """A function that starts the server, always at the same address, and gives a function that ends it."""
    port = free_port()
    with contextlib.ExitStack() as stack:

        def start():
            one = stack.enter_context(contextlib.ExitStack())
            uri = one.enter_context(mlflow_server(tmp_path, store, port))
            return uri, one.close

        yield start


def curve(client, run_id):
    return [point.step for point in client.get_metric_history(run_id, "training/val_accuracy")]


def test_training_goes_on_without_its_server_and_what_it_recorded_is_uploaded(server, tmp_path, capsys):
    uri, stop = server()
    options = [f"tracking.uri={uri}", "tracking=server", "tracking.patience=1", f"hydra.run.dir={tmp_path}/out"]
    job = subprocess.Popen(
        [sys.executable, "-m", "src.run", *SMALL, *options],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        for line in job.stderr:
            if line.startswith("epoch 1 "):
                break
        stop()
        said = job.stderr.read()
        assert job.wait() == 0, said
    finally:
        job.kill()
        job.wait()
    assert "epoch 6 of 6" in said
    assert f"slowpoints upload {tmp_path}/out" in said
    assert (tmp_path / "out" / "summary.json").is_file()

    uri, stop = server()
    client = mlflow.MlflowClient(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("slowpoints").experiment_id])
    assert run.info.status == "RUNNING"
    with pytest.raises(SystemExit) as done:
        main(["upload", str(tmp_path / "out")])
    assert done.value.code == 0, capsys.readouterr()
    run = client.get_run(run.info.run_id)
    assert run.info.status == "FINISHED"
    assert len(curve(client, run.info.run_id)) == 6
    assert "fixed_points/count" in run.data.metrics
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert names >= {"fixed_points.png", "summary.json", "model.safetensors", "arrays"}


def test_a_run_outlives_a_restart_of_its_server(server, tmp_path):
    """The server is down while the run records, and back before the run ends."""
    from slowpoints.tracking.options import TrackingOptions
    from slowpoints.tracking.run import track

    uri, stop = server()
    with track(TrackingOptions(uri=uri, experiment="tests"), "one", tmp_path / "out", {}, {}) as run:
        run.log_curves({"training/val_accuracy": 0.5}, 1)
        stop()
        before = time.monotonic()
        for step in range(2, 50):
            run.log_curves({"training/val_accuracy": 0.5}, step)
        run.save_text("notes.txt", "found")
        assert time.monotonic() - before < 1
        server()
    client = mlflow.MlflowClient(uri)
    assert curve(client, run.run_id) == list(range(1, 50))
    assert client.get_run(run.run_id).info.status == "FINISHED"
    assert [file.path for file in client.list_artifacts(run.run_id)] == ["notes.txt"]


def test_a_killed_training_is_reconciled(store, tmp_path, capsys):
    options = [f"tracking.uri={store}", f"hydra.run.dir={tmp_path}/out", "training.max_epochs=1000"]
    options += ["training.patience=1000"]
    small = [option for option in SMALL if not option.startswith("training.")]
    job = subprocess.Popen(
        [sys.executable, "-m", "src.run", *small, *options],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    for line in job.stderr:
        if line.startswith("epoch 2 "):
            break
    job.send_signal(signal.SIGKILL)
    job.wait()
    with pytest.raises(SystemExit):
        main(["reconcile", "--uri", store])
    assert "gru-synthetic" in capsys.readouterr().out
    mlflow.set_tracking_uri(store)
    (run,) = mlflow.search_runs(experiment_names=["slowpoints"], output_format="list")
    assert run.info.status == "KILLED"
    assert "is gone" in run.data.tags["ended"]
    assert "training/val_accuracy" in run.data.metrics  # what its journal had and MLflow had not came along


def test_the_next_run_marks_those_that_were_killed(store):
    client = mlflow.MlflowClient(store)
    experiment = client.create_experiment("slowpoints")
    before_the_last_boot = {"host": os.uname().nodename, "pid": "1", "process": "another-boot/0/0"}
    killed = client.create_run(experiment, tags=before_the_last_boot).info.run_id
    run_command([*SMALL, "training.max_epochs=1", "analysis=none", f"tracking.uri={store}", "hydra.run.dir=out"])
    found = client.get_run(killed)
    assert found.info.status == "KILLED"
    assert "process 1 on" in found.data.tags["ended"]


@pytest.mark.parametrize("kind", ["sqlite", "server"])
def test_jobs_at_once_lose_nothing(kind):
    """Small here; benchmarks/mlflow_concurrency.py does it with twelve."""
    done = subprocess.run(
        [sys.executable, "benchmarks/mlflow_concurrency.py", "--store", kind, "--jobs", "3", "--points", "20"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"| {kind} | 3 |" in done.stdout


def test_a_server_that_is_not_there_is_said_before_work_starts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        run_command([*SMALL, "tracking=server", "tracking.uri=http://127.0.0.1:1", "hydra.run.dir=out"])
    assert stopped.value.code == 2
    assert "tracking.offline_start=true" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_job_of_a_sweep_that_starts_in_an_outage_keeps_its_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    away = ["tracking=server", f"tracking.uri=http://127.0.0.1:{free_port()}", "tracking.patience=0.1"]
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        config = compose("config", [*SMALL, *away, "training.max_epochs=1", "analysis=none"])
    job = Job("gru", tmp_path / "gru", OmegaConf.to_container(config, resolve=True))
    job.folder.mkdir()
    job.write({})
    with pytest.raises(SystemExit) as stopped:
        main(["resume", str(job.folder)])
    assert stopped.value.code == 0
    assert job.is_done
    assert recorded_run_id(job.folder).startswith(UNKNOWN_TO_MLFLOW)
