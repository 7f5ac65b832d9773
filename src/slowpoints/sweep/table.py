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

from slowpoints.runs.scores import score_of
from slowpoints.sweep.jobs import End, Job

if TYPE_CHECKING:
    from rich.console import Console

COLORS = {"done": "green", "done before": "green", "interrupted": "yellow", "not run": "yellow"}


def print_table(console: Console, title: str, jobs: Sequence[Job], ends: Mapping[str, End]) -> None:
    """Print a row for each job: how it ended, its score, and where it is; for those without results, their log."""
    scores = _scores(jobs)
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    table.add_column("job", overflow="fold")
    table.add_column("state")
    for score in scores:
        table.add_column(f"test {score}", justify="right")
    table.add_column("folder, or why and log", overflow="fold")
    for job in jobs:
        end = ends[job.name]
        reason = [end.why] if end.why else []
        place = _short(job.folder) if end.good else "; ".join([*reason, _short(job.log)])
        table.add_row(
            escape(job.name),
            f"[{COLORS.get(end.state, 'red')}]{end.state}[/]",
            *(_shown(job, score) for score in scores),
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
    scores = _scores(jobs)
    rows.writerow(["job", "state", "why", *(f"test_{score}" for score in scores), "folder", "log"])
    for job in jobs:
        end, found = ends[job.name], job.summary or {}
        values = (found.get(f"test/{score}", "") for score in scores)
        rows.writerow([job.name, end.state, end.why, *values, job.folder, job.log])
    return text.getvalue()


def as_markdown(jobs: Sequence[Job], ends: Mapping[str, End]) -> str:
    """Return the same for people, as MLflow shows it on a run's page: there, columns touch without `&nbsp;`."""
    scores = _scores(jobs)
    head = ["job", "state&nbsp;", *(f"test {score}" for score in scores)]
    lines = [f"| {' | '.join(head)} |", f"|{len(head) * '---|'}"]
    for job in jobs:
        cells = [f"{html.escape(job.name, quote=False)}&nbsp;", f"{ends[job.name].state}&nbsp;"]
        lines.append(f"| {' | '.join([*cells, *(_shown(job, score) for score in scores)])} |")
    return "\n".join(lines)


def _scores(jobs: Sequence[Job]) -> list[str]:
    """Return the names of the jobs' scores; jobs of one task have the same."""
    found = [score_of(job.summary or {}, "test") for job in jobs]
    return list(dict.fromkeys(each[0] for each in found if each)) or ["accuracy"]


def _shown(job: Job, score: str) -> str:
    value = (job.summary or {}).get(f"test/{score}")
    return "" if value is None else f"{value:.4f}"


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
