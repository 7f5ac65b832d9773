"""What the jobs of a sweep share is made once, before the first of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from slowpoints.text.load import Options as DataOptions
from slowpoints.text.load import load_data


def build_caches(choices: Iterable[tuple[DataOptions, Path, int]]) -> None:
    """Encode each different data set once: `(options, cache folder, seed)`.

    Raises
    ------
    UserError
        If data cannot be had, read, or used.
    """
    done = set()
    for options, folder, seed in choices:
        key = json.dumps([options.model_dump(mode="json"), str(folder), seed], sort_keys=True)
        if key not in done:
            load_data(options, folder, seed)
        done.add(key)
