"""The code on the page "Analyse your own RNN" runs as it stands there (with a shorter training)."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import slowpoints

PAGE = Path(__file__).parents[2] / "docs" / "analyse-your-own-rnn.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


def block(beginning: str) -> str:
    (found,) = (code for code in BLOCKS if beginning in code)
    return found.replace("range(1500)", "range(20)")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def small_gru():
    torch.manual_seed(0)
    gru = nn.GRU(3, 8)
    visited = slowpoints.from_torch(gru).states(torch.randn(40, 30, 3)).flatten(0, 1).detach()
    return {"gru": gru, "visited": visited, "nn": nn, "torch": torch}


def test_five_lines_and_several_tolerances(capsys):
    names = small_gru()
    exec(block("your nn.GRU"), names)
    exec(block("sweep_tolerances(cell, states).items"), names)
    assert "500 points: 500 converged" in capsys.readouterr().out


def test_slowness_and_drift_are_relative(capsys):
    names = small_gru() | {"inputs": torch.randn(40, 30, 3), "weights": torch.ones(8)}
    exec(block("your nn.GRU"), names)
    exec(block("typical_step"), names)
    assert capsys.readouterr().out.count("of the line, and the readout by") == 2


def test_records_are_chosen_kept_and_drawn():
    pytest.importorskip("pandas")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    names = small_gru()
    exec(block("your nn.GRU"), names)
    exec(block("points.npz"), names)
    exec(block("records.png"), names)
    assert len(names["slowest"]) == 10
    assert len(names["everything"]) == len(names["found"]) == len(names["table"]) == 500
    assert Path("records.png").stat().st_size > 1000


def test_complete_example_and_its_figure(capsys):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    names = {}
    exec(block("1. Train"), names)
    exec(block("plt.savefig"), names)
    assert "time constants" in capsys.readouterr().out
    assert Path("fixed-points.png").stat().st_size > 1000


def test_plain_function_has_two_stable_points_and_a_saddle(capsys):
    exec(block("1.5, 0.0"), {})
    printed = capsys.readouterr().out
    assert (printed.count("stable"), printed.count("saddle")) == (2, 1)


def test_own_solver_finds_the_two_stable_points_and_no_saddle():
    names = {}
    exec(block("1.5, 0.0"), names)
    exec(block("class ForwardIteration"), names)
    stable = names["stable"].converged
    assert len(stable.unique(0.1)) == 2
    assert (stable.location[:, 0].abs() > 0.5).all()


def test_stacked_layers_are_one_cell():
    names = {"nn": nn, "torch": torch, "slowpoints": slowpoints}
    exec(block("Stacked("), names)
    found = slowpoints.find_fixed_points(names["cell"], 0.1 * torch.randn(5, 64))
    assert found.converged_share == 1
