"""How well a network does, as its run recorded it: by the name that its task gives the score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

LOSS, DOCUMENTS = "loss", "documents"


def score_of(metrics: Mapping[str, float], split: Literal["val", "test"]) -> tuple[str, float] | None:
    """Return name and value of the score on a split, as `("accuracy", 0.9)`: what is no loss and no count.

    None where nothing is recorded.
    """
    prefix = f"{split}/"
    found = ((name.removeprefix(prefix), value) for name, value in metrics.items() if name.startswith(prefix))
    return next(((name, value) for name, value in found if name not in (LOSS, DOCUMENTS)), None)


def error_of_share(share: float, count: float) -> float:
    """Return the standard error of a share of so many."""
    return math.sqrt(share * (1 - share) / count)
