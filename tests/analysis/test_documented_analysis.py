"""The documents on analyses say what is true."""

import json
import re
from pathlib import Path

import pytest

from slowpoints.analysis.claims import CLAIMS
from slowpoints.app.main import run_command

DOCS = Path(__file__).parents[2] / "docs"


def test_the_own_analysis_of_the_documents_works_as_it_stands(store, monkeypatch):
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", (DOCS / "own-analysis.md").read_text(), re.S))
    Path("my_analyses.py").write_text(blocks["python"])
    Path("my_conf/analysis").mkdir(parents=True)
    Path("my_conf/analysis/mine.yaml").write_text(blocks["yaml"])
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


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_thresholds_of_the_verdicts_are_those_in_the_documents(claim):
    (row,) = [line for line in (DOCS / "metrics.md").read_text().splitlines() if line.startswith(f"| `{claim.name}`")]
    assert claim.text in row
    for condition in claim.conditions:
        sign = "≥" if condition.holds >= condition.weakly else "≤"
        assert f"`{condition.metric}` {sign} {condition.holds:g} ({condition.weakly:g})" in row
