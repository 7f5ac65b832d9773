"""Bring what a journal holds to MLflow: in order, each thing once, and again where that is not sure."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from itertools import groupby

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking.context.registry import resolve_tags

from slowpoints.interruption import STOP
from slowpoints.tracking.journal import Entry, Journal
from slowpoints.tracking.store import make_ready, open_experiment, reason

log = logging.getLogger(__name__)

AT_ONCE = 200  # entries read and metrics sent together; MLflow takes 1,000 metrics a call
GATHER = 1.0  # seconds in which news gathers before it is sent: a call costs the same for one point as for many
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between attempts at a store that does not answer
LOOK = 0.1  # seconds between two looks whether the user wants to wait no longer
LAST_PAUSE = 1.0  # the same, when the run is over and waits
# What will not be taken however often it is sent. Everything else may pass: it is sent again.
REFUSALS = {
    "INVALID_PARAMETER_VALUE",
    "RESOURCE_DOES_NOT_EXIST",
    "RESOURCE_ALREADY_EXISTS",
    "BAD_REQUEST",
    "INVALID_STATE",
}


def deliver(journal: Journal, more: Callable[[], bool] = lambda: True) -> int:
    """Send what has not arrived, as long as there is some and `more()` holds, and return how much was refused.

    Sending twice does no harm: metrics keep their times, so MLflow knows those it has; a run is found by its key.

    Raises
    ------
    Exception
        Of many kinds, where the store does not answer; what had arrived by then is remembered.
    """
    make_ready(journal.state.uri)
    client = MlflowClient(journal.state.uri)
    refused = 0
    while (pending := journal.pending(AT_ONCE)) and more():
        for _, group in groupby(pending, key=_kind):
            entries = list(group)
            refused += _send_or_pass_over(client, journal, [entry for entry, _ in entries])
            journal.mark_sent(entries[-1][1])
    return refused


def _kind(numbered: tuple[Entry, int]) -> str | int:
    """Return what tells groups apart: metrics go together, everything else on its own."""
    entry, position = numbered
    return "metrics" if "metrics" in entry else position


def _send_or_pass_over(client: MlflowClient, journal: Journal, entries: list[Entry]) -> int:
    """Send entries of one kind; say which will never be taken, and return how many those are."""
    try:
        _send(client, journal, entries)
    except (MlflowException, FileNotFoundError) as error:
        if isinstance(error, MlflowException) and error.error_code not in REFUSALS:
            raise
        if len(entries) > 1:
            return sum(_send_or_pass_over(client, journal, [entry]) for entry in entries)
        what = next((kind for kind in ("run", "params", "tags", "file", "metrics", "end") if kind in entries[0]), "")
        log.warning("MLflow refused the %s of %s: %s", what, journal.run_folder, reason(error))
        return 1
    return 0


def _send(client: MlflowClient, journal: Journal, entries: list[Entry]) -> None:
    entry = entries[0]
    if "run" in entry:
        start_run(client, journal, entry)
    elif "metrics" in entry:
        metrics = [
            Metric(key, value, each["time"], each.get("step", 0))
            for each in entries
            for key, value in each["metrics"].items()
        ]
        for first in range(0, len(metrics), AT_ONCE):
            client.log_batch(journal.state.run_id, metrics=metrics[first : first + AT_ONCE])
    elif "params" in entry:
        params = [Param(key, str(value)) for key, value in entry["params"].items()]
        for first in range(0, len(params), 100):
            client.log_batch(journal.state.run_id, params=params[first : first + 100])
    elif "tags" in entry:
        tags = [RunTag(key, str(value)) for key, value in entry["tags"].items()]
        client.log_batch(journal.state.run_id, tags=tags)
    elif "file" in entry:
        path = journal.run_folder / entry["file"]
        if not path.resolve().is_relative_to(journal.run_folder.resolve()):  # a journal may be somebody else's
            raise FileNotFoundError(f"{entry['file']} is not in the run's folder")
        parent = str(path.parent.relative_to(journal.run_folder))
        client.log_artifact(journal.state.run_id, str(path), None if parent == "." else parent)
    elif "end" in entry:
        client.set_terminated(journal.state.run_id, entry["end"], entry["time"])


def start_run(client: MlflowClient, journal: Journal, entry: Entry) -> None:
    """Create the run; or find it, if it was created before, and mark it as running again."""
    run, tags = entry["run"], {**entry["run"]["tags"], "key": journal.state.key}
    if not journal.state.in_mlflow:
        experiment_id = open_experiment(client, journal.state.experiment)
        known = client.search_runs([experiment_id], f"tags.key = '{journal.state.key}'", max_results=1)
        if not known:
            created = client.create_run(experiment_id, entry["time"], resolve_tags(tags), run["name"])
            journal.mark_created(created.info.run_id, experiment_id)
            return
        journal.mark_created(known[0].info.run_id, experiment_id)
    client.update_run(journal.state.run_id, "RUNNING")
    client.log_batch(journal.state.run_id, tags=[RunTag(key, str(value)) for key, value in tags.items()])


class Courier:
    """Delivers a journal from a thread of its own while the run goes on, whether or not the store answers."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.away = False
        self.since = 0.0
        self._news = threading.Event()
        self._last_call = threading.Event()
        self._give_up = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlflow-courier", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Say that the journal has more."""
        self._news.set()

    def finish(self, patience: float) -> bool:
        """Wait until everything has arrived, at most `patience` seconds; False if it has not.

        A request to stop ends the waiting for a store that does not answer; one that does needs but a moment.
        """
        self._last_call.set()
        self._news.set()
        until = time.monotonic() + patience
        while self._thread.is_alive() and time.monotonic() < until and not (self.away and STOP.asked):
            self._thread.join(min(LOOK, max(0.0, until - time.monotonic())))
        arrived = not self._thread.is_alive() and not self.journal.pending(1)
        self._give_up.set()
        return arrived

    def _work(self) -> None:
        pause = FIRST_PAUSE
        while not self._give_up.is_set():
            last = self._last_call.is_set()
            self._news.clear()
            try:
                deliver(self.journal, lambda: not self._give_up.is_set())
            except Exception as error:
                self._say_away(error)
                if last:
                    self._give_up.wait(LAST_PAUSE)
                else:
                    self._last_call.wait(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self._say_back()
            pause = FIRST_PAUSE
            if last:
                break
            self._news.wait()
            self._last_call.wait(GATHER)
        self.journal.release()

    def _say_away(self, error: Exception) -> None:
        if not self.away:
            log.warning(
                "MLflow does not answer (%s); the run goes on and keeps its records in its folder", reason(error)
            )
            self.since = time.monotonic()
        self.away = True

    def _say_back(self) -> None:
        if self.away:
            log.warning("MLflow answers again, after %.0f s; nothing was lost", time.monotonic() - self.since)
        self.away = False
