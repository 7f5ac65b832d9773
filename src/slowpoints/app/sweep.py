"""Run a sweep: prepare what its jobs share, run those that are not done, and say what happened to each."""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from slowpoints.app.checkpoint import with_checkpoint
from slowpoints.app.report import short
from slowpoints.app.trust import check_trust, checked_options, split_trust
from slowpoints.console import VOICE, RunLog, checked_mode
from slowpoints.errors import UserError
from slowpoints.runs.folder import CONFIG, LOG
from slowpoints.sweep.folder import AGAIN, JOBS, RECORD, Sweep, find_begun, has_sweep, read_sweep, working_on
from slowpoints.sweep.jobs import End, Job, job_names, sweep_id
from slowpoints.sweep.options import RunOptions, check_options
from slowpoints.sweep.prepare import build_caches, find_files
from slowpoints.sweep.search import Search, check_preferred, chosen_trial, final_job

if TYPE_CHECKING:
    from slowpoints.tracking.run import TrackedRun

Overrides = Sequence[Sequence[str]]

log = logging.getLogger(__name__)

JOBS_FAILED = 1  # exit code


class JobsFailed(Exception):
    """Some jobs of a sweep have no results; the summary run is marked as failed then."""


def run_sweep(hydra: Any, overrides: Overrides) -> None:
    """Run a job for each list of overrides; `hydra` is the sweeper, set up by Hydra.

    Raises
    ------
    UserError
        For what the user can mend: before any job.
    SystemExit
        With code 1 if jobs failed; the results of the others are whole.
    """
    configs = [_plain(options) for options in _compose(hydra, overrides)]
    if not configs:
        raise UserError("the sweep has no jobs: one of its choices has no value, such as range(0) or glob(x*)")
    jobs = _jobs(job_names(overrides, configs), configs)
    _carry_out(_sweep(hydra, sweep_id(configs), jobs), hydra)


def run_search(hydra: Any, finals: Overrides, trials: Overrides, prefer: Sequence[str] = ()) -> None:
    """Train without analyses for each list of overrides in `trials`, and analyse what is taken for each in `finals`.

    Parameters
    ----------
    prefer
        Options that regularise (`Search.prefer`).

    Raises
    ------
    UserError, SystemExit
        As `run_sweep`.
    """
    if not (finals and trials):
        raise UserError("the search has no jobs: one of its choices has no value, such as range(0) or glob(x*)")
    trials = [[*_without(job, ["analysis"]), "analysis=none"] for job in trials]
    searched = set(_keys(trials)) - set(_keys(finals)) - {"analysis"}
    if not searched:
        raise UserError("hydra.sweeper.search: the command leaves nothing to choose among; name several values")
    final_configs = [_plain(options) for options in _compose(hydra, finals)]
    trial_configs = [_plain(options) for options in _compose(hydra, trials)]
    check_preferred(prefer, trial_configs)
    jobs = _jobs(job_names(trials, trial_configs), trial_configs)
    searches = []
    for name, final, config in zip(job_names(finals, final_configs), finals, final_configs, strict=True):
        choice = sorted(_without(final, ["analysis"]))
        own = [
            job.name
            for job, each in zip(jobs, trials, strict=True)
            if sorted(_without(each, [*searched, "analysis"])) == choice
        ]
        searches.append(Search(name, own, config["analysis"], prefer))
    _carry_out(_sweep(hydra, sweep_id([*final_configs, *trial_configs]), jobs, searches), hydra)


def resume_sweep(hydra: Any, identity: str, overrides: Sequence[str]) -> None:
    """Complete a sweep, with the options that it was begun with.

    Raises
    ------
    UserError, SystemExit
        As `run_sweep`.
    """
    others, trusted = split_trust(_without(overrides, ["console"]))
    if others:
        raise UserError(f"sweep.resume: a sweep is completed with its own options, not with {', '.join(others)}")
    sweep = read_sweep(_folder(hydra, identity))
    for job in sweep.jobs:
        checked_options(job.config, job.folder / CONFIG, trusted, AGAIN)
    for search in sweep.searches:
        check_trust(search.analysis, sweep.folder / RECORD, trusted)
    _carry_out(sweep, hydra)


class Launcher(Protocol):
    """What `hydra/launcher` names."""

    here: bool

    def check(self) -> None:
        """Refuse options that are wrong."""

    def run_jobs(self, jobs: Sequence[Job], ends: MutableMapping[str, End]) -> None:
        """Run those of the jobs that are not in `ends` yet, and fill in how each ended."""


def _carry_out(sweep: Sweep, hydra: Any) -> None:
    with VOICE.speak(checked_mode(hydra.config.console)), RunLog().listening() as sweep_log:
        _prepare_and_run(sweep, hydra.launcher, sweep_log)


def _prepare_and_run(sweep: Sweep, launcher: Launcher, sweep_log: RunLog) -> None:
    jobs = len(sweep.jobs) + len(sweep.searches)
    log.info("%d job%s, into %s", jobs, "" if jobs == 1 else "s", short(sweep.folder))
    launcher.check()
    if not next(each for each in (sweep.folder, *sweep.folder.parents) if each.exists()).is_dir():
        raise UserError(f"hydra.sweep.dir={sweep.folder}: must be a folder, new or there already; there is a file")
    options = {job.name: check_options(OmegaConf.create(dict(job.config))) for job in sweep.jobs}
    todo = [options[job.name] for job in sweep.jobs if not job.is_done]
    find_files((each.data, each.cache_dir) for each in todo)  # before torch is imported
    _check_buildable(sweep, todo, here=launcher.here)
    build_caches((each.data, each.cache_dir, each.seed, each.training) for each in todo)

    from slowpoints.tracking.journal import recorded_run_id
    from slowpoints.tracking.run import track
    from slowpoints.tracking.store import open_store

    first = next(iter(options.values()))
    if not first.tracking.offline_start:
        open_store(first.tracking)  # what is wrong with it is said before there is a folder
    params: dict[str, Any] = {"jobs": jobs}
    for name in ("arch", "data"):
        params[name] = ", ".join(sorted({getattr(each, name).name for each in options.values()}))
    tags = {"sweep": sweep.id, "role": "summary"}
    try:
        with working_on(sweep):
            sweep_log.write_to(sweep.folder / LOG, "a")
            run_id = recorded_run_id(sweep.folder)
            with track(first.tracking, f"sweep-{sweep.id}", sweep.folder, params, tags, run_id) as summary:
                _run_all(sweep, launcher, summary, first)
    except JobsFailed as error:
        log.error("%s", error)
        sys.exit(JOBS_FAILED)


def _check_buildable(sweep: Sweep, todo: Sequence[RunOptions], *, here: bool) -> None:
    """Build once what is different of networks and analyses: many jobs differ in their seeds alone."""
    from slowpoints.app.build import check_buildable

    configs = {job.name: job.config for job in sweep.jobs}
    asked = [{**configs[search.trials[0]], "analysis": search.analysis} for search in sweep.searches]
    finals = [check_options(OmegaConf.create(config)) for config in asked]
    different = {}
    for options in (*todo, *finals):
        different[options.model_dump_json(exclude={"seed", "data", "checkpoint"})] = options
    for options in different.values():
        check_buildable(options, here=here)


def _run_all(sweep: Sweep, launcher: Launcher, summary: TrackedRun, options: RunOptions) -> None:
    """Run the jobs that are not done, in two rounds where there is a search, and leave the table of all."""
    from slowpoints.app.sweep_report import compare, report
    from slowpoints.tracking.reconcile import reconcile_if_possible

    ends: dict[str, End] = {}
    finals: list[Job] = []
    comparison = None
    reconcile_if_possible(summary.tracking_uri, options.tracking.experiment)
    try:
        _run(sweep, sweep.jobs, launcher, ends)
        finals = _finals(sweep, ends)
        _run(sweep, finals, launcher, ends)
        comparison = compare(sweep, summary)
    finally:
        jobs = [*sweep.jobs, *(finals or [Job(each.name, sweep.folder / each.name, {}) for each in sweep.searches])]
        _record_ends(jobs, ends, summary, options, comparison)
        report(sweep, jobs, ends, summary, comparison)
    failed = [job.name for job in jobs if not ends[job.name].good]
    if failed:
        raise JobsFailed(f"{len(failed)} of {len(jobs)} jobs have no results: {', '.join(failed)}")


def _run(sweep: Sweep, jobs: Sequence[Job], launcher: Launcher, ends: MutableMapping[str, End]) -> None:
    ends.update((job.name, End("done before")) for job in jobs if job.is_done)
    missing = [job for job in jobs if job.name not in ends]
    for job in missing:
        job.write({"sweep": sweep.id, "role": "job"})
    if missing:
        launcher.run_jobs(jobs, ends)


def _finals(sweep: Sweep, ends: MutableMapping[str, End]) -> list[Job]:
    """Return the jobs that analyse what the searches found; say in `ends` which cannot be run yet."""
    jobs = {job.name: job for job in sweep.jobs}
    finals = []
    for search in sweep.searches:
        best = chosen_trial(search, [jobs[name] for name in search.trials], ends)
        if isinstance(best, End):
            ends[search.name] = best
            finals.append(Job(search.name, sweep.folder / search.name, {}))
        else:
            finals.append(final_job(search, best))
    return finals


def _record_ends(
    jobs: Sequence[Job],
    ends: MutableMapping[str, End],
    summary: TrackedRun,
    options: RunOptions,
    comparison: Path | None,
) -> None:
    """Leave the table of all jobs in the sweep's folder, and in the summary run."""
    from slowpoints.sweep.table import as_csv, as_markdown
    from slowpoints.tracking.reconcile import reconcile_if_possible

    for job in jobs:
        ends.setdefault(job.name, End("done") if job.is_done else End("not run"))
    reconcile_if_possible(summary.tracking_uri, options.tracking.experiment)
    good = sum(ends[job.name].good for job in jobs)
    summary.log_metrics({"jobs/done": good, "jobs/missing": len(jobs) - good})
    summary.save_text(JOBS, as_csv(jobs, ends))
    pointer = "" if comparison is None else f"\n\nThe networks, side by side: `{comparison.name}` in the artifacts."
    summary.describe(as_markdown(jobs, ends) + pointer)


def _compose(hydra: Any, overrides: Overrides) -> list[RunOptions]:
    """Return the checked options of each job; all that is wrong with any is said at once."""
    options, problems = [], {}
    for job in overrides:
        config = hydra.hydra_context.config_loader.load_sweep_config(hydra.config, list(job))
        HydraConfig.instance().set_config(config)  # for interpolations that ask for it
        try:
            options.append(check_options(_task(config, job)))
        except UserError as error:
            problems.update(dict.fromkeys(str(error).splitlines()))
    if problems:
        raise UserError("\n".join(problems))
    return options


def _task(config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Return the options of a run: what Hydra composed, without Hydra's own, and with what a checkpoint brings."""
    task = copy.deepcopy(config)
    with open_dict(task):
        del task["hydra"]
    return task if task.checkpoint is None else with_checkpoint(task, overrides)


def _jobs(names: Sequence[str], configs: Sequence[Mapping[str, Any]]) -> list[Job]:
    """Return jobs whose sweep has no folder yet."""
    return [Job(name, Path(name), config) for name, config in zip(names, configs, strict=True)]


def _sweep(hydra: Any, identity: str, jobs: Sequence[Job], searches: Sequence[Search] = ()) -> Sweep:
    """Return a sweep in its folder: the one of the same jobs that has been begun, by this version or another."""
    folder = _folder(hydra, identity)
    if not has_sweep(folder, identity):
        others = _folder(hydra, "*")  # as sweeps of other ids are called
        begun = sorted(each.parent for each in others.parent.glob(f"{others.name}/{RECORD}"))
        if (found := find_begun(jobs, searches, begun)) is not None:
            identity, folder = found
    _folder(hydra, identity)
    return Sweep(identity, folder, [replace(job, folder=folder / job.name) for job in jobs], searches)


def _folder(hydra: Any, identity: str) -> Path:
    with open_dict(hydra.config):
        hydra.config.hydra.sweeper.id = identity
    return Path(str(hydra.config.hydra.sweep.dir)).resolve()


def _plain(options: RunOptions) -> dict[str, Any]:
    return {**options.model_dump(mode="json"), "console": "normal"}  # jobs write into their logs


def _keys(overrides: Overrides) -> list[str]:
    return [each.split("=", 1)[0] for job in overrides for each in job]


def _without(overrides: Sequence[str], keys: Sequence[str]) -> list[str]:
    return [each for each in overrides if each.split("=", 1)[0] not in keys]
