"""The commands of the README, run as they stand there but for options that make them small, one after the other."""

import json
import re
import shlex
from pathlib import Path

import pytest

from slowpoints.app.main import main, run_command
from text.reviews import reviews, write_parquet

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = [block.splitlines() for block in re.findall(r"```sh\n(.*?)```", README, re.S)]
COMMANDS = [shlex.split(line, comments=True) for line in BLOCKS[-1]]
SMALL = [
    "arch.hidden_size=6",
    "arch.embedding_size=5",
    "training.max_epochs=1",
    "training.batch_size=16",  # so that an epoch has batches for the validations that some recipes ask for
    "analysis=quick",
    "analysis.sampling.documents=15",
    "analysis.sampling.points=20",
    "threads=1",
]
JOBS = {f"{arch}-{data}" for arch in ("lstm", "gru", "ugrnn", "rnn") for data in ("imdb", "yelp", "sst")}


@pytest.fixture
def own_data(store):
    """Data in the current folder: `data`, laid out as the hub has it, and a file of reviews."""
    texts, labels = reviews(60)
    for name in ("imdb", "yelp"):
        for split in ("train", "test"):
            write_parquet(Path("data", name, f"{split}.parquet"), text=texts, label=labels)
    for split in ("train", "validation", "test"):
        write_parquet(Path("data", "sst", f"{split}.parquet"), sentence=texts, fine=[4 * label for label in labels])
    rows = [f'"{text}",{label}' for text, label in zip(texts, labels, strict=True)]
    Path("reviews.csv").write_text("\n".join(["review,stars", *rows]))


@pytest.mark.timeout(600)
def test_the_commands_of_the_readme_work_one_after_the_other(own_data, capsys):
    for command in COMMANDS:
        if command[:3] == ["python", "-m", "src.run"]:
            do_run(command[3:], capsys)
        elif command[:3] == ["python", "-m", "src.compare"]:
            (sweep,) = Path("multirun").glob("sweep-*")
            main(["compare", *[each.replace("ID", sweep.name.removeprefix("sweep-")) for each in command[3:]]])
            assert "rnn-sst" in capsys.readouterr().out
        else:
            assert command == ["slowpoints", "doctor"]
            with pytest.raises(SystemExit) as stopped:
                main([*command[1:], "console=json"])
            assert stopped.value.code == 0
            assert json.loads(capsys.readouterr().out)["works"]


def do_run(options, capsys):
    """Run a line, with `FOLDER` and the hub replaced by folders that are here."""
    if "--help" in options:
        with pytest.raises(SystemExit):
            run_command(options)
        assert "hidden_size" in capsys.readouterr().out
    elif "-m" in options:
        small = [each for each in SMALL if each != "analysis=quick"]
        run_command([*options, *small, "analysis=none", "data.root=data"])
        (record,) = Path("multirun").glob("sweep-*/sweep.json")
        assert {path.parent.name for path in record.parent.glob("*/summary.json")} == JOBS
    else:
        run_command([*placed(options), "console=quiet"])
        folder = capsys.readouterr().out.strip()
        assert 0 <= json.loads(Path(folder, "summary.json").read_text())["metrics"]["test/accuracy"] <= 1


def placed(options):
    """Return the options of a single run, made small, with what is here instead of `FOLDER` and the hub."""
    if options == ["checkpoint=multirun/FOLDER"]:
        newest = max(Path("multirun").glob("*/*/summary.json"), key=lambda path: path.stat().st_mtime).parent
        return [f"checkpoint={newest}", *(each for each in SMALL if each.startswith(("analysis", "threads")))]
    small = [*SMALL, "data.documents=200"] if not any(each.startswith("data") for each in options) else SMALL
    here = [each.replace("FOLDER", "data") for each in options]
    hub = "data=imdb" in here and "data.root=data" not in here
    return [*here, *small, *(["data.root=data"] if hub else [])]
