"""What stands at the top of a run's page in MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slowpoints.app.report import Report

SYMBOLS = {"holds": "✔", "holds weakly": "(✔)", "does not hold": "✘", "not measured": "?"}


def note(report: Report) -> str:
    """Return the findings of a run as Markdown: accuracy, the claims with their verdicts, a sentence an analysis."""
    found, metrics = report.found, report.run.metrics
    lines = [f"**{report.name}**{_accuracy(metrics)}", ""]
    if found.verdicts:
        lines += ["| | the paper's claim |", "|---|---|"]
        lines += [f"| {SYMBOLS[each.verdict]} {each.verdict}&nbsp; | {_cell(each.text)} |" for each in found.verdicts]
        lines.append("")
    lines += [f"- **{name}**: {sentence}" for name, sentence in found.sentences.items()]
    lines += [f"- **{name}** failed: {reason}" for name, reason in found.failures.items()]
    lines += ["", "Figures and `summary.json` are at the top of the artifacts, arrays in `arrays`."]
    return "\n".join(lines)


def _accuracy(metrics: dict[str, float]) -> str:
    if "test/accuracy" not in metrics:
        return ""
    words = f" (bag of words: {metrics['bow/test_accuracy']:.1%})" if "bow/test_accuracy" in metrics else ""
    return f": {metrics['test/accuracy']:.1%} of the test documents right{words}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
