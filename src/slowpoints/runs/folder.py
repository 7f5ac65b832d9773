"""A run's folder: what the files are called that a run leaves, and who reads and writes them.

`summary.json`, which a run writes last, has a digest of every other file of results and of itself: what was changed
since, were it one bit, is noticed when it is read. Runs of earlier versions have no digests, and are read without.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors import safe_open

from slowpoints.errors import DamagedFile
from slowpoints.files import PARTIAL, write_text
from slowpoints.runs.earlier import with_present_arrays
from slowpoints.runs.reading import digest, digest_of_values, json_mapping, read_file, yaml_mapping
from slowpoints.runs.targets import with_present_names

T = TypeVar("T")

# What the run leaves, what it is told, and what it says.
CONFIG, SUMMARY, ABOUT, LOG = "config.yaml", "summary.json", "job.json", "run.log"
TOKENIZER, WEIGHTS = "tokenizer.json", "model.safetensors"
ARRAYS = "arrays"
PAGE, SHOWN_PAGE, EXPLORER = "page", "page.png", "explorer.html"  # the page is a figure, in several formats
# What it goes on from where it is interrupted: how the training ended, or its last two states.
RESUME, TRAINED, STATE, STATE_BEFORE = ".resume", "trained.json", "training.ckpt", "training-before.ckpt"
# What it records for MLflow, and who holds that.
RECORDS, JOURNAL, SENT, HELD = "tracking", "journal.jsonl", "state.json", "lock"
LOCK = ".lock"  # held by the process that does the run
END, SLURM_JOB = "end.json", "slurm_job.txt"  # how a job of Slurm ended, and which it was
DIGESTS = "digests"  # in the summary
COPY = "put back a copy, such as MLflow's of the same run, or do the run again"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run.

    All that reads a file raises `DamagedFile` where that is gone, cannot be read, or is not as the run left it.
    """

    path: Path

    def has(self, name: str) -> bool:
        """Whether there is such a file, in whatever state."""
        return (self.path / name).is_file()

    def config(self) -> dict[str, Any]:
        """Return the resolved options, plain; classes are called as they are in this version."""
        return with_present_names(self._read(CONFIG, yaml_mapping))

    def tokenizer(self) -> str | None:
        """Return the tokeniser that documents were read with, as JSON; None where the run left none."""
        if not self.has(TOKENIZER) and TOKENIZER not in self._digests():
            return None
        return self._read(TOKENIZER, _json_text)

    def about(self) -> dict[str, Any]:
        """Return what a job of a sweep was told: `name`, `tags`, and `options` as in the configuration."""
        remedy = "the sweep's own command writes it again"
        return with_present_names(read_file(self.path / ABOUT, lambda content: _about(json_mapping(content)), remedy))

    def summary(self) -> dict[str, Any]:
        """Return the final numbers (`metrics`) and what else was found."""
        return read_file(self.path / SUMMARY, lambda content: _summary(json_mapping(content)), COPY)

    def arrays(self, names: Iterable[str] | None = None) -> dict[str, dict[str, np.ndarray]]:
        """Return what analyses computed, by analysis: of all, or of those of some names that have left something."""
        there = {file.stem for file in (self.path / ARRAYS).glob("*.npz")}
        promised = {Path(name).stem for name in self._digests() if name.startswith(f"{ARRAYS}/")}
        wanted = sorted((there | promised) & set(names) if names is not None else there | promised)
        left = {name: self._read(arrays_file(name), _arrays) for name in wanted}
        return {name: with_present_arrays(name, arrays) for name, arrays in left.items()}

    def weights(self) -> Path:
        """Return the file of the weights that did best on the validation set."""
        self._read(WEIGHTS, lambda content: None)
        check_weights(self.path / WEIGHTS)
        return self.path / WEIGHTS

    def check(self) -> None:
        """Read all results, so that what is damaged is known."""
        self.summary()
        for name in self._digests():
            if name != SUMMARY:
                self._read(name, lambda content: None)

    @property
    def lock(self) -> Path:
        """The file that the process holds which does the run."""
        return self.path / LOCK

    @property
    def resume(self) -> Path:
        """The folder of what an interrupted run goes on from; gone when the run is complete."""
        return self.path / RESUME

    @property
    def records(self) -> Path:
        """The folder of what the run records for MLflow."""
        return self.path / RECORDS

    def remove_partial_files(self) -> None:
        """Delete what processes that were killed left half-written.

        Whoever calls this keeps the folder for itself: nobody else writes there. Folders below that have records of
        their own, such as those of a sweep's jobs, may be others', and are left alone.
        """
        _remove_partial_files(self.path)

    def write_about(self, name: str, tags: Mapping[str, str], options: Mapping[str, Any]) -> None:
        """Leave what a job is told."""
        about = {"name": name, "tags": dict(tags), "options": dict(options)}
        write_text(self.path / ABOUT, json.dumps(about, indent=2) + "\n")

    def write_summary(self, found: Mapping[str, Any]) -> None:
        """Leave the summary, which makes the run complete, with the digests of all results."""
        files = [CONFIG, TOKENIZER, WEIGHTS, *(f"{ARRAYS}/{each.name}" for each in (self.path / ARRAYS).glob("*.npz"))]
        digests = {name: digest((self.path / name).read_bytes()) for name in sorted(files) if self.has(name)}
        found = json.loads(json.dumps(found))  # as it will be read
        document = {**found, DIGESTS: {**digests, SUMMARY: digest_of_values([found, digests])}}
        write_text(self.path / SUMMARY, json.dumps(document, indent=2) + "\n")

    def _digests(self) -> Mapping[str, str]:
        try:
            return self.summary().get(DIGESTS, {}) if self.has(SUMMARY) else {}
        except DamagedFile:  # whoever needs results reads the summary, too, and is told
            return {}

    def _read(self, name: str, parse: Callable[[bytes], T]) -> T:
        """Return what is made of a file of results, after a look at its digest."""
        expected = self._digests().get(name)

        def parse_checked(content: bytes) -> T:
            if expected is not None and digest(content) != expected:
                raise ValueError("it is not as the run left it")
            return parse(content)

        return read_file(self.path / name, parse_checked, COPY)


def arrays_file(name: str) -> str:
    """Return where in a run's folder the arrays of a question are."""
    return f"{ARRAYS}/{name}.npz"


def _remove_partial_files(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink() and not (entry / RECORDS).is_dir():
            _remove_partial_files(entry)
        elif entry.name.startswith(".") and entry.name.endswith(PARTIAL):
            entry.unlink(missing_ok=True)


def check_weights(path: Path) -> None:
    """Raise DamagedFile where a file does not hold weights."""
    try:
        with safe_open(path, "np") as weights:
            weights.keys()
    except Exception as error:
        raise DamagedFile(path, f"is damaged ({error})", COPY) from error


def _summary(document: dict[str, Any]) -> dict[str, Any]:
    """Return a summary that is one; ValueError for any other document."""
    numbers, digests = document.get("metrics"), document.get(DIGESTS, {})
    if not (isinstance(numbers, dict) and all(isinstance(each, int | float) for each in numbers.values())):
        raise ValueError("has no metrics")
    if not isinstance(digests, dict) or any(
        not isinstance(document.get(key, {}), dict) for key in ("findings", "verdicts")
    ):
        raise ValueError("is not that of a run")
    if digests:
        others = {name: value for name, value in digests.items() if name != SUMMARY}
        found = {key: value for key, value in document.items() if key != DIGESTS}
        if digests.get(SUMMARY) != digest_of_values([found, others]):
            raise ValueError("it is not as the run left it")
    return document


def _about(document: dict[str, Any]) -> dict[str, Any]:
    tags, options = document.get("tags"), document.get("options", {})
    if not (isinstance(document.get("name"), str) and isinstance(tags, dict) and isinstance(options, dict)):
        raise ValueError("does not say what a job is called")
    return document


def _json_text(content: bytes) -> str:
    json_mapping(content)
    return content.decode("utf-8")


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as saved:
        if isinstance(saved, np.ndarray):
            raise ValueError("is a single array")
        return dict(saved)
