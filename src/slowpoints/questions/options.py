"""What is asked of a trained network."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from slowpoints.options import Count, Options, Positive, checked_numbers

Neutral = Literal["mean", "zero"]
LEVELS = (0.3, 0.1, 0.03, 0.01)  # of relative speed, at which what is found is compared
NEUTRAL_NAMES = {"mean": "the mean word", "zero": "zero"}


class Sampling(Options):
    """From what the quantities that questions share are computed."""

    documents: Count  # test documents whose states are visited
    points: Count  # initial states of the search for fixed points
    slow: Positive  # relative speed below which a point counts as slow
    fixed: Positive  # and below which it counts as fixed
    neutral: Neutral  # the constant input of searches, linearisation and relaxation
    linearize_at: Literal["slow_points", "fixed_points"]  # at which of them the network is linearised

    @model_validator(mode="after")
    def _slow_is_faster_than_fixed(self) -> Self:
        if self.slow <= self.fixed:
            raise ValueError(f"slow must exceed fixed ({self.fixed:g})")
        return self

    @property
    def levels(self) -> tuple[float, ...]:
        """Relative speeds at which searches are looked at, falling: slow, fixed, and others above the latter."""
        others = (level for level in LEVELS if level > self.fixed)
        return tuple(sorted({self.slow, self.fixed, *others}, reverse=True))


class AnalysisOptions(Options):
    """Which questions are asked: `conf/analysis/*.yaml`."""

    sampling: Sampling
    questions: dict[str, dict[str, Any]]

    @field_validator("questions")
    @classmethod
    def _name_their_classes(cls, questions: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, node in questions.items():
            if not isinstance(node.get("_target_"), str):
                raise ValueError(f"{name} needs a `_target_`: the class of the question")
        return checked_numbers(questions)
