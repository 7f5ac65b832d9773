"""The jobs of a sweep: what they are called, where they live, and how they ended."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import yaml

from slowpoints.files import write_text
from slowpoints.tracking.journal import SUMMARY as SUMMARY

# Files in a job's folder: what it is told, and what it says; and, of tracking, what it leaves.
CONFIG, ABOUT, LOG = "config.yaml", "job.json", "run.log"

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
        before = _read(self.folder / CONFIG)
        return self.summary is not None and before is not None and _essence(before) == _essence(self.config)

    @property
    def summary(self) -> dict[str, float] | None:
        """The final metrics, or None before there are any."""
        path = self.folder / SUMMARY
        return json.loads(path.read_text(encoding="utf-8"))["metrics"] if path.is_file() else None

    @property
    def log(self) -> Path:
        """Where what the job says is written to."""
        return self.folder / LOG

    def write(self, tags: Mapping[str, str]) -> None:
        """Leave in the folder what the job's process needs to know (see `slowpoints resume`); it has no results yet."""
        (self.folder / SUMMARY).unlink(missing_ok=True)  # of other options
        write_text(self.folder / ABOUT, json.dumps({"name": self.name, "tags": dict(tags)}, indent=2) + "\n")
        write_text(self.folder / CONFIG, yaml.safe_dump(dict(self.config), sort_keys=False))


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
    """Return the job that was written to a folder."""
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    return Job(about["name"], folder, _read(folder / CONFIG) or {})


def sweep_id(configs: Sequence[Mapping[str, Any]]) -> str:
    """Return what tells sweeps apart: it follows from all options that results follow from, of jobs in any order."""
    texts = sorted(json.dumps(_essence(config), sort_keys=True) for config in configs)
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


def _essence(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options without those that results do not follow from."""
    return {key: value for key, value in config.items() if key not in ("threads", "console")}


def _part(key: str, value: str) -> str:
    leaf = key.rpartition(".")[2].rpartition("/")[2]
    text = re.sub(r"[^\w.+-]+", "_", value)[:40]
    return f"{leaf}{text}" if re.match(r"[\d.+-]", text) else f"{leaf}-{text}"


def _read(path: Path) -> dict[str, Any] | None:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
