"""Networks of a sweep side by side, as a user asks for it."""

import json
from pathlib import Path

import pytest

from slowpoints.app.main import main, run_command
from slowpoints.sweep.comparison import find_networks

SMALL = [
    "data.documents=200",
    "arch.hidden_size=6",
    "arch.embedding_size=5",
    "training.max_epochs=1",
    "analysis.sampling.documents=15",
    "analysis.sampling.points=20",
    "threads=1",
]


def test_a_sweeps_networks_are_compared(store, capsys):
    run_command(["-m", "arch=rnn,gru", *SMALL, f"tracking.uri={store}", "hydra.sweep.dir=sweep"])
    main(["compare", "sweep"])
    page = Path("sweep/comparison.md").read_text()
    gru, rnn = find_networks([Path("sweep")])  # in the paper's order
    assert (gru.name, rnn.name) == ("gru-synthetic", "rnn-synthetic")
    accuracies = [line for line in page.splitlines() if line.startswith("| gru-synthetic")]
    assert len(accuracies) == 1
    assert f"{gru.metrics['test/accuracy']:.3f}" in accuracies[0]
    assert "| tau 1 (tokens) |" in page
    assert Path("sweep/comparison.png").stat().st_size > 0
    assert "gru-synthetic" in capsys.readouterr().out


def test_an_unfinished_sweep_is_compared_as_far_as_it_got(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, metrics in (("one", {"test/accuracy": 0.5}), ("two", {})):
        Path(name).mkdir()
        Path(name, "summary.json").write_text(json.dumps({"metrics": metrics}))
        Path(name, "config.yaml").write_text(f"arch: {{name: {name}}}\ndata: {{name: made}}\nseed: 1\n")
    Path("three").mkdir()  # has not finished
    main(["compare", "."])
    page = Path("comparison.md").read_text()
    assert "| one-made-seed1 | 0.500 |" in page
    assert "three" not in page


@pytest.mark.parametrize(("folder", "message"), [("nowhere", "no such folder"), (".", "no finished runs")])
def test_what_cannot_be_compared_is_said(tmp_path, monkeypatch, capsys, folder, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["compare", folder])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
