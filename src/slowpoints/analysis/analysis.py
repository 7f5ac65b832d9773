"""What an analysis is, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

    from slowpoints.analysis.dissection import Dissection
    from slowpoints.figures.style import Drawing

SECONDS = "analysis/seconds"  # the metric: of all analyses together; with /NAME, of one of them


class Unanswerable(Exception):
    """What was asked has no answer for this network, such as the shape of a manifold of two points: a finding."""


@dataclass(frozen=True)
class Findings:
    """What an analysis found.

    Attributes
    ----------
    sentence
        The finding in words, with its numbers, whether or not it is what was expected.
    metrics
        Final numbers, by their names without the analysis's prefix.
    arrays
        What was computed, for later use.
    figures
        By file name. They are drawn from the arrays alone, so that they can be redrawn without the network.
    """

    sentence: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    figures: Mapping[str, Drawing] = field(default_factory=dict)


@runtime_checkable
class Analysis(Protocol):
    """Answers one question about a trained network.

    Attributes
    ----------
    name
        Prefix of its metrics, and the name of its file of arrays.
    """

    name: str

    def __call__(self, dissection: Dissection) -> Findings:
        """Return what was found.

        Raises
        ------
        Unanswerable
            Where the question has no answer for this network.
        """
        ...
