"""The order in which commands say, check and import things: at once, soon, and only when needed."""

import json
import subprocess
import sys

import pytest

from slowpoints.app.announcement import plan_of
from slowpoints.text import load

HEAVY = ("torch", "pytorch_lightning", "mlflow", "sklearn", "matplotlib")
# Runs a command, and says at each line on the error stream which of some packages have been imported by then.
WATCH = """
import json, sys
from slowpoints.app.main import main

names = ["hydra", *json.loads(sys.argv[1])]

class Watched:
    def __init__(self, stream): self.stream = stream
    def write(self, text):
        there = [name for name in names if name in sys.modules]
        return self.stream.write("".join(f"{line}\\t{json.dumps(there)}\\n" for line in text.splitlines() if line))
    def __getattr__(self, name): return getattr(self.stream, name)

sys.stderr = Watched(sys.stderr)
main(sys.argv[2:])
"""


def watch(folder, *arguments):
    """Return the exit code of a command, and its lines on the error stream with what had been imported by then."""
    command = [sys.executable, "-c", WATCH, json.dumps(HEAVY), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    lines = [line.partition("\t")[::2] for line in done.stderr.splitlines()]
    return done.returncode, [(text, json.loads(there)) for text, there in lines]


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("data.train=none.csv", "there is no file none.csv"),
        ("data.train=reviews.csv", "label 'maybe' is none of 0/1"),
        ("data.text_column=review", "there is no column 'review'"),
        ("arch.hidden_size=0", "arch.hidden_size: must be greater than 0"),
    ],
)
def test_a_mistake_is_told_before_anything_heavy_is_imported(mistake, told, tmp_path):
    (tmp_path / "reviews.csv").write_text("text,label\ngood,1\nbad,0\nso so,maybe\n")
    code, lines = watch(tmp_path, "run", "data=files", "data.train=reviews.csv", mistake)
    assert code == 2
    assert lines[0][0].startswith("slowpoints run: training a network and analysing it (data=files")
    assert lines[0][1] == []  # not even Hydra
    text, there = lines[-1]
    assert told in text
    assert there == ["hydra"]
    assert not (tmp_path / "multirun").exists()


def test_a_sweep_tells_wrong_files_before_anything_heavy_is_imported(tmp_path):
    code, lines = watch(tmp_path, "run", "-m", "seed=0,1", "data=imdb", "data.root=nowhere")
    assert code == 2
    assert lines[0] == (
        "slowpoints run: training and analysing the networks of a sweep (seed=0,1 data=imdb data.root=nowhere)",
        [],
    )
    assert lines[1][0].startswith("2 jobs, into multirun/sweep-")
    assert "data.root: there is no folder nowhere/imdb" in lines[-1][0]
    assert lines[-1][1] == ["hydra"]


def test_lightning_is_imported_when_a_training_starts_and_each_step_is_said(tmp_path):
    small = ("data.documents=100", "arch.hidden_size=4", "arch.embedding_size=3", "training.max_epochs=2", "threads=1")
    asked = ("analysis=[sampling,pca]", "analysis.sampling.documents=15", "analysis.sampling.points=20")
    code, lines = watch(tmp_path, "run", *small, *asked, "hydra.run.dir=run")
    assert code == 0
    said = [text for text, _ in lines]
    expected = [
        "slowpoints run: training a network",
        "gru on synthetic, 1 question, into run",
        "Reading synthetic",
        "Tokenising synthetic",
        "Training on 80 documents",
        "epoch 1 of 2",
        "epoch 2 of 2",
        "question 1 of 1: pca",
        "page and explorer",
    ]
    places = [next(index for index, text in enumerate(said) if text.startswith(start)) for start in expected]
    assert places == sorted(places)
    assert "pytorch_lightning" not in lines[places[4]][1]
    assert "pytorch_lightning" in lines[places[5]][1]
    log = (tmp_path / "run" / "run.log").read_text()
    assert all(start in log for start in expected[1:])
    assert "The analyses took" in log
    metrics = json.loads((tmp_path / "run" / "summary.json").read_text())["metrics"]
    assert 0 < metrics["analysis/seconds/pca"] < metrics["analysis/seconds"]


@pytest.mark.parametrize("command", ["compare", "redraw", "resume", "upload", "doctor"])
def test_every_command_says_first_what_it_is_going_to_do(command, tmp_path):
    code, lines = watch(tmp_path, command, "nothing")
    assert code
    assert lines[0] == (f"slowpoints {command}: {plan_of(command, ['nothing'])}", [])


@pytest.mark.parametrize("mode", ["quiet", "json"])
def test_who_asks_for_the_result_alone_is_told_no_plan(mode, tmp_path):
    _, lines = watch(tmp_path, "run", f"console={mode}", "sede=3")
    assert [text for text, _ in lines if text.startswith("slowpoints run:")] == []
    assert lines[-1][0].startswith("error: sede")


@pytest.mark.parametrize(
    ("command", "arguments", "plan"),
    [
        ("run", [], "training a network and analysing it"),
        ("run", ["arch=gru", "console=normal"], "training a network and analysing it (arch=gru)"),
        ("run", ["-m", "seed=1,2"], "training and analysing the networks of a sweep (seed=1,2)"),
        ("run", ["sweep.resume=ab"], "completing a sweep (sweep.resume=ab)"),
        ("run", ["checkpoint=a b"], "repeating the analyses of a run ('checkpoint=a b')"),
        ("run", ["--cfg", "job"], "composing the options (--cfg job)"),
        ("redraw", ["a", "b"], "drawing the figures of runs again (a b)"),
        ("compare", ["--help"], ""),
        ("reconcile", ["--uri=postgresql://me:secret@host/db"], None),
    ],
)
def test_a_plan_follows_from_the_arguments_alone(command, arguments, plan):
    found = plan_of(command, arguments)
    assert plan in (None, found)
    assert "secret" not in found


def test_a_long_plan_is_cut():
    assert len(plan_of("redraw", ["folder"] * 1000)) < 400


def test_large_files_are_read_only_when_the_network_is_known_to_be_buildable(tmp_path, monkeypatch, capsys):
    from slowpoints.app.main import run_command

    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").write_text("text,label\ngood,1\nbad,0\nso so,maybe\n")
    wrong = ["data=files", "data.train=reviews.csv", "arch.cell._target_=slowpoints.cells.Nothing"]
    for quick, told in ((load.QUICK, "label 'maybe'"), (0, "arch.cell: cannot make")):
        monkeypatch.setattr(load, "QUICK", quick)
        with pytest.raises(SystemExit):
            run_command(wrong)
        assert told in capsys.readouterr().err
