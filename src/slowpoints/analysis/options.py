"""What is asked of a trained network."""

from __future__ import annotations

from typing import Any

from pydantic import PositiveFloat, PositiveInt

from slowpoints.options import Options


class Sampling(Options):
    """From what the quantities that analyses share are computed."""

    documents: PositiveInt  # test documents whose states are visited
    points: PositiveInt  # initial states of the search for fixed points
    tolerance: PositiveFloat  # speed q below which a point counts as fixed


class AnalysisOptions(Options):
    """Which questions are asked: `conf/analysis/*.yaml`."""

    sampling: Sampling
    questions: dict[str, dict[str, Any]]
