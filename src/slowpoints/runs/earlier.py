"""What runs of the version before left in another form: it called q a speed, and told slow points by q alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

CONVERGED = 0  # the number of this `slowpoints.dynamics.Status`: to import it would take a second

Arrays = Mapping[str, np.ndarray]


def with_present_arrays(analysis: str, arrays: Arrays) -> dict[str, np.ndarray]:
    """Return what an analysis left, in the form that it has in this version."""
    return dict(_PRESENT[analysis](arrays)) if analysis in _PRESENT else dict(arrays)


def is_searched_by_q(config: Mapping[str, Any]) -> bool:
    """Whether a recorded configuration tells slow points by q."""
    return not _BY_Q.isdisjoint(_sampling(config))


def searched_by_relative_speed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration that tells slow points by q with the usual levels instead, under zero input as before."""
    kept = {name: value for name, value in _sampling(config).items() if name not in _BY_Q}
    return {**config, "analysis": {**config["analysis"], "sampling": {**kept, **_USUAL}}}


_BY_Q = frozenset({"tolerance", "slow_tolerance"})
_USUAL = {"slow": 0.1, "fixed": 0.01, "neutral": "zero"}


def _sampling(config: Mapping[str, Any]) -> Mapping[str, Any]:
    analysis = config.get("analysis")
    sampling = analysis.get("sampling") if isinstance(analysis, Mapping) else None
    return sampling if isinstance(sampling, Mapping) else {}


def _fixed_points(arrays: Arrays) -> Arrays:
    arrays = _renamed(arrays, {"speed": "q", "slow_speed": "slow_q"})
    prefixes = ("slow_", "")
    if "level_names" in arrays or not {f"{prefix}tolerance" for prefix in prefixes} <= arrays.keys():
        return arrays
    return {
        **arrays,
        "level_names": np.array([_slowness(arrays[f"{prefix}tolerance"]) for prefix in prefixes]),
        "level_found": np.stack([_is_found(arrays, prefix) for prefix in prefixes]),
        **{
            f"level_{name}": np.stack([arrays[f"{prefix}{name}"] for prefix in prefixes]) for name in ("plane", "logit")
        },
    }


def _is_found(arrays: Arrays, prefix: str) -> np.ndarray:
    found: np.ndarray = arrays[f"{prefix}status"] == CONVERGED
    return found & ~arrays[f"{prefix}outside"] if f"{prefix}outside" in arrays else found


def _manifold(arrays: Arrays) -> Arrays:
    return {**arrays, "slowness": np.array(_slowness(arrays["tolerance"]))} if "tolerance" in arrays else arrays


def _slowness(tolerance: np.ndarray) -> str:
    return f"q < {float(tolerance):g}"


def _renamed(arrays: Arrays, names: Mapping[str, str]) -> Arrays:
    return {names.get(name, name): array for name, array in arrays.items()}


_PRESENT: Mapping[str, Callable[[Arrays], Arrays]] = {
    "fixed_points": _fixed_points,
    "manifold": _manifold,
    "explorer": lambda arrays: _renamed(arrays, {"speed": "q"}),
}
