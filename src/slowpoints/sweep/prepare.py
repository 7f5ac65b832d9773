"""What the jobs of a sweep share is made once, before the first of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from slowpoints.text.load import Options as DataOptions
from slowpoints.text.load import find_data, load_data
from slowpoints.training.options import TrainingOptions, check_validations


def find_files(choices: Iterable[tuple[DataOptions, Path]]) -> None:
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
            find_data(options, folder, seed=0)
            found.add(key)


def build_caches(choices: Iterable[tuple[DataOptions, Path, int, TrainingOptions]]) -> None:
    """Encode each different data set once: `(options, cache folder, seed, what it is to be used for)`.

    Raises
    ------
    UserError
        If data cannot be had, read, or used.
    """
    documents: dict[str, int] = {}  # to train on
    for options, folder, seed, training in choices:
        key = json.dumps([options.model_dump(mode="json"), str(folder), seed], sort_keys=True)
        if key not in documents:
            documents[key] = len(load_data(options, folder, seed).train)
        check_validations(training, documents[key])
