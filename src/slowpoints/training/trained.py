"""What a run's folder holds for the case that the run is interrupted."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slowpoints.errors import DamagedFile
from slowpoints.files import write_text
from slowpoints.runs.folder import TRAINED, RunFolder, check_weights
from slowpoints.runs.reading import digest, digest_of_values, json_mapping, read_file

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A training that is over.

    Attributes
    ----------
    checkpoint
        Name of the file of the best state's weights.
    validation_score
        Of the best state: the share of sequences that it gets right, or what the task has in its place.
    epochs
        Passes over the training set.
    seconds
        Spent on it, without interruptions.
    """

    checkpoint: str
    validation_score: float
    epochs: int
    seconds: float


def write_trained(folder: Path, trained: Trained) -> None:
    """Leave in a run's folder that its training is over: only what comes after it is left to do."""
    record = {**asdict(trained), "weights": digest((folder / trained.checkpoint).read_bytes())}
    write_text(RunFolder(folder).resume / TRAINED, json.dumps({**record, "digest": digest_of_values(record)}))


def read_trained(folder: Path) -> Trained | None:
    """Return how the training of a run's folder ended; None if it has not, or its record or weights cannot be read."""
    path = RunFolder(folder).resume / TRAINED
    if not path.is_file():
        return None
    try:
        return read_file(path, lambda content: _trained(folder, json_mapping(content)), "the network is trained again")
    except DamagedFile as error:
        log.warning("%s", error)
        return None


def _trained(folder: Path, record: dict[str, Any]) -> Trained:
    if record.pop("digest", None) not in (None, digest_of_values(record)):  # runs of earlier versions have none
        raise ValueError("it is not as the training left it")
    expected = record.pop("weights", None)
    if "validation_accuracy" in record:  # what earlier versions called it
        record["validation_score"] = record.pop("validation_accuracy")
    trained = Trained(**record)
    numbers = (trained.validation_score, trained.epochs, trained.seconds)
    if not (isinstance(trained.checkpoint, str) and all(isinstance(each, int | float) for each in numbers)):
        raise ValueError("is not that of a training")
    weights = folder / Path(trained.checkpoint).name
    if expected is not None and digest(weights.read_bytes()) != expected:
        raise ValueError(f"{weights.name} is not as the training left it")
    check_weights(weights)
    return trained


def forget(folder: Path) -> None:
    """Delete what a run's folder holds to go on from."""
    shutil.rmtree(RunFolder(folder).resume, ignore_errors=True)
