"""Find out how trained recurrent networks compute.

The library is importable from here, and loads nothing until it is used: cells (`slowpoints.cells`) and their dynamics
(`slowpoints.dynamics`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slowpoints.cells import GRU, LSTM, UGRNN, Cell, Linear, Stacked, VanillaRNN, from_torch
    from slowpoints.dynamics import (
        Adam,
        Eigenmodes,
        FixedPoints,
        Front,
        InvalidInput,
        LevenbergMarquardt,
        Linearization,
        Manifold,
        PrincipalComponents,
        Record,
        Region,
        Solver,
        Status,
        drift,
        eigenmodes,
        find_fixed_points,
        find_manifold,
        input_effects,
        input_projections,
        linearize,
        linearized_states,
        mode_overlaps,
        nearest_points,
        one_step_errors,
        predict_one_step,
        principal_components,
        random_overlaps,
        readout_change,
        relaxation,
        sample_states,
        spectrum,
        sweep_tolerances,
        time_constants,
        typical_step,
        visited_states,
    )

_HOMES = {
    "slowpoints.cells": ("GRU", "LSTM", "UGRNN", "Cell", "Linear", "Stacked", "VanillaRNN", "from_torch"),
    "slowpoints.dynamics": (
        "Adam",
        "Eigenmodes",
        "FixedPoints",
        "Front",
        "InvalidInput",
        "LevenbergMarquardt",
        "Linearization",
        "Manifold",
        "PrincipalComponents",
        "Record",
        "Region",
        "Solver",
        "Status",
        "drift",
        "eigenmodes",
        "find_fixed_points",
        "find_manifold",
        "input_effects",
        "input_projections",
        "linearize",
        "linearized_states",
        "mode_overlaps",
        "nearest_points",
        "one_step_errors",
        "predict_one_step",
        "principal_components",
        "random_overlaps",
        "readout_change",
        "relaxation",
        "sample_states",
        "spectrum",
        "sweep_tolerances",
        "time_constants",
        "typical_step",
        "visited_states",
    ),
}

__all__ = [
    "GRU",
    "LSTM",
    "UGRNN",
    "Adam",
    "Cell",
    "Eigenmodes",
    "FixedPoints",
    "Front",
    "InvalidInput",
    "LevenbergMarquardt",
    "Linear",
    "Linearization",
    "Manifold",
    "PrincipalComponents",
    "Record",
    "Region",
    "Solver",
    "Stacked",
    "Status",
    "VanillaRNN",
    "drift",
    "eigenmodes",
    "find_fixed_points",
    "find_manifold",
    "from_torch",
    "input_effects",
    "input_projections",
    "linearize",
    "linearized_states",
    "mode_overlaps",
    "nearest_points",
    "one_step_errors",
    "predict_one_step",
    "principal_components",
    "random_overlaps",
    "readout_change",
    "relaxation",
    "sample_states",
    "spectrum",
    "sweep_tolerances",
    "time_constants",
    "typical_step",
    "visited_states",
]


def __getattr__(name: str) -> Any:
    if f"slowpoints.{name}" in _HOMES:
        return import_module(f"slowpoints.{name}")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
