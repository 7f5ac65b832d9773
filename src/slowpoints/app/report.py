"""What a run says when it ends: its findings in sentences, the verdicts, and where to look."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from slowpoints.console import print_text
from slowpoints.questions.question import SECONDS
from slowpoints.report.marks import MARKS
from slowpoints.runs.folder import EXPLORER, SHOWN_PAGE
from slowpoints.runs.scores import score_of

if TYPE_CHECKING:
    from slowpoints.questions.answers import Answers
    from slowpoints.tracking.run import TrackedRun

MLFLOWS_OWN = "sqlite:///mlflow.db"  # what a bare `mlflow ui` opens


@dataclass(frozen=True)
class Report:
    """What is told of a run."""

    name: str
    run: TrackedRun
    found: Answers
    things: str = "documents"  # what the task's sequences are called

    def show(self, console: Console) -> None:
        """Print it: in a frame on a terminal, as lines elsewhere."""
        if console.is_terminal:
            console.print(self._panel())
        else:
            print_text(console, self.text())

    def text(self) -> str:
        """Return it as lines."""
        lines = ["", f"{self.name}: {headline(self.run.metrics, self.things)}"]
        lines += [f"{name}: {sentence}" for name, sentence in self.found.sentences.items()]
        lines += [f"{name} failed: {reason}" for name, reason in self.found.failures.items()]
        if self.found.verdicts:
            lines += ["", "Claims"]
            lines += [f"  {each.verdict:<13}  {each.text}" for each in self.found.verdicts]
            lines += [f"  None is judged: {self.found.unjudged}."] * bool(self.found.unjudged)
        times = [f"The analyses took {time}" for time in self._times()]
        return "\n".join([*lines, "", *times, *(f"{what}: {where}" for what, where in self._places())])

    def document(self) -> dict[str, Any]:
        """Return it for programs: what `summary.json` holds, and where the run is."""
        run = self.run
        where = {"name": self.name, "folder": str(run.folder.resolve()), "tracking_uri": run.tracking_uri}
        return {**where, "run_id": run.run_id, "metrics": dict(sorted(run.metrics.items())), **self.found.summary()}

    def _panel(self) -> Panel:
        parts: list[Any] = [headline(self.run.metrics, self.things)]
        rows = [(Text(name, "bold"), Text(sentence)) for name, sentence in self.found.sentences.items()]
        rows += [(Text(name, "bold red"), Text(f"failed: {reason}")) for name, reason in self.found.failures.items()]
        if rows:
            parts += ["\n[bold]What was found[/]", _columns(rows)]
        if self.found.verdicts:
            claims = ((Text(each.verdict, MARKS[each.verdict].style), Text(each.text)) for each in self.found.verdicts)
            parts += ["\n[bold]Claims[/]", _columns(claims)]
            parts += [f"  None is judged: {self.found.unjudged}."] * bool(self.found.unjudged)
        parts += [f"\n[bold]The analyses took[/] {time}" for time in self._times()]
        places = ((Text(what), Text(where, overflow="fold")) for what, where in self._places())
        parts += ["\n[bold]Where to look[/]", _columns(places)]
        return Panel(Group(*parts), title=Text(self.name, "bold"), title_align="left", padding=(1, 2))

    def _times(self) -> list[str]:
        """Return how long the analyses took, and those of them that took a second; nothing where there were none."""
        metrics = self.run.metrics
        if SECONDS not in metrics:
            return []
        each = {name: metrics[f"{SECONDS}/{name}"] for name in self.found.sentences if f"{SECONDS}/{name}" in metrics}
        longest = sorted((name for name in each if each[name] >= 1), key=each.__getitem__, reverse=True)
        named = ", ".join(f"{name} {each[name]:.0f}" for name in longest)
        return [f"{metrics[SECONDS]:.0f} s{f' ({named})' if named else ''}"]

    def _places(self) -> list[tuple[str, str]]:
        folder = self.run.folder
        pages = {
            "The paper's figures on a page": folder / SHOWN_PAGE,
            "To explore in a browser": folder / EXPLORER,
        }
        there = [(what, short(file)) for what, file in pages.items() if file.is_file()]
        everything = ("Every number, array and figure", short(folder))
        return [*there, everything, ("All runs, side by side", how_to_open(self.run))]


def headline(metrics: dict[str, float], things: str) -> str:
    """Return what a network achieves."""
    words = f" (a bag of words: {metrics['bow/test_accuracy']:.1%})" if "bow/test_accuracy" in metrics else ""
    found = score_of(metrics, "test")
    return f"{achieved(*found, f'the test {things}')}{words}" if found else "not tested"


def achieved(score: str, value: float, where: str) -> str:
    """Return what a score on some sequences means, in words."""
    return f"{value:.1%} of {where} right" if score == "accuracy" else f"{score} {value:.3f} on {where}"


def how_to_open(run: TrackedRun) -> str:
    """Return how a run can be seen beside the others of its experiment."""
    from slowpoints.tracking.store import absolute

    uri = run.tracking_uri
    if uri.startswith("http"):
        return f"{uri}/{run.table}"
    usual = absolute(uri) == absolute(MLFLOWS_OWN)
    return f"mlflow ui{'' if usual else f' --backend-store-uri {shlex.quote(uri)}'}   then http://127.0.0.1:5000/{run.table}"


def short(path: Path) -> str:
    """Return a path as it is shortest from here."""
    path, here = path.resolve(), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _columns(rows: Iterable[tuple[Text, Text]]) -> Padding:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return Padding(grid, (0, 0, 0, 2))
