"""Sweeps on one machine: killed in every way, resumed, and then as if nothing had happened."""

import json
import os
import signal
from pathlib import Path

import pytest

from integration.sweeps import (
    LONG_ENOUGH,
    finish,
    in_training,
    kill,
    numbers,
    process_of,
    records,
    start,
    sweep,
    wait_for,
)

SWEEP = ["experiment=smoke", "arch=gru,rnn", "data.name=first", *LONG_ENOUGH]
FOLDER = "hydra.sweep.dir=sweep"


def folders(tmp_path):
    return tmp_path / "sweep" / "gru-first", tmp_path / "sweep" / "rnn-first"


@pytest.mark.timeout(600)
def test_a_sweep_that_was_killed_is_completed_by_the_same_command_with_the_same_numbers(store, tmp_path):
    code, said = sweep([*SWEEP, "hydra.sweep.dir=undisturbed"], tmp_path)
    assert code == 0, said
    expected = numbers(tmp_path / "undisturbed")
    assert set(expected) == {"gru-first", "rnn-first"}
    os.rename(tmp_path / "mlflow.db", tmp_path / "undisturbed.db")
    gru, rnn = folders(tmp_path)

    # One job is killed: the other is whole.
    first = start([*SWEEP, FOLDER], tmp_path)
    wait_for("the training", lambda: in_training(gru))
    kill(gru)
    code, said = finish(first)
    assert code == 1, said
    assert "killed" in said
    assert "gru-first" in said.splitlines()[-1]
    assert numbers(tmp_path / "sweep") == {"rnn-first": expected["rnn-first"]}
    before = records(store)
    assert {name: run.info.status for name, run in before.items()} == {
        "gru-first": "KILLED",
        "rnn-first": "FINISHED",
        f"sweep-{identity(tmp_path)}": "FAILED",
    }
    when = (rnn / "summary.json").stat().st_mtime_ns

    # The sweep itself is killed: its job saves its state and ends. Meanwhile nobody else may work on it.
    second = start([*SWEEP, FOLDER], tmp_path)
    process = wait_for("the job's process", lambda: process_of(gru))
    os.kill(process, signal.SIGSTOP)  # so that it does not come to its end before the sweep is killed
    code, said = sweep([*SWEEP, FOLDER], tmp_path)
    assert code == 2, said
    assert "is being run by process" in said
    second.send_signal(signal.SIGKILL)
    second.wait()
    os.kill(process, signal.SIGCONT)
    wait_for("the job to end", lambda: not Path(f"/proc/{process}").exists())
    assert not (gru / "summary.json").exists()

    # Naming it is enough.
    code, said = sweep([f"sweep.resume={identity(tmp_path)}", FOLDER], tmp_path)
    assert code == 0, said
    assert "done before" in said
    assert numbers(tmp_path / "sweep") == expected
    assert (rnn / "summary.json").stat().st_mtime_ns == when
    after = records(store)
    assert {run.info.status for run in after.values()} == {"FINISHED"}
    assert {name: run.info.run_id for name, run in after.items()} == {
        name: run.info.run_id for name, run in before.items()
    }
    history = [(p.step, p.value) for p in curve(store, after["gru-first"])]
    assert len(history) == 25
    assert len({step for step, _ in history}) == 25
    assert after["gru-first"].data.tags["sweep"] == identity(tmp_path)
    assert not (gru / ".resume").exists()


def identity(tmp_path):
    return json.loads((tmp_path / "sweep" / "sweep.json").read_text())["id"]


def curve(store, run):
    import mlflow

    return mlflow.MlflowClient(store).get_metric_history(run.info.run_id, "training/val_accuracy")


@pytest.mark.timeout(600)
def test_a_search_analyses_what_is_best_on_validation(store, tmp_path):
    search = [
        "experiment=search",
        "arch=gru",
        "data=synthetic",
        "data.documents=200",
        "arch.hidden_size=6",
        "arch.embedding_size=5",
        "analysis.sampling.documents=15",
        "analysis.sampling.points=20",
        "training.max_epochs=2",
        "analysis=quick",
        "hydra.sweeper.search={training.rate: '0.0001,0.05'}",
        FOLDER,
    ]
    code, said = sweep(search, tmp_path)
    assert code == 0, said
    found = numbers(tmp_path / "sweep")
    assert set(found) == {"gru-synthetic", "gru-synthetic-rate0.0001", "gru-synthetic-rate0.05"}
    final, slow, fast = (found[f"gru-synthetic{suffix}"] for suffix in ("", "-rate0.0001", "-rate0.05"))
    best = max((slow, fast), key=lambda trial: trial["val/accuracy"])
    assert {metric: final[metric] for metric in best} == best
    assert {metric for metric in final if metric.startswith("fixed_points/")}
    assert not {metric for metric in best if metric.startswith("fixed_points/")}

    code, said = sweep(search, tmp_path)
    assert code == 0, said
    assert said.count("done before") == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-m", "arch=gru,transformer"], ["arch=transformer", "gru, linear, lstm, rnn, ugrnn"]),
        (["-m", "training.rate=0.1,-1,0"], ["training.rate: must be greater than 0, got -1", "got 0"]),
        (["-m", "arch=gru,rnn", "data=files", "data.train=nothing.csv"], ["nothing.csv"]),
        (
            ["-m", "arch=gru,rnn", "hydra.sweeper.prefer=[training.rate]"],
            ["hydra.sweeper.prefer", "hydra.sweeper.search"],
        ),
        (  # other choices than the experiment's: two trials and what is taken
            [
                "experiment=search",
                "arch=gru",
                "data=synthetic",
                'hydra.sweeper.search={arch.hidden_size: "5,6"}',
                "hydra.launcher.n_jobs=0",
            ],
            ["3 jobs", "hydra.launcher.n_jobs: must be greater than 0"],
        ),
        (["-m", "arch=gru,rnn", "hydra.launcher.n_jobs=0"], ["hydra.launcher.n_jobs: must be greater than 0"]),
        (
            ["-m", "hydra/launcher=slurm", "hydra.launcher.setup=module load cuda"],
            ["hydra.launcher.setup", "[module load"],
        ),
        (["-m", "arch=gru,rnn", "hydra.launcher.jobs=1"], ["hydra.launcher.jobs", "n_jobs"]),
        (["-m", "arch=gru,rnn", "hydra/launcher=moon"], ["hydra/launcher", "local", "slurm"]),
        (["sweep.resume=abc"], ["there is no sweep", "sweep-abc"]),
        (["sweep.resume=abc", "arch=gru"], ["with its own options", "arch=gru"]),
        (["experiment=gird"], ["experiment=gird", "grid, phase, recipes, search, seeds, smoke"]),
    ],
)
def test_what_users_get_wrong_is_said_before_anything_is_made(tmp_path, arguments, words):
    code, said = sweep(arguments, tmp_path)
    assert code == 2, said
    for word in words:
        assert word in said
    assert "Traceback" not in said
    assert not (tmp_path / "multirun").exists()
    assert not (tmp_path / "mlflow.db").exists()
