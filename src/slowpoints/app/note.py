"""What stands at the top of a run's page in MLflow."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from slowpoints.app.report import Report, headline
from slowpoints.report.marks import MARKS
from slowpoints.runs.folder import ARRAYS, EXPLORER, SUMMARY

if TYPE_CHECKING:
    from slowpoints.tracking.run import TrackedRun


def note(report: Report) -> str:
    """Return the findings of a run as Markdown: accuracy, the claims with their verdicts, a sentence an analysis."""
    found, metrics = report.found, report.run.metrics
    lines = [f"**{_plain(report.name)}**: {headline(metrics, report.things)}", ""]
    lines += _explorer(report.run)  # above what MLflow folds away
    if found.verdicts:
        lines += ["| | claim |", "|---|---|"]
        signs = ((MARKS[each.verdict].sign, each) for each in found.verdicts)
        lines += [f"| {sign} {each.verdict}&nbsp; | {_cell(each.text)} |" for sign, each in signs]
        lines.append("")
    lines += [f"- **{_plain(name)}**: {_plain(sentence)}" for name, sentence in found.sentences.items()]
    lines += [f"- **{_plain(name)}** failed: {_plain(reason)}" for name, reason in found.failures.items()]
    lines += ["", f"Figures and `{SUMMARY}` are at the top of the artifacts, arrays in `{ARRAYS}`."]
    return "\n".join(lines)


def _explorer(run: TrackedRun) -> list[str]:
    """Return the line that leads to the explorer, where the run has one."""
    if not (run.folder / EXPLORER).is_file():
        return []
    place = run.place_of(EXPLORER)
    name = f"[{EXPLORER}]({place})" if place else f"`{EXPLORER}`"
    return [f"Documents word by word, eigenvalues and words at each point: {name}.", ""]


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|").replace("\n", " ")


def _plain(text: str) -> str:
    """Return Markdown that shows a text as it is, also where it looks like HTML: names and words are the user's."""
    return escape(text, quote=False)
