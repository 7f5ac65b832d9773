"""What the jobs of a sweep share is made once, before the first of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from slowpoints.tasks.data import Data
from slowpoints.training.options import TrainingOptions, check_validations


def find_files(choices: Iterable[tuple[Data, Path]]) -> None:
    """Find the files of each different data set, and look into small ones: `(options, cache folder)`.

    Raises
    ------
    UserError
        If files are missing or cannot be used.
    """
    found = set()
    for options, folder in choices:
        key = options.model_dump_json()
        if key not in found:
            options.find(0, folder)
            found.add(key)


def build_caches(choices: Iterable[tuple[Data, Path, int, TrainingOptions]]) -> None:
    """Make the task of each different data set once, which encodes documents.

    Parameters
    ----------
    choices
        `(options, cache folder, seed, what the data are to be used for)`.

    Raises
    ------
    UserError
        If data cannot be had, read, or used.
    """
    sequences: dict[str, int] = {}  # to train on
    for options, folder, seed, training in choices:
        key = json.dumps([options.model_dump(mode="json"), str(folder), seed], sort_keys=True)
        if key not in sequences:
            sequences[key] = len(options.task(seed, folder).train)
        check_validations(training, sequences[key])
