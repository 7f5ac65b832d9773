"""What the doctor finds, and what it says when something is missing."""

import json
import subprocess
import sys
from importlib import metadata

import pytest

from slowpoints.app import doctor
from slowpoints.app.main import config_folder, main
from slowpoints.text import hub


def options(*overrides):
    return doctor.run_options(overrides, config_folder())


def diagnose(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["doctor", *arguments])
    return stopped.value.code, capsys.readouterr()


@pytest.fixture(autouse=True)
def _in_an_empty_folder_without_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hub, "hub_answers", lambda: False)


def test_where_only_the_library_is_installed_every_command_says_what_is_needed():
    code = "import sys; sys.modules['hydra'] = None; from slowpoints.app.main import main; main(['doctor'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "need more than the library, such as hydra" in done.stderr
    assert ".[experiments]" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_default_run_needs_no_network_and_leaves_no_trace(capsys, tmp_path):
    code, said = diagnose(capsys, "console=json")
    document = json.loads(said.out)
    states = {each["name"]: each["state"] for each in document["checks"]}
    assert code == 0
    assert document["works"]
    assert states["Hugging Face hub"] == "limited"
    assert {states[name] for name in ("packages", "output", "MLflow store", "data")} == {"works"}
    assert not list(tmp_path.iterdir())


def test_what_a_run_lacks_is_said_with_what_to_do(capsys):
    code, said = diagnose(capsys, "data=imdb", "tracking=server", "tracking.uri=http://127.0.0.1:9")
    assert code == 1
    assert "A run would fail: MLflow store, data" in said.out
    assert "data.root=FOLDER" in said.out
    assert "mlflow server" in said.out


def test_wrong_options_are_refused(capsys):
    code, said = diagnose(capsys, "arch=transformer")
    assert code == 2
    assert "gru, linear, lstm, rnn, ugrnn" in said.err


def test_packages_that_are_missing_or_too_old_are_named(monkeypatch):
    wanted = ["torch>=1000", "nothing-of-this-name>=1", "numpy", 'pytest<0; extra == "dev"']
    monkeypatch.setattr(metadata, "requires", lambda name: wanted)
    found = doctor.packages()
    assert found.state == "fails"
    assert "torch" in found.found
    assert "nothing-of-this-name is not installed" in found.found
    assert "numpy" not in found.found
    assert "pytest" not in found.found


def test_more_threads_than_cores_are_advised_against():
    assert doctor.processors(threads=1).state == "works"
    assert "threads=" in doctor.processors(threads=10_000).advice


def test_a_gpu_that_is_asked_for_must_be_there(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert doctor.gpu("auto").state == "works"
    assert doctor.gpu("gpu").state == "fails"
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert "CUDA" in doctor.gpu("auto").advice


def test_a_folder_must_take_files_and_have_room(tmp_path, monkeypatch):
    assert doctor.writable("output", tmp_path / "new" / "folder", needed=True).state == "works"
    (tmp_path / "file").touch()
    assert doctor.writable("output", tmp_path / "file" / "folder", needed=True).state == "fails"
    assert doctor.writable("cache", tmp_path / "file" / "folder", needed=False).state == "limited"
    monkeypatch.setattr("os.access", lambda *_: False)
    assert doctor.writable("output", tmp_path, needed=True).state == "fails"
    monkeypatch.undo()
    monkeypatch.setattr(doctor, "ROOM", 1e30)
    assert "free" in doctor.writable("output", tmp_path, needed=True).found


def test_a_store_is_there_or_can_be_made(store, tmp_path):
    assert doctor.store(store).state == "works"
    assert doctor.store("sqlite:///new.db").state == "works"
    assert not (tmp_path / "new.db").exists()
    assert doctor.store("sqlite:///no/such/folder/mlflow.db").state == "fails"
    assert doctor.store("http://127.0.0.1:9").state == "fails"
    assert doctor.store("http://127.0.0.1:9", offline_start=True).state == "limited"
    (tmp_path / "other.db").write_text("this is no database")
    assert doctor.store("sqlite:///other.db").state == "fails"


def test_data_come_from_the_cache_the_hub_or_files(monkeypatch, tmp_path):
    assert doctor.data(options()).state == "works"
    assert doctor.data(options("data=imdb")).state == "fails"
    monkeypatch.setattr(hub, "hub_answers", lambda: True)
    assert doctor.data(options("data=imdb")).state == "works"
    assert doctor.hub().state == "works"
    with pytest.raises(doctor.UserError, match="nowhere"):
        doctor.data(options("data=imdb", "data.root=nowhere"))


def test_slurm_is_installed_and_answers_or_not(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert doctor.slurm().state == "works"
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    silent = None

    def answer(command, **_):
        if command[0] == silent:
            raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", answer)
    assert doctor.slurm().state == "works"
    silent = "sacct"
    assert "slurmdbd" in doctor.slurm().advice
    silent = "sinfo"
    assert "slurmctld" in doctor.slurm().advice
