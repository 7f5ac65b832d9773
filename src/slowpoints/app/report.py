"""What a run says when it ends: a table, sentences, and where to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slowpoints.figures.explorer import FILE as EXPLORER

if TYPE_CHECKING:
    from slowpoints.analysis.callback import AnalysisCallback
    from slowpoints.tracking.run import TrackedRun

STYLES = {"holds": "green", "holds weakly": "yellow", "does not hold": "red", "not measured": "dim"}


@dataclass(frozen=True)
class Report:
    """What is told of a run."""

    name: str
    run: TrackedRun
    found: AnalysisCallback


def print_report(report: Report) -> None:
    """Print the final metrics, the findings, the verdicts, and the places where everything is."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(_metrics(report))
    for name, sentence in report.found.sentences.items():
        console.print(f"[bold]{escape(name)}[/bold]: {escape(sentence)}")
    for name, reason in report.found.failures.items():
        console.print(f"[bold red]{escape(name)} failed[/bold red]: {escape(reason)}")
    if report.found.verdicts:
        console.print("\n[bold]The paper's claims[/bold]")
    for verdict in report.found.verdicts:
        console.print(f"  [{STYLES[verdict.verdict]}]{verdict.verdict:<13}[/]  {escape(verdict.text)}")
    console.print(f"\nFigures, arrays, weights and summary.json: {escape(str(report.run.folder))}")
    if (report.run.folder / EXPLORER).is_file():
        console.print(f"To explore in a browser: {escape(str(report.run.folder / EXPLORER))}")
    console.print(f"All runs, side by side: {escape(how_to_open(report.run.tracking_uri))}")


def _metrics(report: Report) -> Table:
    table = Table(title=report.name, title_justify="left", show_header=True, header_style="bold")
    table.add_column("metric")
    table.add_column("value", justify="right")
    for metric, value in sorted(report.run.metrics.items()):
        table.add_row(metric, _number(value))
    return table


def how_to_open(uri: str) -> str:
    """Return where the runs of a store can be seen."""
    if uri.startswith("http"):
        return uri
    option = "" if uri == "sqlite:///mlflow.db" else f" --backend-store-uri {uri}"
    return f"mlflow ui{option}   then http://127.0.0.1:5000"


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"
