"""The file of a store: made by one process, whole, and never at the cost of what somebody recorded."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from slowpoints.errors import UserError
from slowpoints.tracking import database
from slowpoints.tracking.database import make_database
from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.store import absolute, open_store

PROJECT = Path(__file__).parents[2]
OPEN = """
from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.store import open_store
print(open_store(TrackingOptions(uri="sqlite:///mlflow.db", experiment="tests")))
"""
CUT_OFF_IN_A_TRANSACTION = """
import os, sqlite3
database = sqlite3.connect("mlflow.db")
database.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the end
database.executemany("INSERT INTO experiment_tags VALUES (?, ?, 0)", [(str(n), "x" * 500) for n in range(2000)])
os._exit(0)
"""


@pytest.fixture
def ready_made(_empty_store, monkeypatch):
    """Let tables be copied, which takes no time, in place of made."""
    monkeypatch.setattr(database, "_open", lambda file, folder: shutil.copy(_empty_store, file))


def statement(*statements):
    with closing(sqlite3.connect("mlflow.db")) as changed, changed:
        for each in statements:
            changed.execute(each)


def look(question):
    with closing(sqlite3.connect("mlflow.db")) as file:
        return file.execute(question).fetchall()


def long_ago():
    os.utime("mlflow.db", (1e9, 1e9))  # nobody is making it any more


def test_of_processes_that_begin_together_one_makes_the_store_and_the_others_wait_and_say_so(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    (tmp_path / ".mlflow.db.new").write_text("left by a process that was killed")
    together = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [process.communicate() for process in together]
    assert [out for out, _ in said] == ["1\n"] * 3, said
    assert sum("waiting for it" in err for _, err in said) in (1, 2)  # the third may come when all is done
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}


def test_a_store_whose_making_was_cut_off_is_made_anew(store, ready_made, tmp_path):
    statement("UPDATE alembic_version SET version_num = '451aebb31d03'", "DELETE FROM workspaces")
    before = look("SELECT count(*) FROM experiments")
    statement("DELETE FROM experiments WHERE experiment_id != 0", "DROP TABLE spans")
    subprocess.run([sys.executable, "-c", CUT_OFF_IN_A_TRANSACTION], cwd=tmp_path, check=True)
    assert (tmp_path / "mlflow.db-journal").stat().st_size > 0
    long_ago()
    make_database(tmp_path / "mlflow.db")
    assert before == look("SELECT count(*) FROM experiments")  # those of what is copied
    assert look("SELECT count(*) FROM spans") == [(0,)]
    assert look("PRAGMA integrity_check") == [("ok",)]
    assert open_store(TrackingOptions(uri=store, experiment="tests"))
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}


def test_a_store_that_is_being_made_by_another_program_is_waited_for(store, ready_made, tmp_path, monkeypatch):
    statement("UPDATE alembic_version SET version_num = '451aebb31d03'", "DELETE FROM experiments")
    head = database._scripts().get_current_head()
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 3:  # it finishes
            statement(f"UPDATE alembic_version SET version_num = '{head}'")

    monkeypatch.setattr(database.time, "sleep", wait)
    make_database(tmp_path / "mlflow.db")
    assert len(waits) == 3
    assert look("SELECT count(*) FROM experiments") == [(0,)]  # it was not replaced


@pytest.mark.parametrize("revision", ["451aebb31d03", "fffffffffff0"])
def test_what_was_recorded_stays_whatever_the_state_of_its_store(store, ready_made, tmp_path, monkeypatch, revision):
    client = mlflow.MlflowClient(store)
    client.create_run(client.create_experiment("mine"))
    statement(f"UPDATE alembic_version SET version_num = '{revision}'")
    long_ago()
    asked = []
    monkeypatch.setattr(database, "_open", lambda file, folder: asked.append(file))
    make_database(tmp_path / "mlflow.db")
    assert asked == [tmp_path / "mlflow.db"]  # MLflow itself brings it up to date, or says why not
    assert look("SELECT count(*) FROM runs") == [(1,)]


def test_the_empty_store_of_a_later_mlflow_and_the_file_of_another_program_stay(store, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(database, "_open", lambda file, folder: asked.append(file))
    statement("DELETE FROM experiments", "UPDATE alembic_version SET version_num = 'fffffffffff0'")
    long_ago()
    make_database(tmp_path / "mlflow.db")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other, other:
        other.execute("CREATE TABLE addresses (name TEXT)")
    make_database(tmp_path / "other.db")
    assert [file.name for file in asked] == ["mlflow.db", "other.db"]  # for MLflow to add to, not replaced


def test_a_file_that_is_no_database_is_refused_at_once(tmp_path):
    (tmp_path / "mlflow.db").write_text("this is no database")
    with pytest.raises(UserError, match="no SQLite database"):
        make_database(tmp_path / "mlflow.db")


@pytest.mark.parametrize("name", ["a b", "100%", "a%20b", "data=sst", "é"])
def test_a_store_has_the_same_file_in_every_folder_whatever_it_is_called(ready_made, tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    uri = absolute("sqlite:///mlflow.db?timeout=30")
    assert uri.endswith("?timeout=30")
    monkeypatch.chdir(tmp_path)
    assert open_store(TrackingOptions(uri=uri, experiment="tests"))
    assert {path.name for path in (tmp_path / name).iterdir()} == {"mlflow.db", ".mlflow.db.lock"}
    assert look_into(tmp_path / name / "mlflow.db") == ["Default", "tests", "unused"]


def look_into(file):
    with closing(sqlite3.connect(file)) as store:
        return sorted(name for (name,) in store.execute("SELECT name FROM experiments"))
