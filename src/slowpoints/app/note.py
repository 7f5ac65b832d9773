"""What stands at the top of a run's page in MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slowpoints.app.report import Report, headline
from slowpoints.figures.explorer import FILE as EXPLORER

if TYPE_CHECKING:
    from slowpoints.tracking.run import TrackedRun

SYMBOLS = {"holds": "✔", "holds weakly": "(✔)", "does not hold": "✘", "not measured": "?"}


def note(report: Report) -> str:
    """Return the findings of a run as Markdown: accuracy, the claims with their verdicts, a sentence an analysis."""
    found, metrics = report.found, report.run.metrics
    lines = [f"**{report.name}**: {headline(metrics)}", ""]
    if found.verdicts:
        lines += ["| | the paper's claim |", "|---|---|"]
        lines += [f"| {SYMBOLS[each.verdict]} {each.verdict}&nbsp; | {_cell(each.text)} |" for each in found.verdicts]
        lines.append("")
    lines += [f"- **{name}**: {sentence}" for name, sentence in found.sentences.items()]
    lines += [f"- **{name}** failed: {reason}" for name, reason in found.failures.items()]
    lines += ["", *_explorer(report.run)]
    lines += ["Figures and `summary.json` are at the top of the artifacts, arrays in `arrays`."]
    return "\n".join(lines)


def _explorer(run: TrackedRun) -> list[str]:
    """Return the line that leads to the explorer, where the run has one."""
    if not (run.folder / EXPLORER).is_file():
        return []
    place = run.place_of(EXPLORER)
    name = f"[{EXPLORER}]({place})" if place else f"`{EXPLORER}`"
    return [f"Documents word by word, eigenvalues and words at each point: {name}.", ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
