"""What a run says when it ends: a table, sentences, and where to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slowpoints.tracking.run import TrackedRun


@dataclass(frozen=True)
class Report:
    """What is told of a run."""

    name: str
    run: TrackedRun
    sentences: Mapping[str, str]
    failures: Mapping[str, str]


def print_report(report: Report) -> None:
    """Print the table of final metrics, the findings, and the places where everything is."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(title=report.name, title_justify="left", show_header=True, header_style="bold")
    table.add_column("metric")
    table.add_column("value", justify="right")
    for metric, value in sorted(report.run.metrics.items()):
        table.add_row(metric, _number(value))
    console.print(table)
    for name, sentence in report.sentences.items():
        console.print(f"[bold]{escape(name)}[/bold]: {escape(sentence)}")
    for name, reason in report.failures.items():
        console.print(f"[bold red]{escape(name)} failed[/bold red]: {escape(reason)}")
    console.print(f"\nFigures, arrays, weights and summary.json: {escape(str(report.run.folder))}")
    console.print(f"All runs, side by side: {escape(how_to_open(report.run.tracking_uri))}")


def how_to_open(uri: str) -> str:
    """Return where the runs of a store can be seen."""
    if uri.startswith("http"):
        return uri
    option = "" if uri == "sqlite:///mlflow.db" else f" --backend-store-uri {uri}"
    return f"mlflow ui{option}   then http://127.0.0.1:5000"


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"
