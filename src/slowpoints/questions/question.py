"""What a question is: what it computes, draws, claims, and adds to a comparison."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

if TYPE_CHECKING:
    import numpy as np

    from slowpoints.questions.claims import Claim
    from slowpoints.questions.dissection import Dissection
    from slowpoints.report.style import Drawing
    from slowpoints.tasks import Task

SECONDS = "analysis/seconds"  # the metric: of all questions together; with /NAME, of one of them
FORMAT = re.compile(r"\.\d[efg%]")


class Unanswerable(Exception):
    """What was asked has no answer for this network, such as the shape of a manifold of two points: a finding."""


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes
    ----------
    sentence
        The finding in words, with its numbers, whether or not it is what was expected.
    metrics
        Final numbers, by their names without the question's prefix.
    arrays
        What was computed, for later use: figures are drawn from these alone.
    texts
        What is to be read beside them, by the names of the files.
    """

    sentence: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A number by which networks are compared.

    Attributes
    ----------
    metric
        Its whole name, such as `modes/tau_1_median`.
    heading
        What it is called in the comparison.
    format
        How it is written: `.3f`, `.0%`.
    paper
        What the paper says of it, or nothing.
    table
        Where it stands.

    Raises
    ------
    ValueError
        If the format is another than `.Nf`, `.Ne`, `.Ng` or `.N%`.
    """

    metric: str
    heading: str
    format: str = ".2f"
    paper: str = ""
    table: Literal["accuracies", "mechanism"] = "mechanism"

    def __post_init__(self) -> None:
        if FORMAT.fullmatch(self.format) is None:
            raise ValueError(f"{self.metric}: must have a format such as .3f or .0%, not {self.format}")


def recorded_columns(summary: Mapping[str, Any]) -> list[Column]:
    """Return the columns that a run's summary records.

    Raises
    ------
    ValueError
        If they are none.
    """
    return TypeAdapter(list[Column]).validate_python(summary["columns"])


class Question(ABC):
    """Asks something of a trained network.

    Attributes
    ----------
    name
        Prefix of its metrics, and the name of its file of arrays.
    figures
        Drawn from the arrays of its findings, by the names of their files.
    claims
        What may hold for a network, as the metrics say.
    columns
        What it adds to a comparison of networks.
    """

    name: str
    figures: Mapping[str, Drawing] = {}
    claims: Sequence[Claim] = ()
    columns: Sequence[Column] = ()

    def asks(self, task: Task) -> bool:
        """Return whether there is something to ask of a network that is trained on this task."""
        return True

    @abstractmethod
    def __call__(self, dissection: Dissection) -> Findings:
        """Return what was found.

        Raises
        ------
        Unanswerable
            Where the question has no answer for this network.
        """
