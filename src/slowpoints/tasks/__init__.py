"""What networks are trained for: sequences, and what is to be said of them.

Nothing is loaded until it is used: options of data are looked at before torch is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slowpoints.tasks.data import Data
    from slowpoints.tasks.outputs import TWO_CLASSES, Classes, Labels, Outputs, Values
    from slowpoints.tasks.probes import Probes
    from slowpoints.tasks.sequences import Sequences
    from slowpoints.tasks.task import Task

__all__ = ["TWO_CLASSES", "Classes", "Data", "Labels", "Outputs", "Probes", "Sequences", "Task", "Values"]

_HOMES = {
    **dict.fromkeys(("TWO_CLASSES", "Classes", "Labels", "Outputs", "Values"), "slowpoints.tasks.outputs"),
    "Data": "slowpoints.tasks.data",
    "Probes": "slowpoints.tasks.probes",
    "Sequences": "slowpoints.tasks.sequences",
    "Task": "slowpoints.tasks.task",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
