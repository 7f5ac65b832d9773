"""What the version before called things that runs left, and what they are called now."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

RENAMED = {"fixed_points": {"speed": "q", "slow_speed": "slow_q"}, "explorer": {"speed": "q"}}  # by analysis


def with_present_arrays(analysis: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what an analysis left, under the names that it has in this version."""
    renamed = RENAMED.get(analysis, {})
    return {renamed.get(name, name): array for name, array in arrays.items()}
