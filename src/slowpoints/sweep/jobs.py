"""The jobs of a sweep: what they are called, where they live, and how they ended."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import yaml

from slowpoints.errors import DamagedFile
from slowpoints.files import write_text
from slowpoints.runs.folder import CONFIG, LOG, SUMMARY, RunFolder
from slowpoints.sweep.options import essence
from slowpoints.training.trained import forget

log = logging.getLogger(__name__)

LONGEST_NAME = 200  # characters; a folder's name has 255 bytes
IN_EVERY_NAME = ("arch", "arch.name", "data", "data.name", "checkpoint")  # or follows from what is

State = Literal["done", "done before", "failed", "killed", "timed out", "interrupted", "lost", "not run"]


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Attributes
    ----------
    name
        What it is called, in its sweep and in MLflow.
    folder
        Its output folder.
    config
        Its resolved options, plain.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]

    @property
    def is_done(self) -> bool:
        """Whether the folder has the results of a run with these options."""
        return self.summary is not None and self.is_described

    @property
    def summary(self) -> dict[str, float] | None:
        """The final metrics, or None before there are any that can be read."""
        try:
            return RunFolder(self.folder).summary()["metrics"] if (self.folder / SUMMARY).is_file() else None
        except DamagedFile:
            return None

    @property
    def log(self) -> Path:
        """Where what the job says is written to."""
        return self.folder / LOG

    def write(self, tags: Mapping[str, str]) -> None:
        """Leave in the folder what the job's process needs to know (see `slowpoints resume`).

        What a run with other options left there, or one whose record cannot be read, is not gone on from.
        """
        run = RunFolder(self.folder)
        if run.has(SUMMARY):
            log.warning("%s: is done again; %s", self.name, _why_again(run))
            (self.folder / SUMMARY).unlink()
        elif run.has(CONFIG) and not self.is_described:
            log.warning("%s: begins anew; what is in its folder is not of its options, or cannot be read", self.name)
            forget(self.folder)
        run.write_about(self.name, tags, self.config)
        write_text(self.folder / CONFIG, yaml.safe_dump(dict(self.config), sort_keys=False))

    @property
    def is_described(self) -> bool:
        """Whether the folder's configuration has these options."""
        try:
            return essence(RunFolder(self.folder).config()) == essence(self.config)
        except DamagedFile:
            return False


@dataclass(frozen=True)
class End:
    """How a job ended, or why it did not begin."""

    state: State
    why: str = ""

    @property
    def good(self) -> bool:
        """Whether there are results."""
        return self.state in ("done", "done before")


def read_job(folder: Path) -> Job:
    """Return the job that was written to a folder, which is called as the job is.

    Raises
    ------
    DamagedFile
        If neither of the two files can be read that have its options.
    """
    run = RunFolder(folder)
    try:
        return Job(folder.name, folder, run.config())
    except DamagedFile as error:
        try:
            options = run.about()["options"]
        except (DamagedFile, KeyError):
            raise error from None
        log.warning("%s; its options are taken from what the sweep was told", error)
        return Job(folder.name, folder, options)


def sweep_id(configs: Sequence[Mapping[str, Any]]) -> str:
    """Return what tells sweeps apart: it follows from all options that results follow from, of jobs in any order.

    Versions with other options have other ids; `find_begun` finds their sweeps by their jobs.
    """
    texts = sorted(json.dumps(essence(config), sort_keys=True) for config in configs)
    return blake2b("\n".join(texts).encode(), digest_size=4).hexdigest()


def job_names(overrides: Sequence[Sequence[str]], configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a name for each job, from what varies: `lstm-imdb`, `lstm-imdb-seed1`, `lstm-imdb-rate0.001`.

    Parameters
    ----------
    overrides
        `key=value` for each job, as the sweeper combines them.
    configs
        The resolved options for each job.
    """
    chosen = [dict(each.lstrip("+").split("=", 1) for each in job if "=" in each) for job in overrides]
    keys = dict.fromkeys(key for job in chosen for key in job if key not in IN_EVERY_NAME)
    varying = [key for key in keys if len({job.get(key) for job in chosen}) > 1]
    names = [
        "-".join([config["arch"]["name"], config["data"]["name"], *(_part(key, job.get(key, "")) for key in varying)])
        for job, config in zip(chosen, configs, strict=True)
    ]
    seen: Counter[str] = Counter()
    for index, name in enumerate(each[:LONGEST_NAME] for each in names):
        names[index] = name
        seen[name] += 1
        if seen[name] > 1:  # the same options twice, or options that differ in what a file's name cannot say
            names[index] = f"{name}-{seen[name]}"
    return names


def _part(key: str, value: str) -> str:
    leaf = key.rpartition(".")[2].rpartition("/")[2]
    text = re.sub(r"[^\w.+-]+", "_", value)[:40]
    return f"{leaf}{text}" if re.match(r"[\d.+-]", text) else f"{leaf}-{text}"


def _why_again(run: RunFolder) -> str:
    """Return why the results in a folder do not count."""
    try:
        run.summary()
        run.config()
    except DamagedFile as error:
        return f"{error.path} {error.reason}"
    return "its results are of other options"
