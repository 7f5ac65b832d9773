"""One run: its output folder, and the same in MLflow."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
from mlflow.exceptions import MlflowException

from slowpoints.errors import UserError
from slowpoints.files import new_file, save_figure
from slowpoints.interruption import STOP
from slowpoints.runs.folder import SUMMARY, RunFolder
from slowpoints.tracking.delivery import Courier, deliver
from slowpoints.tracking.journal import UNKNOWN_TO_MLFLOW, Journal, read_state
from slowpoints.tracking.processes import own_process
from slowpoints.tracking.store import absolute, open_store, prepare_mlflow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from slowpoints.tracking.options import TrackingOptions

log = logging.getLogger(__name__)

NOTE = "mlflow.note.content"  # the tag that MLflow shows, as Markdown, at the top of a run's page
LONGEST_NOTE = 7500  # characters; MLflow takes 8,000 bytes in a tag


class TrackedRun:
    """Where a run leaves what it finds: everything goes to the output folder first, and then to MLflow.

    What goes to MLflow waits in the folder's journal while the store does not answer; nothing here waits for it.

    Attributes
    ----------
    folder
        The run's output folder.
    tracking_uri
        The MLflow store.
    metrics
        Final metrics logged so far, by name.
    """

    def __init__(self, journal: Journal, courier: Courier) -> None:
        self.folder = journal.run_folder
        self.tracking_uri = journal.state.uri
        self.metrics: dict[str, float] = {}
        self._journal = journal
        self._courier = courier
        self._reached = _last_steps(journal)

    @property
    def run_id(self) -> str:
        """MLflow's id of the run; `local-...` while MLflow does not know it yet."""
        return self._journal.state.run_id

    def place_of(self, name: str) -> str | None:
        """Return where MLflow's own pages show a file of the run; None while MLflow does not know the run."""
        state = self._journal.state
        if not state.experiment_id:
            return None
        return f"#/experiments/{state.experiment_id}/runs/{state.run_id}/artifacts/{name}"

    @property
    def table(self) -> str:
        """Where MLflow's own pages show all runs of the experiment; empty while MLflow does not know it."""
        identity = self._journal.state.experiment_id
        return f"#/experiments/{identity}/runs" if identity else ""

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Record final metrics (no step: MLflow shows them as bars)."""
        self.metrics.update(metrics)
        self._record(metrics={name: float(value) for name, value in metrics.items()})

    def log_curves(self, metrics: Mapping[str, float], step: int) -> None:
        """Record one point of some curves; a step that the journal of a continued run has already is not repeated."""
        new = {name: float(value) for name, value in metrics.items() if step > self._reached.get(name, -1)}
        if new:
            self._record(metrics=new, step=step)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Record tags."""
        self._record(tags=dict(tags))

    def describe(self, markdown: str) -> None:
        """Give the run its description, which MLflow shows at the top of its page."""
        whole_lines = markdown[:LONGEST_NOTE].rpartition("\n")[0] or markdown[:LONGEST_NOTE]
        cut = markdown if len(markdown) <= LONGEST_NOTE else f"{whole_lines}\n\n..."
        self.set_tags({NOTE: cut})

    def save_text(self, name: str, text: str) -> None:
        """Leave a text file."""
        with self._new_file(name) as path:
            path.write_text(text, encoding="utf-8")

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Leave arrays as a compressed npz file (no pickle)."""
        with self._new_file(name) as path, path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    def save_figure(self, name: str, figure: Figure) -> None:
        """Leave a figure as PNG and as PDF."""
        for path in save_figure(self.folder / name, figure):
            self.log_file(path.name)

    def keep_file(self, source: Path) -> None:
        """Leave a copy of a file under its own name."""
        if source.resolve() != (self.folder / source.name).resolve():
            with self._new_file(source.name) as path:
                shutil.copyfile(source, path)

    def log_file(self, name: str) -> None:
        """Record in MLflow a file that is in the output folder already."""
        self._record(file=name)

    def save_summary(self, found: Mapping[str, Any]) -> None:
        """Leave every final metric, and what else was found, in `summary.json`: the run is complete then."""
        summary = {"metrics": dict(sorted(self.metrics.items())), **found}
        RunFolder(self.folder).write_summary(summary)
        self.log_file(SUMMARY)

    def _record(self, **entry: Any) -> None:
        self._journal.append(**entry)
        self._courier.notify()

    @contextmanager
    def _new_file(self, name: str) -> Iterator[Path]:
        """Give a temporary path, and put what was written there under `name`: a file is whole or not there."""
        with new_file(self.folder / name) as path:
            yield path
        self.log_file(name)


@contextmanager
def track(
    options: TrackingOptions,
    name: str,
    folder: Path,
    params: Mapping[str, Any],
    tags: Mapping[str, str],
    run_id: str | None = None,
) -> Iterator[TrackedRun]:
    """Record a run in MLflow while the context lasts.

    An exception marks the run as failed, an interrupt or exit as killed, with the reason in the tag `ended`. At the end
    it waits `options.patience` seconds for a store that does not answer; what has not arrived then stays in the folder,
    for `slowpoints upload`.

    Parameters
    ----------
    run_id
        Continue this run, as `recorded_run_id(folder)` or MLflow gives it; a new one if None.

    Raises
    ------
    UserError
        Where the store cannot be used; nothing is recorded then. With `options.offline_start`, and for a continued run,
        the run starts all the same.
    """
    answers = _store_answers(options, folder, run_id)
    journal = Journal.begin(folder, absolute(options.uri), options.experiment, run_id)
    RunFolder(folder).remove_partial_files()
    if run_id is None:
        (folder / SUMMARY).unlink(missing_ok=True)  # of another run that was there
    journal.append(run={"name": name, "tags": {**own_process(), "folder": str(folder.resolve()), **tags}})
    journal.append(params={key: str(value) for key, value in params.items()})
    if answers:
        with suppress(Exception):  # the courier goes on trying
            deliver(journal)  # so that the run is there, with its id, when the context begins
    courier = Courier(journal)
    try:
        yield TrackedRun(journal, courier)
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)
        with STOP.held():
            journal.append(tags={"ended": f"{type(error).__name__}: {error}".strip(": ")[:LONGEST_NOTE]})
            _end(journal, courier, "KILLED" if stopped else "FAILED", options.patience)
        raise
    with STOP.held():
        _end(journal, courier, "FINISHED", options.patience)


def complete_record(folder: Path) -> None:
    """Let MLflow know that the run in a folder, which has its results, finished, where nobody has told it.

    Nothing is done where another process is recording there, or nothing was recorded.
    """
    if read_state(folder) is None:
        return
    journal = Journal.resume(folder)
    if not journal.lock():
        return
    prepare_mlflow()
    try:
        RunFolder(folder).remove_partial_files()
        journal.complete()
        deliver(journal)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        log.warning("MLflow has not received everything of this run (%s): slowpoints upload %s", reason, folder)
    finally:
        journal.release()


def _store_answers(options: TrackingOptions, folder: Path, run_id: str | None) -> bool:
    try:
        open_store(options)
    except UserError as error:
        if not options.offline_start and run_id is None:
            raise
        log.warning("%s. The run starts, and keeps its records in its folder", error)
        return False
    before = read_state(folder)
    moves = before is not None and before.moved(absolute(options.uri), options.experiment) != before
    if run_id is not None and not run_id.startswith(UNKNOWN_TO_MLFLOW) and not moves:
        try:
            known = mlflow.get_run(run_id).info.lifecycle_stage == "active"
        except MlflowException as error:
            known = error.error_code != "RESOURCE_DOES_NOT_EXIST"
        if not known:
            raise UserError(f"tracking.uri={options.uri}: there is no run {run_id} to continue; start a new one")
    return True


def _end(journal: Journal, courier: Courier, status: str, patience: float) -> None:
    journal.append(end=status)
    if not courier.finish(patience):
        log.warning(
            "MLflow has not received everything of this run; it is kept: slowpoints upload %s", journal.run_folder
        )


def _last_steps(journal: Journal) -> dict[str, int]:
    """Return how far each curve has come before this process."""
    steps: dict[str, int] = {}
    for entry, _ in journal.entries():
        for name in entry.get("metrics", {}) if "step" in entry else ():
            steps[name] = max(entry["step"], steps.get(name, -1))
    return steps
