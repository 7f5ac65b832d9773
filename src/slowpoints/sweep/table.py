"""What happened to each job of a sweep."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from slowpoints.sweep.jobs import End, Job

if TYPE_CHECKING:
    from rich.console import Console

ACCURACY = "test/accuracy"
COLORS = {"done": "green", "done before": "green", "interrupted": "yellow", "not run": "yellow"}


def print_table(console: Console, title: str, jobs: Sequence[Job], ends: Mapping[str, End]) -> None:
    """Print a row for each job: how it ended, its accuracy, and where it is; for those without results, their log."""
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    table.add_column("job", overflow="fold")
    table.add_column("state")
    table.add_column("test accuracy", justify="right")
    table.add_column("folder, or why and log", overflow="fold")
    for job in jobs:
        end = ends[job.name]
        accuracy = (job.summary or {}).get(ACCURACY)
        reason = [end.why] if end.why else []
        place = _short(job.folder) if end.good else "; ".join([*reason, _short(job.log)])
        table.add_row(
            escape(job.name),
            f"[{COLORS.get(end.state, 'red')}]{end.state}[/]",
            "" if accuracy is None else f"{accuracy:.4f}",
            escape(place),
        )
    console.print(table)


def as_rows(jobs: Sequence[Job], ends: Mapping[str, End]) -> list[dict[str, Any]]:
    """Return the same for programs, with all final metrics."""
    return [
        {
            "name": job.name,
            "state": ends[job.name].state,
            "why": ends[job.name].why,
            "folder": str(job.folder),
            "log": str(job.log),
            "metrics": job.summary or {},
        }
        for job in jobs
    ]


def as_csv(jobs: Sequence[Job], ends: Mapping[str, End]) -> str:
    """Return the same as a table to read with a program."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["job", "state", "why", "test_accuracy", "folder", "log"])
    for job in jobs:
        end = ends[job.name]
        rows.writerow([job.name, end.state, end.why, (job.summary or {}).get(ACCURACY, ""), job.folder, job.log])
    return text.getvalue()


def as_markdown(jobs: Sequence[Job], ends: Mapping[str, End]) -> str:
    """Return the same for people, as MLflow shows it on a run's page: there, columns touch without `&nbsp;`."""
    lines = ["| job | state&nbsp; | test accuracy |", "|---|---|---|"]
    for job in jobs:
        accuracy = (job.summary or {}).get(ACCURACY)
        name, shown = html.escape(job.name, quote=False), "" if accuracy is None else f"{accuracy:.4f}"
        lines.append(f"| {name}&nbsp; | {ends[job.name].state}&nbsp; | {shown} |")
    return "\n".join(lines)


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
