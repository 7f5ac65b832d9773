"""The command that sets networks side by side: of a sweep, of folders, or of an MLflow experiment."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slowpoints.console import VOICE, print_text
from slowpoints.errors import DamagedFile, UserError
from slowpoints.sweep.folder import RECORD, unfinished_jobs

if TYPE_CHECKING:
    from rich.console import Console

    from slowpoints.sweep.recorded import Recorded

log = logging.getLogger(__name__)

MULTIRUN = Path("multirun")  # where sweeps are, unless hydra.sweep.dir says otherwise
DOWNLOADED = Path(".cache") / "runs"
STORE = "sqlite:///mlflow.db"


@dataclass(frozen=True)
class Source:
    """Where the runs to compare are.

    Attributes
    ----------
    title
        What they are.
    folders
        With their results.
    into
        Where the comparison goes.
    unfinished
        Names of jobs without results.
    store
        The MLflow store, where the runs were found in one.
    run
        The MLflow run that gets the comparison, where it is not that of the folder `into`.
    experiment
        The MLflow experiment that gets a run for it.
    """

    title: str
    folders: Sequence[Path]
    into: Path
    unfinished: Sequence[str] = field(default_factory=list)
    store: str = STORE
    run: str | None = None
    experiment: str | None = None


def compare_command(arguments: Sequence[str]) -> None:
    """Compare finished runs, leave the comparison in a folder, and give it to the sweep's summary run in MLflow.

    Raises
    ------
    UserError
        If there is no such sweep, folder or experiment, or there are no finished runs.
    """
    options = _parser().parse_args(arguments)
    source = _find(options)

    from rich.markdown import Markdown

    from slowpoints.sweep.networks import find_networks, group_networks
    from slowpoints.sweep.report import Comparison, brief_markdown, write_comparison

    networks = list(find_networks(source.folders))
    comparison = Comparison(source.title, group_networks(networks), source.unfinished)
    into = options.into or source.into
    into.mkdir(parents=True, exist_ok=True)
    files = write_comparison(comparison, into)
    recorded = "" if options.no_mlflow else _record(source, files, into)

    def show(console: Console) -> None:
        brief = brief_markdown(comparison)
        if console.is_terminal:
            console.print(Markdown(brief))
        else:
            print_text(console, brief)
        print_text(console, "\n".join([*map(str, files), *([recorded] if recorded else [])]))

    document = {
        "title": source.title,
        "files": [str(file) for file in files],
        "networks": [{"folder": str(each.folder), "metrics": each.metrics} for each in networks],
        "unfinished": list(source.unfinished),
    }
    VOICE.conclude(show, files[0], document)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "slowpoints compare",
        description="Set networks side by side, as far as they are finished: comparison.html, .md, .csv, .png, .pdf.",
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help="sweep's id, folder of a sweep or run, or experiment")
    parser.add_argument(
        "--uri",
        default=os.environ.get("MLFLOW_TRACKING_URI", STORE),
        help="the MLflow store of sweeps and experiments (default: %(default)s)",
    )
    parser.add_argument("--experiment", action="store_true", help="NAME is an MLflow experiment, whatever else has it")
    parser.add_argument("--into", type=Path, help="folder for the comparison (default: that of the sweep)")
    parser.add_argument("--no-mlflow", action="store_true", help="only leave files")
    return parser


def _find(options: argparse.Namespace) -> Source:
    names: list[str] = options.names
    if not options.experiment:
        folders = [_folder(name) for name in names]
        found = [folder for folder in folders if folder is not None]
        if len(found) == len(names):
            return _of_folders(found)
    if len(names) > 1:
        missing = ", ".join(name for name in names if _folder(name) is None)
        raise UserError(f"{missing}: there is no such folder or sweep here; several can be compared only by folder")
    return _of_store(names[0], options.uri, only_experiments=options.experiment)


def _folder(name: str) -> Path | None:
    """Return the folder that a name means: that of a sweep's id first."""
    sweep = MULTIRUN / f"sweep-{name}"
    return next((folder for folder in (sweep, Path(name)) if folder.is_dir()), None)


def _of_folders(folders: Sequence[Path]) -> Source:
    if len(folders) == 1 and (folders[0] / RECORD).is_file():
        try:
            identity, unfinished = unfinished_jobs(folders[0])
            return Source(f"sweep {identity}", folders, folders[0], unfinished)
        except DamagedFile as error:
            log.warning("%s. Which jobs have no results yet is not known", error)
    return Source(f"networks in {', '.join(map(str, folders))}", folders, folders[0])


def _of_store(name: str, uri: str, *, only_experiments: bool) -> Source:
    begun = sorted(each.parent.name.removeprefix("sweep-") for each in MULTIRUN.glob(f"sweep-*/{RECORD}"))
    if uri == STORE and not Path("mlflow.db").is_file():
        raise UserError(
            f"{name}: there is no such folder, no such sweep in {MULTIRUN}, and no MLflow store in this folder; "
            + (f"sweeps: {', '.join(begun)}; " if begun else "")
            + "name another store with --uri"
        )
    from slowpoints.sweep.recorded import find_experiment, find_sweep, known_names
    from slowpoints.tracking.store import existing_store

    uri = existing_store(uri)
    if not only_experiments and (sweep := find_sweep(uri, name)) is not None:
        return _of_recorded(sweep, uri, name)
    if (experiment := find_experiment(uri, name)) is not None:
        folders = _results(experiment, uri, name)
        into = MULTIRUN / f"comparison-{name.replace('/', '_')}"
        return Source(f"experiment {name}", folders, into, experiment.unfinished, uri, experiment=name)
    raise UserError(
        f"{name}: there is no such folder, and {uri} has neither such a sweep nor such an experiment; "
        f"sweeps here: {', '.join(begun) or 'none'}; experiments: {', '.join(known_names(uri))}"
    )


def _of_recorded(sweep: Recorded, uri: str, identity: str) -> Source:
    tags = sweep.summary.data.tags if sweep.summary else {}
    folder = Path(tags.get("folder", ""))
    if folder.name and (folder / RECORD).is_file():
        return _of_folders([folder])
    run = sweep.summary.info.run_id if sweep.summary else None
    into = MULTIRUN / f"comparison-{identity}"
    return Source(f"sweep {identity}", _results(sweep, uri, identity), into, sweep.unfinished, uri, run)


def _results(recorded: Recorded, uri: str, name: str) -> list[Path]:
    from slowpoints.sweep.recorded import result_folders

    folders = result_folders(uri, recorded.finished, DOWNLOADED)
    if not folders:
        raise UserError(f"{name}: none of its runs in {uri} has finished; unfinished: {len(recorded.unfinished)}")
    return folders


def _record(source: Source, files: Sequence[Path], into: Path) -> str:
    """Give the comparison to MLflow, and return what became of it."""
    from slowpoints.tracking.additions import add_files, send_files

    if source.experiment is not None:
        return _record_by_itself(source, source.experiment, files, into)
    if source.run is not None:
        send_files(source.store, source.run, files)
        return f"in MLflow with run {source.run[:8]}"
    if into != source.into:
        return "only these files: MLflow has what is in the sweep's own folder"
    return add_files(into, [file.name for file in files])


def _record_by_itself(source: Source, experiment: str, files: Sequence[Path], into: Path) -> str:
    from slowpoints.tracking.journal import recorded_run_id
    from slowpoints.tracking.options import TrackingOptions
    from slowpoints.tracking.run import track

    options = TrackingOptions(uri=source.store, experiment=experiment)
    with track(options, "comparison", into, {}, {"role": "comparison"}, recorded_run_id(into)) as run:
        for file in files:
            run.log_file(file.name)
    return f"in MLflow with the run `comparison` ({run.run_id[:8]}) of the experiment"
