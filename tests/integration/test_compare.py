"""Networks side by side, as a user asks for them: by sweep, by folder, by experiment."""

import os
from pathlib import Path

import mlflow
import pytest

from slowpoints.app.main import main
from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.run import track
from sweep.finished import finished_run

LEFT = {"comparison.html", "comparison.md", "comparison.csv", "comparison_spread.csv"}
LEFT |= {"comparison.png", "comparison.pdf"}


def artifacts(store, run_id):
    return {file.path for file in mlflow.MlflowClient(store).list_artifacts(run_id)}


@pytest.fixture
def recorded(store, tmp_path):
    """Runs in MLflow as those of a sweep, one of them without results; their folders are gone but for that of one."""
    options = TrackingOptions(uri=store, experiment="tests")
    tags = {"sweep": "abc"}
    for arch, status in (("gru", "here"), ("lstm", "elsewhere"), ("rnn", "failed")):
        made = finished_run(tmp_path / "made" / arch, arch=arch)
        folder = tmp_path / "runs" / arch
        try:
            with track(options, f"{arch}-made", folder, {}, {**tags, "role": "job"}) as run:
                if status == "failed":
                    raise ValueError("no luck")
                run.save_text("config.yaml", (made / "config.yaml").read_text())
                run.save_text("summary.json", (made / "summary.json").read_text())
        except ValueError:
            pass
        if status == "elsewhere":
            os.rename(folder, tmp_path / "on-another-machine")
    with track(options, "sweep-abc", tmp_path / "on-another-machine" / "sweep", {}, {**tags, "role": "summary"}) as run:
        pass
    return run.run_id


def test_a_sweep_is_found_in_mlflow_although_its_folders_are_elsewhere(store, recorded, capsys):
    main(["compare", "abc", "--uri", store])
    said = capsys.readouterr().out
    assert "lstm-made" in said
    assert "Without results yet: rnn-made" in said
    assert {path.name for path in Path("multirun/comparison-abc").iterdir()} == LEFT
    assert artifacts(store, recorded) == LEFT


def test_an_experiment_gets_a_run_for_its_comparison_and_one_only(store, recorded, capsys):
    for _ in range(2):
        main(["compare", "--experiment", "tests", "--uri", store])
    mlflow.set_tracking_uri(store)
    runs = mlflow.search_runs(experiment_names=["tests"], output_format="list")
    (comparison,) = [run for run in runs if run.data.tags["role"] == "comparison"]
    assert artifacts(store, comparison.info.run_id) == LEFT
    assert "| lstm-made | 0.500 |" in Path("multirun/comparison-tests/comparison.md").read_text()


def test_folders_are_compared_without_mlflow(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    finished_run(Path("one"), metrics={"test/accuracy": 0.25})
    finished_run(Path("two"), arch="rnn")
    Path("three").mkdir()  # has not finished
    main(["compare", "one", "two", "--into", "out"])
    page = Path("out/comparison.md").read_text()
    assert "| gru-made | 0.250 |" in page
    assert "rnn-made" in page
    assert "three" not in page
    assert not Path("mlflow.db").exists()


def test_a_comparison_that_mlflow_does_not_take_waits_in_the_folder(store, tmp_path, capsys):
    folder = tmp_path / "one"
    nobody = TrackingOptions(uri="http://127.0.0.1:1", experiment="tests", offline_start=True, patience=0)
    with track(nobody, "one", folder, {}, {}):
        pass
    finished_run(folder / "run")
    main(["compare", "one"])
    assert "slowpoints upload one" in capsys.readouterr().out
    with pytest.raises(SystemExit) as done:
        main(["upload", "one", "--uri", store])
    assert done.value.code == 0
    mlflow.set_tracking_uri(store)
    (run,) = mlflow.search_runs(experiment_names=["tests"], output_format="list")
    assert artifacts(store, run.info.run_id) == LEFT
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no MLflow store in this folder"),
        (["."], "no finished runs"),
        ([".", "nowhere"], "nowhere: there is no such folder"),
        (["nowhere", "--uri", "sqlite:///none.db"], "there is no such file"),
    ],
)
def test_what_cannot_be_compared_is_said(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it when it is told an address
    with pytest.raises(SystemExit) as stopped:
        main(["compare", *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_unknown_name_is_told_what_there_is(store, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "nothing", "--uri", store])
    assert stopped.value.code == 2
    assert "; experiments: Default, " in capsys.readouterr().err
