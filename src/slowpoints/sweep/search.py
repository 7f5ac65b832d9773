"""Choose among networks, and analyse the one that is best on validation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slowpoints.runs.scores import score_of
from slowpoints.sweep.jobs import End, Job

OVER = ("done", "done before", "failed")  # ends that trying again does not change


@dataclass(frozen=True)
class Search:
    """A network to be found.

    Attributes
    ----------
    name
        Of the job that analyses it.
    trials
        Names of the jobs among which it is.
    analysis
        The options of its analysis.
    """

    name: str
    trials: Sequence[str]
    analysis: Mapping[str, Any]


def best_trial(search: Search, trials: Sequence[Job], ends: Mapping[str, End]) -> Job | End:
    """Return the trial that is best on validation (the first of equals), or why that is not known.

    Trials that failed of themselves, such as a training that diverged, are out; while others are missing, the best may
    be among them.
    """
    missing = [job.name for job in trials if ends[job.name].state not in OVER]
    if missing:
        return End("not run", f"the search is not complete: {', '.join(missing)}")
    good = [(job.summary or {}, job) for job in trials if ends[job.name].good]
    if not good:
        return End("not run", "no trial of the search succeeded")
    return max(good, key=lambda pair: _validation(pair[0]))[1]


def _validation(metrics: Mapping[str, float]) -> float:
    found = score_of(metrics, "val")
    return found[1] if found else -math.inf


def final_job(search: Search, best: Job) -> Job:
    """Return the job that analyses the network of the best trial."""
    folder = best.folder.parent / search.name
    return Job(search.name, folder, {**best.config, "analysis": search.analysis, "checkpoint": str(best.folder)})
