"""The documents on questions say what is true."""

import json
import re
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from slowpoints.app.main import config_folder, main, run_command
from slowpoints.questions.own import own_questions

DOCS = Path(__file__).parents[2] / "docs"
with initialize_config_dir(str(config_folder()), version_base="1.3"):
    OWN = own_questions(OmegaConf.to_container(compose("config", overrides=["analysis=paper"])))


def test_the_own_question_of_the_documents_is_asked_drawn_judged_and_compared(store, monkeypatch, capsys):
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", (DOCS / "own-analysis.md").read_text(), re.S))
    Path("my_questions.py").write_text(blocks["python"])
    Path("my_conf/analysis").mkdir(parents=True)
    Path("my_conf/analysis/mine.yaml").write_text(blocks["yaml"].replace("- quick", "- sampling\n  - pca"))
    monkeypatch.syspath_prepend(str(Path.cwd()))
    small = ["data.documents=200", "arch.hidden_size=6", "arch.embedding_size=5", "training.max_epochs=1"]
    sampling = ["analysis.sampling.documents=15", "analysis.sampling.points=20", "threads=1"]
    arguments = blocks["sh"].split()[3:]
    run_command([*arguments, *small, *sampling, f"tracking.uri={store}", "hydra.run.dir=out"])
    summary = json.loads(Path("out/summary.json").read_text())
    assert summary["metrics"]["speed/median"] > 0
    assert "The state moves by" in summary["findings"]["speed"]
    assert summary["failures"] == {}
    assert Path("out/speed.png").stat().st_size > 0
    assert summary["verdicts"]["moves"]["values"] == {"speed/least": summary["metrics"]["speed/least"]}
    assert "The state moves with every token" in capsys.readouterr().out

    main(["compare", "out", "--no-mlflow"])
    lines = Path("out/comparison.md").read_text().splitlines()
    assert f"| distance moved | {summary['metrics']['speed/median']:.2f} |  |" in lines
    assert any(line.startswith("| The state moves with every token |") for line in lines)

    drawn = {name: (Path("out") / name).read_bytes() for name in ("speed.png", "page.png")}
    capsys.readouterr()
    main(["redraw", "out"])
    said = capsys.readouterr()
    assert "stay as they are" in said.out + said.err
    assert "trust=my_questions" in said.out + said.err
    assert {name: (Path("out") / name).read_bytes() for name in drawn} == drawn
    monkeypatch.setattr("my_questions.panels", lambda figure: [figure.subplots(), figure.text(0.5, 0.5, "new")][:1])
    main(["redraw", "out", "trust=my_questions"])
    for name, before in drawn.items():
        assert (Path("out") / name).read_bytes() != before


CLAIMS = [claim for question in OWN for claim in question.claims]


def test_the_verdicts_in_the_documents_are_those_of_the_questions():
    _, table = (DOCS / "metrics.md").read_text().split("\n|---|---|\n")
    assert table == "".join(f"{verdict_row(claim)}\n" for claim in CLAIMS)


def verdict_row(claim):
    rules = (
        f"`{each.metric}` {'≥' if each.holds >= each.weakly else '≤'} {each.holds:g} ({each.weakly:g})"
        for each in claim.conditions
    )
    return f"| `{claim.name}`: {claim.text} | {' and '.join(rules)} |"


def documented_metrics():
    """Return the metrics that the table of the documents names: `/x` and `_x` stand for others that begin alike."""
    text, names = (DOCS / "metrics.md").read_text().split("## Verdicts")[0], []
    for row in re.findall(r"^\| (`.*?) \|", text, re.M):
        for name in re.findall(r"`([^`]+)`", row):
            last = names[-1] if names else ""
            if name.startswith("/"):
                name = last.partition("/")[0] + name
            elif name.startswith("_"):
                name = last.rpartition("_")[0] + name
            names.append(name)
    return set(names)


def test_what_is_claimed_and_compared_is_in_the_table_of_metrics():
    columns = {column.metric for question in OWN for column in question.columns}
    conditions = {condition.metric for claim in CLAIMS for condition in claim.conditions}
    untrained = {name for name in columns if "/untrained_" in name}  # as `...`
    assert columns | conditions <= documented_metrics() | untrained
