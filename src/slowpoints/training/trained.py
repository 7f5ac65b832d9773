"""What a run's folder holds for the case that the run is interrupted."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from slowpoints.files import write_text

RESUME = ".resume"  # inside a run's folder; gone when the run is complete
WEIGHTS = "model"  # name of the file of the best weights
WEIGHTS_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Trained:
    """A training that is over.

    Attributes
    ----------
    checkpoint
        Name of the file of the best state's weights.
    validation_accuracy
        Of the best state, as a share of documents.
    epochs
        Passes over the training set.
    seconds
        Spent on it, without interruptions.
    """

    checkpoint: str
    validation_accuracy: float
    epochs: int
    seconds: float


def write_trained(folder: Path, trained: Trained) -> None:
    """Leave in a run's folder that its training is over: only what comes after it is left to do."""
    path = folder / RESUME / "trained.json"
    write_text(path, json.dumps(asdict(trained)))


def read_trained(folder: Path) -> Trained | None:
    """Return how the training of a run's folder ended, or None if it has not."""
    path = folder / RESUME / "trained.json"
    return Trained(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def forget(folder: Path) -> None:
    """Delete what a run's folder holds to go on from."""
    shutil.rmtree(folder / RESUME, ignore_errors=True)
