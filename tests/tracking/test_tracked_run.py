import signal

import mlflow
import numpy as np
import pytest

from slowpoints.errors import UserError
from slowpoints.interruption import STOP, Interrupted
from slowpoints.tracking.journal import Journal, recorded_run_id
from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.reconcile import reconcile
from slowpoints.tracking.run import complete_record, track
from slowpoints.tracking.store import open_store


def options(store):
    return TrackingOptions(uri=store, experiment="tests")


def test_an_exception_marks_the_run_as_failed(store, tmp_path):
    def fail():
        with track(options(store), "one", tmp_path / "out", {}, {}) as run:
            run.log_metrics({"a/b": 1.5})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    (record,) = mlflow.search_runs(experiment_names=["tests"], output_format="list")
    assert record.info.status == "FAILED"
    assert record.data.metrics == {"a/b": 1.5}
    assert record.data.tags["host"]
    assert record.data.tags["pid"]


def test_arrays_come_back_without_pickle_and_objects_are_refused(store, tmp_path):
    with track(options(store), "one", tmp_path / "out", {}, {}) as run:
        run.save_arrays("arrays/x.npz", {"x": np.arange(3)})
        with pytest.raises(ValueError, match="Object arrays"):
            run.save_arrays("arrays/y.npz", {"y": np.array([{}], dtype=object)})
    with np.load(tmp_path / "out" / "arrays" / "x.npz", allow_pickle=False) as arrays:
        assert arrays["x"].tolist() == [0, 1, 2]
    assert [file.name for file in (tmp_path / "out" / "arrays").iterdir()] == ["x.npz"]  # nothing half-written


def test_the_files_of_runs_lie_beside_their_store_whatever_the_current_folder(store, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with track(options(store), "one", tmp_path / "out", {}, {}) as run:
        run.save_text("notes.txt", "found")
    assert [path.name for path in (tmp_path / "mlruns" / "tests").glob("*/artifacts/*")] == ["notes.txt"]
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_deleted_experiment_is_one_clear_message(store, tmp_path):
    mlflow.delete_experiment(open_store(options(store)))
    with pytest.raises(UserError, match="mlflow experiments restore"):
        open_store(options(store))


def test_a_description_that_is_too_long_is_cut_at_a_line(store, tmp_path):
    with track(options(store), "one", tmp_path / "out", {}, {}) as run:
        run.describe("\n".join(f"- finding {n}" for n in range(1000)))
    note = mlflow.get_run(run.run_id).data.tags["mlflow.note.content"]
    lines = note.splitlines()
    assert lines[-1] == "..."
    assert lines[-3] == f"- finding {len(lines) - 3}"


def test_a_store_that_mlflow_cannot_use_is_refused(tmp_path):
    store = tmp_path / "mlflow.db"
    store.write_text("this is no database")
    with pytest.raises(UserError, match=r"mlflow\.db"):
        open_store(options(f"sqlite:///{store}"))


def status(run_id):
    return mlflow.get_run(run_id).info.status


@pytest.fixture
def _listening():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)}
    STOP.listen()
    yield
    STOP.rest()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_listening")
def test_requests_to_stop_while_the_end_is_recorded_wait_for_it(store, tmp_path, monkeypatch):
    def stopped():
        with track(options(store), "one", tmp_path / "out", {}, {}) as run:
            identities.append(run.run_id)
            monkeypatch.setattr(Journal, "append", asked_in_between)
            signal.raise_signal(signal.SIGTERM)

    def asked_in_between(journal, **entry):
        signal.raise_signal(signal.SIGINT)
        append(journal, **entry)
        signal.raise_signal(signal.SIGTERM)

    append, identities = Journal.append, []
    with pytest.raises(Interrupted):
        stopped()
    assert status(identities[0]) == "KILLED"


def killed_after_its_results(store, folder):
    """Leave what a run leaves that is killed between its results and its end."""
    with track(options(store), "one", folder, {}, {}) as run:
        run.save_summary({})
    journal = (folder / "tracking" / "journal.jsonl").read_text().splitlines(keepends=True)
    assert '"end": "FINISHED"' in journal[-1]
    (folder / "tracking" / "journal.jsonl").write_text("".join(journal[:-2]))
    state = Journal.resume(folder)
    state.mark_sent((folder / "tracking" / "journal.jsonl").stat().st_size)
    mlflow.MlflowClient().update_run(run.run_id, "RUNNING")
    mlflow.MlflowClient().set_tag(run.run_id, "pid", "999999999")
    return run.run_id


@pytest.mark.parametrize(
    "mend", [lambda store, folder: complete_record(folder), lambda store, folder: reconcile(store)]
)
def test_a_run_that_was_killed_between_its_results_and_its_end_finished(store, tmp_path, mend):
    run_id = killed_after_its_results(store, tmp_path / "out")
    assert status(run_id) == "RUNNING"
    mend(store, tmp_path / "out")
    assert status(run_id) == "FINISHED"
    complete_record(tmp_path / "out")
    assert status(run_id) == "FINISHED"


def test_results_of_an_earlier_run_do_not_make_another_in_its_folder_complete(store, tmp_path):
    folder = tmp_path / "out"
    with track(options(store), "one", folder, {}, {}) as run:
        run.save_summary({})
    with pytest.raises(RuntimeError), track(options(store), "two", folder, {}, {}):
        raise RuntimeError
    assert not (folder / "summary.json").exists()
    complete_record(folder)
    assert status(recorded_run_id(folder)) == "FAILED"


def test_what_was_left_half_written_is_removed_when_a_folder_is_taken_up_and_nothing_else(store, tmp_path):
    folder = tmp_path / "out"
    partial = [".page.pdf.bxd_jc8v.partial", "arrays/.pca.npz.abc.partial", "job/tracking/.state.json.x.partial"]
    others = ["mine.partial", ".hidden", "job/.page.png.y.partial"]
    for name in (*partial, *others):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    with track(options(store), "one", folder, {}, {}):
        pass
    left = {str(path.relative_to(folder)) for path in folder.rglob("*.partial")} | {".hidden"}
    assert left == {*others, partial[2]}  # a folder with records of its own is another run's
