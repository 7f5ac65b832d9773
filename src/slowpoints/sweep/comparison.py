"""Networks side by side: their accuracies, the numbers of the mechanism, and what became of the claims."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from slowpoints.questions.claims import Verdict
from slowpoints.questions.question import Column
from slowpoints.report.marks import MARKS
from slowpoints.runs.scores import score_of
from slowpoints.sweep.networks import Group, Network, Spread

MISSING = "\N{EN DASH}"


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
    mark: str = ""
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
    """Return a row for each network: share of documents that it, and others for comparison, get right.

    Of networks that have another score, that is in columns of its own.
    """
    seeds = any(len(group.networks) > 1 for group in groups)
    columns = [*_scores(groups), *_columns(groups, "accuracies")]
    rows = [
        [
            Cell(group.name),
            *([Cell(str(len(group.networks)), len(group.networks))] if seeds else []),
            *(_number(group.spread(column.metric), column.format) for column in columns),
        ]
        for group in groups
    ]
    headings = (Cell(column.heading, more=column.metric) for column in columns)
    head = [Cell("network"), *([Cell("seeds")] if seeds else []), *headings]
    note = "Share of test documents answered rightly (validation: of validation documents)."
    if any(" " in column.heading for column in _scores(groups)):
        note += " Of networks whose task has another score: that score, by its name."
    return Table("Accuracies", note + (" Mean ± standard deviation over seeds." if seeds else ""), head, rows)


def _scores(groups: Sequence[Group]) -> list[Column]:
    """Return how well networks do on test and validation sets, by the scores that there are."""
    found = [score_of(network.metrics, "test") for group in groups for network in group.networks]
    scores = list(dict.fromkeys(each[0] for each in found if each)) or ["accuracy"]
    return [
        Column(f"{split}/{score}", name if score == "accuracy" else f"{name} {score}", ".3f")
        for score in scores
        for split, name in (("test", "test"), ("val", "validation"))
    ]


def mechanism_table(groups: Sequence[Group]) -> Table:
    """Return a row for each number of the mechanism; those that no network has are left out."""
    rows = []
    for column in _columns(groups, "mechanism"):
        spreads = [group.spread(column.metric) for group in groups]
        if any(spreads):
            numbers = (_number(spread, column.format) for spread in spreads)
            rows.append([Cell(column.heading, more=column.metric), *numbers, Cell(column.paper, is_words=True)])
    note = "Medians over points where they are many; every number: docs/metrics.md and comparison.csv."
    return Table(
        "The mechanism",
        note,
        [Cell(""), *(Cell(group.name) for group in groups), Cell("the paper", is_words=True)],
        rows,
    )


def verdict_table(groups: Sequence[Group]) -> Table:
    """Return a row for each claim, and whether it holds for each network.

    A claim that runs judged by different criteria has a row for each.
    """
    rows = []
    for claim, text, criterion in _claims(groups):
        found = [
            [
                verdict
                for network in group.networks
                for verdict in network.verdicts
                if (verdict.claim, verdict.criterion) == (claim, criterion)
            ]
            for group in groups
        ]
        everywhere = Counter(_word(verdict) for verdicts in found for verdict in verdicts)
        if any(everywhere):  # some network was asked
            cells = [_verdict(verdicts) for verdicts in found]
            rows.append([Cell(text, more=criterion), *cells, Cell(_sum(everywhere), is_words=True)])
    note = "The paper states most claims in words: the thresholds are this project's, and stand in docs/metrics.md."
    head = [Cell(""), *(Cell(group.name) for group in groups), Cell("holds for", is_words=True)]
    return Table("Claims", note, head, rows)


def _columns(groups: Sequence[Group], table: str) -> list[Column]:
    """Return what the networks' questions add to a table, each number once."""
    found = (column for group in groups for network in group.networks for column in network.columns)
    return list({column.metric: column for column in found if column.table == table}.values())


def _claims(groups: Sequence[Group]) -> list[tuple[str, str, str]]:
    """Return name, text and criterion of all claims that were judged, each once."""
    verdicts = (each for group in groups for network in group.networks for each in network.verdicts)
    return list({(each.claim, each.criterion): (each.claim, each.text, each.criterion) for each in verdicts}.values())


def as_markdown(tables: Sequence[Table]) -> str:
    """Return tables for people, as MLflow and the terminal show them."""
    return "\n\n".join(f"## {table.title}\n\n{table.note}\n\n{_markdown(table)}" for table in tables) + "\n"


def runs_csv(groups: Sequence[Group]) -> str:
    """Return a row for each run with all its numbers and verdicts."""
    metrics = sorted({metric for group in groups for network in group.networks for metric in network.metrics})
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    claims = list(dict.fromkeys(claim for claim, _, _ in _claims(groups)))
    rows.writerow(["network", "arch", "data", "seed", *metrics, *(f"claim/{claim}" for claim in claims), "folder"])
    for group in groups:
        for network in group.networks:
            rows.writerow([group.name, *_run_row(network, metrics, claims)])
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


def _run_row(network: Network, metrics: Sequence[str], claims: Sequence[str]) -> list[object]:
    verdicts = {each.claim: each.verdict for each in network.verdicts}
    return [
        *(network.arch, network.data, network.seed),
        *(network.metrics.get(metric, "") for metric in metrics),
        *(verdicts.get(claim, "") for claim in claims),
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
    """Return what became of a claim; for several seeds for how many it holds."""
    marks = [_word(verdict) for verdict in verdicts if _word(verdict)]
    if not marks:
        return Cell(MISSING)
    values = "; ".join(
        ", ".join(f"{metric} = {value:.4g}" for metric, value in verdict.values.items()) for verdict in verdicts
    )
    same = len(set(marks)) == 1
    text = marks[0] if len(marks) == 1 or ("not judged" in marks and same) else _sum(Counter(marks))
    return Cell(text, more=values, mark=marks[0] if same else "weakly")


def _sum(marks: Counter[str]) -> str:
    """Return how many of all it holds for, and for how many weakly."""
    measured = marks["yes"] + marks["weakly"] + marks["no"]
    if not measured:
        return MISSING
    return f"{marks['yes']} of {measured}" + (f", weakly {marks['weakly']}" if marks["weakly"] else "")


def _word(verdict: Verdict) -> str:
    return MARKS[verdict.verdict].word


def _markdown(table: Table) -> str:
    def line(cells: Sequence[Cell]) -> list[str]:
        return [("**no**" if cell.mark == "no" else cell.text).replace("|", "\\|") for cell in cells]

    lines = [line(table.head), ["---"] * len(table.head), *map(line, table.rows)]
    return "\n".join("| " + " | ".join(each) + " |" for each in lines)
