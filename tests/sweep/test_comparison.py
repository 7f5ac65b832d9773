"""Networks side by side: which belong together, their spread, verdicts, and the page."""

import csv
import io
import json
import os
import re
import warnings
from html.parser import HTMLParser

import pytest

from slowpoints.errors import UserError
from slowpoints.report.comparison import draw_comparison
from slowpoints.sweep.comparison import accuracy_table, mechanism_table, runs_csv, spread_csv, verdict_table
from slowpoints.sweep.networks import find_networks, group_networks
from slowpoints.sweep.report import Comparison, write_comparison
from sweep.finished import finished_run, made_arrays


def groups_in(folder):
    return group_networks(find_networks([folder]))


def test_runs_that_differ_by_seed_alone_are_one_network_with_a_spread(tmp_path):
    for seed, accuracy in enumerate((0.8, 0.85, 0.9)):
        finished_run(tmp_path / f"{seed}", seed=seed, metrics={"test/accuracy": accuracy, "val/accuracy": -accuracy})
    finished_run(tmp_path / "other", arch="lstm", metrics={"test/accuracy": 0.7})
    lstm, gru = groups_in(tmp_path)  # in the paper's order
    assert (lstm.name, gru.name) == ("lstm-made", "gru-made")
    assert [network.seed for network in gru.networks] == [0, 1, 2]
    assert gru.best.seed == 0  # on validation, not on test
    spread = gru.spread("test/accuracy")
    assert (spread.count, spread.mean, spread.deviation) == (3, pytest.approx(0.85), pytest.approx(0.05))
    texts = [[cell.text for cell in row[:3]] for row in accuracy_table([lstm, gru]).rows]
    assert texts == [["lstm-made", "1", "0.700"], ["gru-made", "3", "0.850 ± 0.050"]]


def test_networks_are_named_by_what_they_differ_in(tmp_path):
    finished_run(tmp_path / "a", rate=0.001)
    finished_run(tmp_path / "b", rate=0.002)
    finished_run(tmp_path / "c", arch="rnn", rate=0.002)
    assert [group.name for group in groups_in(tmp_path)] == ["gru-made-rate0.001", "gru-made-rate0.002", "rnn-made"]


def test_the_same_run_twice_counts_once_and_the_last_one(tmp_path):
    for age, accuracy in ((100, 0.1), (0, 0.2)):
        folder = finished_run(tmp_path / f"{age}", metrics={"test/accuracy": accuracy})
        os.utime(folder / "summary.json", (2_000_000_000 - age,) * 2)
    (group,) = groups_in(tmp_path)
    assert [network.metrics["test/accuracy"] for network in group.networks] == [0.2]


def test_a_trial_that_was_analysed_afterwards_is_not_shown_a_second_time(tmp_path):
    finished_run(tmp_path / "trial-1", questions=(), rate=0.001)
    finished_run(tmp_path / "trial-2", questions=(), rate=0.002)
    finished_run(tmp_path / "best", rate=0.002)
    found = {group.name: group.best.folder.name for group in groups_in(tmp_path)}
    assert sorted(found.values()) == ["best", "trial-1"]


def test_verdicts_of_seeds_that_disagree_are_counted(tmp_path):
    for seed, correct in enumerate((0.99, 0.97, 0.5)):
        finished_run(tmp_path / f"{seed}", seed=seed, metrics={"modes/stable_share": correct})
    rows = {row[0].text: row for row in verdict_table(groups_in(tmp_path)).rows}
    claim, verdict, everywhere = rows["Of all modes at all points, nearly all decay"]
    assert verdict.text == everywhere.text == "1 of 3, weakly 1"
    assert "modes/stable_share = 0.97" in verdict.more
    assert "modes/stable_share >= 0.98" in claim.more
    assert set(rows) == {"Of all modes at all points, nearly all decay"}  # others were not asked about


def record(folder, **found):
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**summary, **found}))


def test_a_claim_that_runs_judged_differently_has_a_row_for_each_rule(tmp_path):
    for seed, criterion in enumerate(("mine/a >= 1", "mine/a >= 2", "mine/a >= 2")):
        verdict = {"claim": "mine", "text": "It is mine", "verdict": "holds", "values": {"mine/a": 2.0}}
        folder = finished_run(tmp_path / f"{seed}", seed=seed)
        record(folder, verdicts={"mine": {**verdict, "criterion": criterion}})
    rows = verdict_table(groups_in(tmp_path)).rows
    assert [(row[0].text, row[0].more, row[-1].text) for row in rows] == [
        ("It is mine", "mine/a >= 1", "1 of 1"),
        ("It is mine", "mine/a >= 2", "2 of 2"),
    ]


def test_columns_are_those_that_the_runs_recorded_each_once(tmp_path):
    column = {"metric": "mine/a", "heading": "mine", "format": ".1f", "paper": "", "table": "accuracies"}
    for seed in (0, 1):
        folder = finished_run(tmp_path / f"{seed}", seed=seed, metrics={"mine/a": 2.0 + seed, "modes/tau_1_median": 7})
        record(folder, columns=[column])
    finished_run(tmp_path / "earlier", arch="rnn", metrics={"modes/tau_1_median": 7})  # recorded none
    gru, rnn = groups_in(tmp_path)
    table = accuracy_table([gru, rnn])
    assert [cell.text for cell in table.head] == ["network", "seeds", "test", "validation", "mine"]
    assert [row[-1].text for row in table.rows] == ["2.5 ± 0.7", "–"]  # noqa: RUF001
    (row,) = mechanism_table([gru, rnn]).rows
    assert [cell.text for cell in row] == ["tau 1 (tokens)", "7 ± 0", "7", "about 1,000 (LSTM, Yelp)"]


def test_numbers_for_programs_are_exact_and_name_their_run(tmp_path):
    for seed, accuracy in enumerate((0.123456789, 0.2)):
        finished_run(tmp_path / f"{seed}", seed=seed, metrics={"test/accuracy": accuracy})
    groups = groups_in(tmp_path)
    first, _ = csv.DictReader(io.StringIO(runs_csv(groups)))
    assert (first["network"], first["seed"], float(first["test/accuracy"])) == ("gru-made", "0", 0.123456789)
    assert first["folder"] == str(tmp_path / "0")
    (row,) = csv.DictReader(io.StringIO(spread_csv(groups)))
    assert (row["metric"], row["seeds"]) == ("test/accuracy", "2")
    assert float(row["mean"]) == pytest.approx((0.123456789 + 0.2) / 2)


class Page(HTMLParser):
    """What a page asks for from elsewhere, and the text of its cells."""

    def __init__(self, text):
        super().__init__()
        self.asks, self.cells, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            own = (value or "").startswith(("#", "data:"))
            if name in ("src", "href", "xlink:href", "srcset", "action", "data") and not own:
                self.asks.append(value)

    def handle_data(self, data):
        self.cells.append(data)


def test_the_page_needs_nothing_beside_it_and_shows_names_as_they_are(tmp_path):
    finished_run(tmp_path / "runs" / "one", arrays=True, data="<i>made</i>")
    finished_run(tmp_path / "runs" / "two", arch="rnn")  # without arrays
    comparison = Comparison("a sweep", groups_in(tmp_path / "runs"), ["three"])
    files = write_comparison(comparison, tmp_path / "out")
    assert {file.name for file in files} == {path.name for path in (tmp_path / "out").iterdir()}
    text = (tmp_path / "out" / "comparison.html").read_text()
    page = Page(text)
    assert page.asks == []
    assert not re.findall(r"url\((?!#)|@import|fetch\(|XMLHttp", text)
    assert {"svg", "table", "script"} <= set(page.tags)
    assert "gru-<i>made</i>" in page.cells
    assert "i" not in page.tags
    assert any("three" in each for each in page.cells)


def test_the_page_leads_to_the_pages_of_its_networks(tmp_path):
    run = finished_run(tmp_path / "runs" / "number 1")
    (run / "explorer.html").touch()
    finished_run(tmp_path / "runs" / "two", arch="rnn")  # without pages
    write_comparison(Comparison("a sweep", groups_in(tmp_path / "runs")), tmp_path / "runs")
    assert Page((tmp_path / "runs" / "comparison.html").read_text()).asks == ["number%201/explorer.html"]


def test_a_figure_that_cannot_be_drawn_leaves_the_tables(tmp_path, monkeypatch):
    def fail(networks):
        raise IndexError

    finished_run(tmp_path / "runs" / "one")
    monkeypatch.setattr("slowpoints.sweep.report.draw_comparison", fail)
    files = write_comparison(Comparison("a sweep", groups_in(tmp_path / "runs")), tmp_path / "out")
    assert [file.suffix for file in files] == [".html", ".md", ".csv", ".csv"]
    page = Page(files[0].read_text())
    assert "table" in page.tags
    assert "figure" not in page.tags


def test_a_figure_of_networks_without_arrays_is_drawn_without_complaint():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_comparison({"one": {}, "two": {}}).draw_without_rendering()
        figure = draw_comparison({"one": {}, "two": made_arrays()})
        figure.draw_without_rendering()
    explained = [index for index, panel in enumerate(figure.axes) if panel.get_legend() is not None]
    assert explained == [5, 7]  # modes and words, in the column that has them


@pytest.mark.parametrize("broken", ["no json", '{"metric": {}}'])
def test_a_summary_that_is_none_is_named(tmp_path, broken):
    (finished_run(tmp_path / "one") / "summary.json").write_text(broken)
    with pytest.raises(UserError, match=str(tmp_path / "one")):
        find_networks([tmp_path])
