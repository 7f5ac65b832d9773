"""What happens to a run's records while MLflow does not answer."""

import json
import logging
import sqlite3
import threading

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from slowpoints.app.main import main
from slowpoints.errors import UserError
from slowpoints.tracking import delivery, run
from slowpoints.tracking.journal import Journal, read_state, recorded_run_id
from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.run import track
from slowpoints.tracking.store import reason
from slowpoints.tracking.upload import upload


@pytest.fixture
def away(store, monkeypatch):
    """An event: while it is set, every call to MLflow fails as that to a server that is down."""
    outage = threading.Event()

    class Client(mlflow.MlflowClient):
        def __getattribute__(self, name):
            if outage.is_set() and not name.startswith("_"):
                raise MlflowException("connection refused")
            return super().__getattribute__(name)

    def open_store(options):
        if outage.is_set():
            raise UserError("no MLflow server answers")
        return original(options)

    mlflow.set_tracking_uri(store)
    original = run.open_store
    monkeypatch.setattr(delivery, "MlflowClient", Client)
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(delivery, "LAST_PAUSE", 0.01)
    monkeypatch.setattr(run, "open_store", open_store)
    return outage


def options(store, **changes):
    return TrackingOptions(**{"uri": store, "experiment": "tests", "patience": 20, **changes})


def record(tracked, steps=range(1, 4)):
    for step in steps:
        tracked.log_curves({"training/loss": 1 / step}, step)
    tracked.log_metrics({"test/accuracy": 0.75})
    tracked.save_text("notes.txt", "found")
    tracked.describe("## What was found")


def everything(run_id):
    """Return all that MLflow has of a run, as one comparable value."""
    client = mlflow.MlflowClient()
    found = client.get_run(run_id)
    curves = {
        name: [(point.step, point.value, point.timestamp) for point in client.get_metric_history(run_id, name)]
        for name in found.data.metrics
    }
    files = sorted(file.path for file in client.list_artifacts(run_id))
    return found.info.status, found.info.end_time, curves, found.data.params, found.data.tags, files


def assert_complete(run_id):
    status, _, curves, params, tags, files = everything(run_id)
    assert status == "FINISHED"
    assert [(step, value) for step, value, _ in curves["training/loss"]] == [(1, 1), (2, 1 / 2), (3, 1 / 3)]
    assert [(step, value) for step, value, _ in curves["test/accuracy"]] == [(0, 0.75)]
    assert params == {"arch": "gru"}
    assert tags["mlflow.note.content"] == "## What was found"
    assert files == ["notes.txt"]


@pytest.fixture
def said():
    """An event that is set by the first message."""
    event = threading.Event()
    handler = logging.Handler()
    handler.emit = lambda record: event.set()
    logger = logging.getLogger("slowpoints")
    logger.addHandler(handler)
    yield event
    logger.removeHandler(handler)


def test_a_short_outage_loses_nothing_and_nothing_waits_for_it(store, tmp_path, away, caplog, said):
    with (
        caplog.at_level(logging.WARNING),
        track(options(store), "one", tmp_path / "out", {"arch": "gru"}, {}) as tracked,
    ):
        away.set()
        record(tracked)  # returns although nobody answers
        assert said.wait(timeout=60)
        away.clear()
    assert_complete(tracked.run_id)
    assert "does not answer (connection refused)" in caplog.text
    assert "answers again" in caplog.text


def test_a_long_outage_leaves_everything_for_an_upload_that_can_be_repeated(store, tmp_path, away, caplog, capsys):
    with track(options(store, patience=0.1), "one", tmp_path / "out", {"arch": "gru"}, {}) as tracked:
        away.set()
        record(tracked)
    assert f"slowpoints upload {tmp_path / 'out'}" in caplog.text
    away.clear()
    assert mlflow.get_run(tracked.run_id).info.status == "RUNNING"

    with pytest.raises(SystemExit) as done:
        main(["upload", str(tmp_path)])
    assert done.value.code == 0
    assert "7 entries sent" in capsys.readouterr().out
    assert_complete(tracked.run_id)

    before = everything(tracked.run_id)
    (again,) = upload([tmp_path / "out"])
    assert again.sent == 0
    (again,) = upload([tmp_path / "out"], again=True)
    assert again.run_id == tracked.run_id
    assert again.sent == 9
    assert everything(tracked.run_id) == before
    assert len(mlflow.search_runs(experiment_names=["tests"])) == 1


def test_an_upload_says_what_it_cannot_send(store, tmp_path, away, capsys):
    with track(options(store, patience=0.1), "one", tmp_path / "out", {}, {}):
        away.set()
    with pytest.raises(SystemExit) as done:
        main(["upload", str(tmp_path / "out")])
    assert done.value.code == 1
    assert "1 wait: connection refused" in capsys.readouterr().out


def test_a_run_may_start_without_a_store(store, tmp_path, away):
    away.set()
    with pytest.raises(UserError, match="no MLflow server answers"), track(options(store), "x", tmp_path / "x", {}, {}):
        pass
    assert not (tmp_path / "x").exists()
    offline = options(store, offline_start=True, patience=0.1)
    with track(offline, "one", tmp_path / "out", {"arch": "gru"}, {}) as tracked:
        record(tracked)
    assert tracked.run_id.startswith("local-")
    away.clear()
    upload([tmp_path / "out"])
    run_id = recorded_run_id(tmp_path / "out")
    assert not run_id.startswith("local-")
    assert_complete(run_id)


def test_a_run_whose_creation_went_unanswered_is_found_and_not_made_again(store, tmp_path, away):
    offline = options(store, offline_start=True, patience=0.1)
    with track(offline, "one", tmp_path / "out", {"arch": "gru"}, {}) as tracked:
        record(tracked)
    assert not tracked.run_id.startswith("local-")
    Journal.resume(tmp_path / "out").start_over()  # as if no answer had come
    upload([tmp_path / "out"])
    assert recorded_run_id(tmp_path / "out") == tracked.run_id
    assert len(mlflow.search_runs(experiment_names=["tests"])) == 1


def test_records_can_be_sent_to_another_store(store, tmp_path, away):
    with track(options(store), "one", tmp_path / "out", {"arch": "gru"}, {}) as tracked:
        record(tracked)
    (tmp_path / "other").mkdir()
    (tmp_path / "mlflow.db").rename(tmp_path / "other" / "mlflow.db")
    other = f"sqlite:///{tmp_path}/other/mlflow.db"
    mlflow.MlflowClient(other).delete_run(tracked.run_id)
    (sent,) = upload([tmp_path / "out"], uri=other)
    mlflow.set_tracking_uri(other)
    assert sent.run_id != tracked.run_id
    assert_complete(sent.run_id)
    assert read_state(tmp_path / "out").uri == other


def test_a_continued_run_keeps_its_id_and_repeats_no_point(store, tmp_path, away):
    folder = tmp_path / "out"

    def fail():
        with track(options(store), "one", folder, {"arch": "gru"}, {"sweep": "s"}) as tracked:
            tracked.log_curves({"training/loss": 1}, 1)
            tracked.log_curves({"training/loss": 1 / 2}, 2)
            away.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    away.clear()
    run_id = recorded_run_id(folder)
    with track(options(store), "one", folder, {"arch": "gru"}, {"sweep": "s"}, run_id=run_id) as tracked:
        assert tracked.run_id == run_id
        assert mlflow.get_run(run_id).info.status == "RUNNING"
        record(tracked, steps=range(2, 4))  # the last checkpoint was before the second point
    assert_complete(run_id)
    assert len(mlflow.search_runs(experiment_names=["tests"])) == 1


@pytest.mark.parametrize("there", ["store", "experiment"])
def test_a_run_that_is_continued_elsewhere_is_recorded_there_from_its_beginning(store, tmp_path, there):
    folder = tmp_path / "out"
    with track(options(store), "one", folder, {"arch": "gru"}, {"sweep": "s"}) as tracked:
        tracked.log_curves({"training/loss": 1}, 1)
    other = f"sqlite:///{tmp_path}/other.db" if there == "store" else store
    elsewhere = options(other, experiment="tests" if there == "store" else "others")
    with track(elsewhere, "one", folder, {"arch": "gru"}, {"sweep": "s"}, recorded_run_id(folder)) as tracked:
        record(tracked, steps=range(2, 4))
    mlflow.set_tracking_uri(other)
    assert_complete(tracked.run_id)
    assert mlflow.MlflowClient(other).get_experiment_by_name(elsewhere.experiment) is not None


def test_what_is_no_run_of_the_store_cannot_be_continued(store, tmp_path):
    with (
        pytest.raises(UserError, match="there is no run 0123abcd to continue"),
        track(options(store), "one", tmp_path / "out", {}, {}, run_id="0123abcd"),
    ):
        pass


def test_what_mlflow_refuses_is_said_and_does_not_hold_up_the_rest(store, tmp_path, caplog):
    with track(options(store), "one", tmp_path / "out", {}, {}) as tracked:
        tracked.log_metrics({"a": 1})
        tracked.log_metrics({"no such character: ;": 1})
        tracked.log_metrics({"b": 2})
        tracked.log_file("missing.txt")
    assert mlflow.get_run(tracked.run_id).data.metrics == {"a": 1, "b": 2}
    assert caplog.text.count("MLflow refused the") == 2
    assert mlflow.get_run(tracked.run_id).info.status == "FINISHED"


def test_a_journal_that_was_cut_off_is_read_and_continued(tmp_path):
    journal = Journal.begin(tmp_path, "sqlite:///x.db", "tests", None)
    journal.append(metrics={"a": 1})
    journal.release()
    with journal.path.open("a") as file:
        file.write('{"time": 3, "metr')
    assert len(journal.entries()) == 1
    journal.append(metrics={"b": 2})
    assert [entry.get("metrics") for entry, _ in journal.entries()] == [{"a": 1}, None, {"b": 2}]
    assert all(json.loads(line) for line in journal.path.read_text().splitlines()[::2])


def test_why_a_store_does_not_answer_is_what_its_database_says():
    full = OperationalError("INSERT INTO tags", {}, sqlite3.OperationalError("database or disk is full"))
    error = MlflowException(message=f"(raised by a flush)\n{full}")
    error.__cause__ = full
    assert reason(error) == "database or disk is full"
    assert reason(MlflowException("no answer\nand more")) == "no answer"
    assert reason(ValueError()) == "ValueError"
