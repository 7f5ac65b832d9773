"""Find out how trained recurrent networks compute.

The library is importable from here, and loads nothing until it is used: cells (`slowpoints.cells`) and their dynamics
(`slowpoints.dynamics`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slowpoints.cells import GRU, LSTM, UGRNN, Cell, VanillaRNN, from_torch
    from slowpoints.dynamics import (
        Adam,
        LevenbergMarquardt,
        find_fixed_points,
        find_manifold,
        linearize,
        principal_components,
        sample_states,
    )

_HOMES = {
    "slowpoints.cells": ("GRU", "LSTM", "UGRNN", "Cell", "VanillaRNN", "from_torch"),
    "slowpoints.dynamics": (
        "Adam",
        "LevenbergMarquardt",
        "find_fixed_points",
        "find_manifold",
        "linearize",
        "principal_components",
        "sample_states",
    ),
}

__all__ = [
    "GRU",
    "LSTM",
    "UGRNN",
    "Adam",
    "Cell",
    "LevenbergMarquardt",
    "VanillaRNN",
    "find_fixed_points",
    "find_manifold",
    "from_torch",
    "linearize",
    "principal_components",
    "sample_states",
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
