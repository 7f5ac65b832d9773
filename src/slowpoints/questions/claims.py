"""Claims on how networks compute, and from which numbers on one holds for a network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import TypeAdapter

from slowpoints.runs.scores import error_of_share

Judgement = Literal["holds", "holds weakly", "does not hold", "not measured", "not judged"]
_ORDER: tuple[Judgement, ...] = ("holds", "holds weakly", "does not hold")


@dataclass(frozen=True)
class Condition:
    """One number that a claim rests on.

    Attributes
    ----------
    metric
        Its name.
    holds, weakly
        From where on the claim holds, and holds weakly; a smaller `holds` than `weakly` means that less is better.
    """

    metric: str
    holds: float
    weakly: float

    def judge(self, value: float) -> Judgement:
        """Return the verdict on a value; NaN speaks for nothing."""
        sign = 1 if self.holds >= self.weakly else -1
        if sign * value >= sign * self.holds:
            return "holds"
        return "holds weakly" if sign * value >= sign * self.weakly else "does not hold"

    def __str__(self) -> str:
        relation = ">=" if self.holds >= self.weakly else "<="
        return f"{self.metric} {relation} {self.holds:g} (weakly: {self.weakly:g})"


@dataclass(frozen=True)
class Claim:
    """What may hold for a network: it does as far as the worst of its conditions.

    Attributes
    ----------
    name
        By which it is told from others.
    text
        What it says.
    conditions
        What it rests on.
    """

    name: str
    text: str
    conditions: tuple[Condition, ...]

    @property
    def criterion(self) -> str:
        """The rule, in a line."""
        return " and ".join(map(str, self.conditions))


@dataclass(frozen=True)
class Verdict:
    """What became of a claim for one network.

    Attributes
    ----------
    claim, text
        The claim's name, and what it says.
    verdict
        Whether it holds.
    values
        The numbers it was judged by.
    criterion
        The rule.
    reason
        Why it is not judged, where it is not.
    """

    claim: str
    text: str
    verdict: Judgement
    values: Mapping[str, float]
    criterion: str
    reason: str = ""


def judge(claims: Iterable[Claim], metrics: Mapping[str, float], unjudged: str = "") -> list[Verdict]:
    """Return a verdict on each claim that the metrics bear on at all.

    Parameters
    ----------
    unjudged
        Why none is judged; nothing where they are.
    """
    asked = [claim for claim in claims if any(condition.metric in metrics for condition in claim.conditions)]
    verdicts = [_judge(claim, metrics) for claim in asked]
    return [replace(each, verdict="not judged", reason=unjudged) for each in verdicts] if unjudged else verdicts


def reason_not_to_judge(accuracy: float, chance: float, bag_of_words: float | None, documents: int) -> str:
    """Return why nothing follows from how a network computes: it does not do its task; nothing where it does.

    Parameters
    ----------
    accuracy, chance, bag_of_words
        Shares of the test documents that the network, the most frequent class, and a bag of words get right;
        differences count from two standard errors on.
    documents
        How many there are.
    """
    error = error_of_share(accuracy, documents)
    if accuracy - 2 * error <= chance:
        return f"its accuracy of {accuracy:.1%} is no better than chance ({chance:.1%})"
    if bag_of_words is not None:
        error = math.hypot(error, error_of_share(bag_of_words, documents))
        if accuracy + 2 * error < bag_of_words:
            return f"its accuracy of {accuracy:.1%} is below that of a bag of words ({bag_of_words:.1%})"
    return ""


def recorded_verdicts(summary: Mapping[str, Any]) -> list[Verdict]:
    """Return the verdicts that a run's summary records.

    Raises
    ------
    ValueError
        If they are none.
    """
    return TypeAdapter(list[Verdict]).validate_python(list(summary["verdicts"].values()))


def _judge(claim: Claim, metrics: Mapping[str, float]) -> Verdict:
    values = {c.metric: metrics[c.metric] for c in claim.conditions if c.metric in metrics}
    if len(values) < len(claim.conditions):
        verdict: Judgement = "not measured"
    else:
        verdict = max((c.judge(values[c.metric]) for c in claim.conditions), key=_ORDER.index)
    return Verdict(claim.name, claim.text, verdict, values, claim.criterion)
