import mlflow
import numpy as np
import pytest

from slowpoints.errors import UserError
from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.run import track
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
