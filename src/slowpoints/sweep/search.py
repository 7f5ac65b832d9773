"""Choose among networks by validation, and analyse the one that is taken."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slowpoints.errors import UserError
from slowpoints.runs.scores import DOCUMENTS, error_of_share, score_of
from slowpoints.sweep.jobs import End, Job

COUNT = f"val/{DOCUMENTS}"
OVER = ("done", "done before", "failed")  # ends that trying again does not change

log = logging.getLogger(__name__)


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
    prefer
        Options that regularise, the first the most important one. Where there are some, not the best network is taken
        but that with the largest values of these among all that are within one standard error of the best.
    """

    name: str
    trials: Sequence[str]
    analysis: Mapping[str, Any]
    prefer: Sequence[str] = ()


def chosen_trial(search: Search, trials: Sequence[Job], ends: Mapping[str, End]) -> Job | End:
    """Return the trial that is taken, or why it is not known which.

    That is the one which is best on validation (the first of equals), or the most regularised one that cannot be told
    from it (Breiman et al. 1984, section 3.4.3): its accuracy is within one standard error, sqrt(p (1 - p) / n), of
    the best accuracy p over n documents. Trials that failed of themselves, such as a training that diverged, are out;
    while others are missing, the best may be among them.
    """
    missing = [job.name for job in trials if ends[job.name].state not in OVER]
    if missing:
        return End("not run", f"the search is not complete: {', '.join(missing)}")
    good = {job.name: job.summary or {} for job in trials if ends[job.name].good}
    if not good:
        return End("not run", "no trial of the search succeeded")
    best = max(good, key=lambda name: _validation(good[name]))
    if search.prefer and not good[best].get(COUNT):
        return End("not run", f"how many documents {best} was validated on is not recorded ({COUNT}); train it again")
    least = _validation(good[best]) - (standard_error(good[best]) if search.prefer else 0)

    def merit(job: Job) -> tuple[float, ...]:
        return *(option(job.config, key) for key in search.prefer), _validation(good[job.name])

    taken = max((job for job in trials if job.name in good and _validation(good[job.name]) >= least), key=merit)
    reached = f"{_validation(good[taken.name]):.4f} on validation"
    log.info("%s: %s is taken, %s (best: %s, %.4f)", search.name, taken.name, reached, best, _validation(good[best]))
    return taken


def _validation(metrics: Mapping[str, float]) -> float:
    found = score_of(metrics, "val")
    return found[1] if found else -math.inf


def standard_error(metrics: Mapping[str, float]) -> float:
    """Return the standard error of a score on validation, taken for a share of so many documents."""
    return error_of_share(_validation(metrics), metrics[COUNT])


def option(config: Mapping[str, Any], key: str) -> float:
    """Return the value of a numeric option.

    Raises
    ------
    UserError
        If there is no such option, or it is no number.
    """
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(
            f"hydra.sweeper.prefer: {key} must be an option that is a number, such as training.recurrent_l2"
        )
    return float(value)


def check_preferred(prefer: Sequence[str], configs: Sequence[Mapping[str, Any]]) -> None:
    """Refuse options that are preferred by their size and do not differ.

    Raises
    ------
    UserError
        Where all trials have the same.
    """
    values = {key: {option(config, key) for config in configs} for key in prefer}
    if prefer and all(len(each) == 1 for each in values.values()):
        raise UserError(
            f"hydra.sweeper.prefer: all networks of the search have the same {', '.join(prefer)}; name what "
            "hydra.sweeper.search varies"
        )


def final_job(search: Search, taken: Job) -> Job:
    """Return the job that analyses the network of the trial that is taken."""
    folder = taken.folder.parent / search.name
    return Job(search.name, folder, {**taken.config, "analysis": search.analysis, "checkpoint": str(taken.folder)})
