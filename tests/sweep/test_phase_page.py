"""The phase diagram is made from what a sweep left, finished or not."""

from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks.phase_page import draw, main, phases, tables, with_phases
from finished import finished_run

from slowpoints.errors import UserError
from slowpoints.sweep.networks import Network, find_networks


def metrics(penalty, accuracy, coverage=0.9):
    return {
        "test/accuracy": accuracy,
        "shuffled_words/test_accuracy": accuracy - 0.02,
        "modes/tau_1_median": 300.0 / (1 + penalty),
        "modes/tau_1_over_length": 2.0 / (1 + penalty),
        "modes/top_real_share": 1.0,
        "manifold/coverage": coverage,
    }


@pytest.fixture
def sweep(tmp_path):
    """Two networks of several penalties, one of them with three seeds and a penalty that is not done yet."""
    for seed, accuracy in enumerate((0.9, 0.94, 0.92)):
        folder = tmp_path / "sweep" / f"gru-{seed}"
        finished_run(folder, seed=seed, metrics=metrics(0, accuracy), arrays=True, recurrent_l2=0.0)
        np.savez(folder / "arrays" / "pca.npz", explained=np.array([0.6, 0.3, 0.04, 0.03, 0.03]))
    finished_run(tmp_path / "sweep" / "gru-3", metrics=metrics(1, 0.88, 0.5), recurrent_l2=0.03)
    for penalty in (0.3, 0.0, 0.001):
        finished_run(tmp_path / "sweep" / f"lstm-{penalty}", arch="lstm", metrics=metrics(1, 0.9), recurrent_l2=penalty)
    return tmp_path / "sweep"


def test_phases_are_by_rising_penalty_with_medians_over_seeds(sweep):
    found = phases(find_networks([sweep]))
    assert {name: [phase.penalty for phase in rows] for name, rows in found.items()} == {
        "gru-made": [0, 0.03],
        "lstm-made": [0, 0.001, 0.3],
    }
    free, penalised = found["gru-made"]
    assert (free.seeds, penalised.seeds) == (3, 1)
    assert free.values["test/accuracy"] == 0.92
    assert free.values["dimensions_95"] == 4  # .6 + .3 + .04 is less than .95
    assert "dimensions_95" not in penalised.values


def test_how_far_a_claim_holds_is_the_mean_over_seeds_that_it_was_judged_for(tmp_path):
    judged = [("holds", "holds", "not measured"), ("holds weakly", "not measured", "not measured")]
    networks = []
    for penalty, verdicts in zip((0.0, 0.1), ([*judged, ("does not hold",) * 3], judged), strict=True):
        for seed, each in enumerate(verdicts):
            config = {"arch": {"name": "gru"}, "data": {"name": "made"}, "seed": seed}
            told = [SimpleNamespace(claim=f"claim {number}", verdict=verdict) for number, verdict in enumerate(each)]
            networks.append(Network(tmp_path, {**config, "training": {"recurrent_l2": penalty}}, {}, {}, told))
    first, second = phases(networks)["gru-made"]
    assert first.held == {"claim 0": 0.5, "claim 1": 0.5, "claim 2": 0.0}
    assert second.held == pytest.approx({"claim 0": 0.75, "claim 1": 1.0, "claim 2": np.nan}, nan_ok=True)
    rows = tables({"gru-made": [first, second]}).splitlines()
    assert [row.split(" | ")[-1] for row in rows[-2:]] == ["0 of 3 |", "1 of 2 |"]


def test_the_table_says_what_is_not_known(sweep):
    rows = tables(phases(find_networks([sweep]))).splitlines()
    assert rows[0] == "### gru-made"
    free, penalised = (next(row for row in rows if row.startswith(f"| {start} |")) for start in ("0", "0.03"))
    assert free.split(" | ")[1:5] == ["0.920", "0.900", "-", "4"]
    assert penalised.split(" | ")[4] == "-"


def test_the_figure_has_a_column_for_each_network_with_its_penalties(sweep):
    figure = draw(phases(find_networks([sweep])))
    axes = figure.axes
    assert len(axes) == 10
    assert [tick.get_text() for tick in axes[1].get_xticklabels()] == ["0", "0.001", "0.3"]
    assert axes[0].lines[0].get_ydata().tolist() == [0.92, 0.88]
    dashed = axes[4].lines[-1].get_ydata()
    assert dashed[0] == pytest.approx(150)  # the median document, tau 1 over their ratio


def test_networks_that_differ_in_more_are_refused(sweep):
    finished_run(sweep / "other", metrics=metrics(0, 0.9), recurrent_l2=0.0, rate=0.1)
    with pytest.raises(UserError, match=r"gru-made: networks of recurrent_l2=0 differ in other options"):
        phases(find_networks([sweep]))


def test_networks_without_a_choice_of_penalties_are_refused(tmp_path):
    finished_run(tmp_path / "one")
    with pytest.raises(UserError, match="name a sweep of experiment=phase"):
        phases(find_networks([tmp_path]))


def test_the_page_is_filled_between_its_marks(sweep, tmp_path, monkeypatch):
    page = tmp_path / "results.md"
    page.write_text("before\n<!-- phase diagram -->\nwhat was\n<!-- end of phase diagram -->\nafter\n")
    monkeypatch.setattr("sys.argv", ["phase_page.py", str(sweep), "--page", str(page)])
    main()
    text = page.read_text()
    assert text.startswith("before\n<!-- phase diagram -->\n\n![Phases of gru-made, lstm-made](figures/phase.png)")
    assert text.endswith("<!-- end of phase diagram -->\nafter\n")
    assert "what was" not in text
    assert (tmp_path / "figures" / "phase.png").stat().st_size > 10_000
    with pytest.raises(ValueError, match="0 pairs of the marks"):
        with_phases("no marks", "")
