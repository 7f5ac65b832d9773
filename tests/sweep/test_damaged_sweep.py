"""One damaged file never ends a sweep: the job it belongs to is done again, and the others stay as they are."""

import json
import logging
import shutil

import pytest
import yaml

from runs.damage import DAMAGES, damage
from slowpoints.app.compare import compare_command
from slowpoints.app.main import run_command
from slowpoints.app.resume import resume_command
from slowpoints.errors import DamagedFile, UserError
from slowpoints.sweep.folder import RECORD, Sweep, read_sweep, unfinished_jobs, working_on
from slowpoints.sweep.jobs import Job
from slowpoints.sweep.networks import find_networks
from slowpoints.sweep.processes import read_end
from sweep.finished import finished_run

JOBS = ("gru-synthetic", "rnn-synthetic")
FOLDER = "hydra.sweep.dir=sweep"


@pytest.fixture(autouse=True)
def _jobs_run_here(monkeypatch):
    """Run jobs in this process: starting others takes seconds each."""

    def run_here(jobs, options, ends):
        for job in jobs:
            if job.name not in ends:
                resume_command([str(job.folder)])
                ends[job.name] = read_end(job, 0)

    monkeypatch.setattr("slowpoints.sweep.local.run_here", run_here)


@pytest.fixture(scope="module")
def _swept(_left, _empty_store, tmp_path_factory):
    home = tmp_path_factory.mktemp("swept")
    shutil.copy(_empty_store, home / "mlflow.db")
    small = [option for option in _left.options if not option.startswith("analysis")]
    command = ["-m", "arch=gru,rnn", *small, "analysis=none", f"cache_dir={home}/cache"]
    return home, [*command, f"tracking.uri=sqlite:///{home}/mlflow.db"]


@pytest.fixture
def swept(_swept, tmp_path, monkeypatch):
    """The folder of a finished sweep of two jobs, and the command that began it."""
    home, command = _swept
    monkeypatch.chdir(home)
    if not (home / "sweep").exists():
        run_command([*command, FOLDER])
    shutil.copytree(home / "sweep", tmp_path / "sweep")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "sweep", [*command, FOLDER]


def numbers(folder):
    found = {name: json.loads((folder / name / "summary.json").read_text())["metrics"] for name in JOBS}
    return {
        name: {metric: value for metric, value in metrics.items() if "seconds" not in metric}
        for name, metrics in found.items()
    }


@pytest.mark.parametrize("way", ["the same command", "sweep.resume"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gru-synthetic/summary.json", "cut"),
        ("gru-synthetic/config.yaml", "no text"),
        ("gru-synthetic/job.json", "other JSON"),
        ("sweep.json", "emptied"),
    ],
)
def test_the_sweep_goes_on_to_the_same_numbers(swept, caplog, capsys, name, kind, way):
    folder, command = swept
    expected = numbers(folder)
    whole = (folder / "rnn-synthetic" / "summary.json").stat().st_mtime_ns
    identity = json.loads((folder / RECORD).read_text())["id"]
    damage(folder / name, kind)
    if (name, way) == (RECORD, "sweep.resume"):  # what says which sweep it is
        with pytest.raises(SystemExit) as stopped:
            run_command([f"sweep.resume={identity}", FOLDER])
        assert stopped.value.code == 2
        said = capsys.readouterr().err
        assert RECORD in said
        assert "the command that began the sweep writes it again" in said
        return
    with caplog.at_level(logging.WARNING):
        run_command(command if way == "the same command" else [f"sweep.resume={identity}", FOLDER])
    assert numbers(folder) == expected
    assert (folder / "rnn-synthetic" / "summary.json").stat().st_mtime_ns == whole
    assert "job.json" in name or name.rpartition("/")[2] in caplog.text  # what a job was told is needed by no job done
    assert (folder / "comparison.html").is_file()
    assert unfinished_jobs(folder) == (identity, [])


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", ["summary.json", "config.yaml"])
def test_a_job_whose_record_cannot_be_read_is_not_done_and_begins_anew(tmp_path, caplog, name, kind):
    run = finished_run(tmp_path / "one")
    job = Job("one", run, yaml.safe_load((run / "config.yaml").read_text()))
    assert job.is_done
    damage(run / name, kind)
    if kind == "flipped":
        return  # without a digest, a letter of a sentence or a path
    assert not job.is_done
    with caplog.at_level(logging.WARNING):
        job.write({})
    assert not (run / "summary.json").exists()  # else its process believes it to be complete
    assert "one: is done again" in caplog.text or (name, kind) == ("summary.json", "gone")


def test_results_of_other_options_are_not_taken_for_those_of_a_job(tmp_path, caplog):
    run = finished_run(tmp_path / "one", rate=0.001)
    config = yaml.safe_load((run / "config.yaml").read_text())
    job = Job("one", run, {**config, "training": {"rate": 0.002}})
    (run / ".resume").mkdir()
    job.write({})
    assert "other options" in caplog.text
    assert not (run / "summary.json").exists()
    Job("one", run, config).write({})
    assert not (run / ".resume").exists()


def test_networks_are_compared_where_it_cannot_be_read_which_sweep_they_are_of(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    finished_run(tmp_path / "sweep" / "one")
    finished_run(tmp_path / "sweep" / "two", seed=1)
    damage_all = {"sweep.json": "{", "two/summary.json": "{"}
    for name, text in damage_all.items():
        (tmp_path / "sweep" / name).write_text(text)
    compare_command(["sweep", "--no-mlflow"])
    assert "gru-made" in (tmp_path / "sweep" / "comparison.md").read_text()
    assert all(name in caplog.text for name in damage_all)


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", ["summary.json", "config.yaml", "arrays/modes.npz"])
def test_a_comparison_goes_without_what_cannot_be_read(tmp_path, caplog, name, kind):
    finished_run(tmp_path / "good", seed=1)
    bad = finished_run(tmp_path / "bad", arrays=True)
    damage(bad / name, kind)
    found = {network.folder.name: network for network in find_networks([tmp_path])}
    assert "good" in found
    if name.startswith("arrays"):
        assert set(found["bad"].arrays()) <= {"manifold", "modes", "inputs"}
    if kind in ("emptied", "cut", "no text"):
        assert name in caplog.text


@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if kind != "flipped"])
def test_a_folder_whose_record_cannot_be_read_is_taken_by_the_same_command_alone(tmp_path, kind):
    sweep = Sweep("1234", tmp_path / "sweep", [Job("one", tmp_path / "sweep" / "one", {"a": 1})], [])
    with working_on(sweep):
        sweep.jobs[0].write({})
    damage(sweep.folder / RECORD, kind)
    with pytest.raises(UserError, match="sweep"):
        read_sweep(sweep.folder)
    with working_on(sweep):
        pass
    assert read_sweep(sweep.folder) == sweep


def test_the_options_of_a_job_stand_in_two_places(tmp_path):
    sweep = Sweep("1234", tmp_path, [Job("one", tmp_path / "one", {"a": 1})])
    with working_on(sweep):
        sweep.jobs[0].write({})
    damage(tmp_path / "one" / "config.yaml", "cut")
    (tmp_path / "one" / "config.yaml").write_text("a: [")
    assert read_sweep(tmp_path).jobs == sweep.jobs
    damage(tmp_path / "one" / "job.json", "cut")
    with pytest.raises(DamagedFile, match=r"config\.yaml.*the command that began the sweep writes it again"):
        read_sweep(tmp_path)


@pytest.mark.parametrize("name", ["../elsewhere", "/etc", "", ".."])
def test_jobs_lie_in_the_folder_of_their_sweep(tmp_path, name):
    (tmp_path / RECORD).write_text(json.dumps({"id": "1", "jobs": [name], "searches": []}))
    with pytest.raises(DamagedFile, match="called as no folder is"):
        read_sweep(tmp_path)
