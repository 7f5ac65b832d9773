"""Networks side by side: their accuracies, the numbers of the mechanism, and what became of the paper's claims."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from slowpoints.analysis.claims import CLAIMS, Claim, Verdict, judge
from slowpoints.sweep.networks import Group, Network, Spread

Mark = Literal["", "yes", "weakly", "no"]

ACCURACIES = {
    "network": "test/accuracy",
    "validation": "val/accuracy",
    "words shuffled": "shuffled_words/test_accuracy",
    "linear RNN": "linear_rnn/test_accuracy",
    "bag of words": "bow/test_accuracy",
}
# Metric: heading, format, what the paper says
MECHANISM = {
    "pca/variance_explained_2": ("variance in 2 PCs", ".0%", "about 90 % in 2 to 3"),
    "pca/untrained_variance_explained_2": ("... untrained", ".0%", "far less"),
    "fixed_points/starts": ("searches", ".0f", "about 500"),
    "fixed_points/slow_count": ("slow points", ".0f", ""),
    "fixed_points/count": ("fixed points", ".0f", "nearly all"),
    "manifold/line_variance": ("line variance", ".0%", "1-D"),
    "manifold/coverage": ("coverage", ".0%", "whole range"),
    "manifold/readout_alignment": ("|cos(m, w)|", ".2f", "aligned"),
    "modes/tau_1_median": ("tau 1 (tokens)", ".0f", "about 1,000 (LSTM, Yelp)"),
    "modes/tau_2_median": ("tau 2", ".0f", "about 100"),
    "modes/stable_share": ("stable modes", ".1%", "nearly all"),
    "modes/top_real_share": ("real top mode", ".0%", ""),
    "inputs/projection_auc": ("AUC of words", ".3f", "strong"),
    "inputs/human_rho_common": ("rho with ratings", ".2f", ""),
    "overlap/r1_m_median": ("|r1 . m|", ".2f", "high"),
    "overlap/random_median": ("... random", ".2f", "low"),
    "linearization/one_step_error_median": ("one-step error", ".1%", "about 10 %"),
    "linearized/test_accuracy": ("linearised, accuracy", ".3f", "much worse"),
    "linear_rnn/accuracy_loss": ("linear RNN, loss", ".3f", "about 0.03"),
    "mean_input/error_change": ("mean input: error change", ".0%", "none"),
}
MISSING = "\N{EN DASH}"
MARKS: dict[str, Mark] = {"holds": "yes", "holds weakly": "weakly", "does not hold": "no", "not measured": ""}


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes
    ----------
    text
        What it says.
    value
        By which rows are sorted.
    more
        What it rests on.
    mark
        Whether a claim holds.
    is_words
        Whether it is read as words, not as a number.
    """

    text: str
    value: float | None = None
    more: str = ""
    mark: Mark = ""
    is_words: bool = False


@dataclass(frozen=True)
class Table:
    """A table: its title, what has to be said of it, the headings of its columns, and its rows."""

    title: str
    note: str
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]] = field(default_factory=list)


def comparison_tables(groups: Sequence[Group]) -> list[Table]:
    """Return the tables of accuracies, of the mechanism and of the claims."""
    return [accuracy_table(groups), mechanism_table(groups), verdict_table(groups)]


def accuracy_table(groups: Sequence[Group]) -> Table:
    """Return a row for each network: share of documents that it, and others for comparison, get right."""
    seeds = any(len(group.networks) > 1 for group in groups)
    rows = [
        [
            Cell(group.name),
            *([Cell(str(len(group.networks)), len(group.networks))] if seeds else []),
            *(_number(group.spread(metric), ".3f") for metric in ACCURACIES.values()),
        ]
        for group in groups
    ]
    head = [Cell("network"), *([Cell("seeds")] if seeds else []), *(Cell(h, more=m) for h, m in ACCURACIES.items())]
    head[1 + seeds] = Cell("test", more=ACCURACIES["network"])
    note = "Share of test documents answered rightly (validation: of validation documents)."
    return Table("Accuracies", note + (" Mean ± standard deviation over seeds." if seeds else ""), head, rows)


def mechanism_table(groups: Sequence[Group]) -> Table:
    """Return a row for each number of the mechanism; those that no network has are left out."""
    rows = []
    for metric, (heading, form, paper) in MECHANISM.items():
        spreads = [group.spread(metric) for group in groups]
        if any(spreads):
            rows.append(
                [Cell(heading, more=metric), *(_number(spread, form) for spread in spreads), Cell(paper, is_words=True)]
            )
    note = "Medians over points where they are many; every number: docs/metrics.md and comparison.csv."
    return Table(
        "The mechanism",
        note,
        [Cell(""), *(Cell(group.name) for group in groups), Cell("the paper", is_words=True)],
        rows,
    )


def verdict_table(groups: Sequence[Group]) -> Table:
    """Return a row for each claim of the paper, and whether it holds for each network."""
    judged = [[{each.claim: each for each in judge(network.metrics)} for network in group.networks] for group in groups]
    rows = []
    for claim in CLAIMS:
        found = [[one[claim.name] for one in verdicts if claim.name in one] for verdicts in judged]
        if not any(MARKS[verdict.verdict] for verdicts in found for verdict in verdicts):
            continue  # no network was asked
        cells = [_verdict(verdicts) for verdicts in found]
        everywhere = Counter(MARKS[verdict.verdict] for verdicts in found for verdict in verdicts)
        rows.append([Cell(claim.text, more=_criterion(claim)), *cells, Cell(_sum(everywhere), is_words=True)])
    note = "The paper states most claims in words: the thresholds are this project's, and stand in docs/metrics.md."
    head = [Cell(""), *(Cell(group.name) for group in groups), Cell("holds for", is_words=True)]
    return Table("The paper's claims", note, head, rows)


def as_markdown(tables: Sequence[Table]) -> str:
    """Return tables for people, as MLflow and the terminal show them."""
    return "\n\n".join(f"## {table.title}\n\n{table.note}\n\n{_markdown(table)}" for table in tables) + "\n"


def runs_csv(groups: Sequence[Group]) -> str:
    """Return a row for each run with all its numbers and verdicts."""
    metrics = sorted({metric for group in groups for network in group.networks for metric in network.metrics})
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["network", "arch", "data", "seed", *metrics, *(f"claim/{claim.name}" for claim in CLAIMS), "folder"])
    for group in groups:
        for network in group.networks:
            rows.writerow([group.name, *_run_row(network, metrics)])
    return text.getvalue()


def spread_csv(groups: Sequence[Group]) -> str:
    """Return a row for each network and number: over how many seeds, mean, and sample standard deviation."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["network", "metric", "seeds", "mean", "standard_deviation"])
    for group in groups:
        for metric in sorted({metric for network in group.networks for metric in network.metrics}):
            if spread := group.spread(metric):
                deviation = "" if spread.deviation is None else spread.deviation
                rows.writerow([group.name, metric, spread.count, spread.mean, deviation])
    return text.getvalue()


def _run_row(network: Network, metrics: Sequence[str]) -> list[object]:
    verdicts = {each.claim: each.verdict for each in judge(network.metrics)}
    return [
        *(network.arch, network.data, network.seed),
        *(network.metrics.get(metric, "") for metric in metrics),
        *(verdicts.get(claim.name, "") for claim in CLAIMS),
        network.folder,
    ]


def _number(spread: Spread | None, form: str) -> Cell:
    if spread is None:
        return Cell(MISSING)
    texts = [format(value, form) for value in (spread.mean, spread.deviation) if value is not None]
    unit = " %" if form.endswith("%") else ""
    more = f"{spread.count} seeds" if spread.count > 1 else ""
    return Cell(" ± ".join(text.removesuffix("%") for text in texts) + unit, spread.mean, more)


def _verdict(verdicts: Sequence[Verdict]) -> Cell:
    """Return what became of a claim: for several seeds how often it holds, where they disagree."""
    marks = [MARKS[verdict.verdict] for verdict in verdicts if MARKS[verdict.verdict]]
    if not marks:
        return Cell(MISSING)
    values = "; ".join(
        ", ".join(f"{metric} = {value:.4g}" for metric, value in verdict.values.items()) for verdict in verdicts
    )
    if len(set(marks)) == 1:
        return Cell(marks[0], more=values, mark=marks[0])
    return Cell(_sum(Counter(marks)), more=values, mark="weakly")


def _sum(marks: Counter[Mark]) -> str:
    """Return how many of all it holds for, and for how many weakly."""
    measured = marks["yes"] + marks["weakly"] + marks["no"]
    if not measured:
        return MISSING
    return f"{marks['yes']} of {measured}" + (f", weakly {marks['weakly']}" if marks["weakly"] else "")


def _criterion(claim: Claim) -> str:
    return " and ".join(map(str, claim.conditions))


def _markdown(table: Table) -> str:
    def line(cells: Sequence[Cell]) -> list[str]:
        return [("**no**" if cell.mark == "no" else cell.text).replace("|", "\\|") for cell in cells]

    lines = [line(table.head), ["---"] * len(table.head), *map(line, table.rows)]
    return "\n".join("| " + " | ".join(each) + " |" for each in lines)
