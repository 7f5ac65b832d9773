"""What a run records, written to its folder before anything is sent to MLflow.

`tracking/journal.jsonl` has one JSON object a line, each with the time in milliseconds and one thing that was recorded:
`{"time": ..., "metrics": {"training/loss": 0.61}, "step": 20}`, `params`, `tags`, `file` (a file of the folder), `run`
(a process starts recording) and `end`. `tracking/state.json` says which MLflow run they belong to and how many bytes of
the journal have arrived there.
"""

from __future__ import annotations

import fcntl
import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import IO, Any

from slowpoints.errors import DamagedFile, UserError
from slowpoints.files import write_text
from slowpoints.runs.folder import HELD, JOURNAL, RECORDS, SENT, SUMMARY, RunFolder
from slowpoints.runs.reading import digest_of_values, json_mapping, read_file

Entry = dict[str, Any]

log = logging.getLogger(__name__)

ENDS = ("FINISHED", "FAILED", "KILLED")
UNKNOWN_TO_MLFLOW = "local-"  # how the id of a run begins that MLflow has not given one yet


@dataclass(frozen=True)
class State:
    """Where a run belongs in MLflow, and how much of its journal is there.

    Attributes
    ----------
    uri, experiment
        The store, and the experiment's name.
    run_id
        MLflow's id; `local-...` until there is one.
    key
        Made up by the run itself and kept as a tag, so that a run whose creation went unanswered is found again.
    sent
        Bytes of the journal that have arrived.
    experiment_id
        MLflow's id of the experiment; empty until MLflow has given the run an id.
    """

    uri: str
    experiment: str
    run_id: str
    key: str
    sent: int = 0
    experiment_id: str = ""

    @property
    def in_mlflow(self) -> bool:
        """Whether MLflow has given the run an id."""
        return not self.run_id.startswith(UNKNOWN_TO_MLFLOW)

    def moved(self, uri: str, experiment: str) -> State:
        """Return the state of the same run in this store and experiment; all of it is to be sent if it is new there."""
        if (uri, experiment) == (self.uri, self.experiment):
            return self
        return State(uri, experiment, f"{UNKNOWN_TO_MLFLOW}{self.key}", self.key)


class Journal:
    """The journal of one run. One process at a time holds it."""

    def __init__(self, run_folder: Path, state: State) -> None:
        self.run_folder = run_folder
        self.path = RunFolder(run_folder).records / JOURNAL
        self.state = state
        self._file: IO[str] | None = None
        self._lock: IO[str] | None = None
        self._writing = threading.Lock()  # figures are recorded from a thread of their own

    @classmethod
    def begin(cls, run_folder: Path, uri: str, experiment: str, run_id: str | None) -> Journal:
        """Return the journal of a new run; or of the run with this id, continued where the folder has its journal.

        A run that is continued in another store or experiment is recorded there from its beginning.

        Raises
        ------
        UserError
            Where another process is recording in the folder.
        """
        RunFolder(run_folder).records.mkdir(parents=True, exist_ok=True)
        before = read_state(run_folder)
        key = uuid.uuid4().hex
        state = State(uri, experiment, run_id or f"{UNKNOWN_TO_MLFLOW}{key}", key)
        continued = before is not None and before.run_id == run_id
        if continued and before is not None:
            state = before.moved(uri, experiment)
        journal = cls(run_folder, state)
        if not journal.lock():
            raise UserError(f"{run_folder}: another process is recording a run there; give this one another folder")
        if not continued:
            journal.path.unlink(missing_ok=True)
        journal._remember(state)
        journal._open()
        return journal

    @classmethod
    def resume(cls, run_folder: Path) -> Journal:
        """Return the journal that a folder has.

        Raises
        ------
        UserError
            Where there is none, or it cannot be read.
        """
        if not _state_path(run_folder).is_file():
            raise UserError(f"{run_folder}: there is no record of a run there (no {RECORDS}/{SENT})")
        return cls(run_folder, _read_state(run_folder))

    def lock(self) -> bool:
        """Take the journal for this process; False where another one has it. The system gives it back at its end."""
        handle = (RunFolder(self.run_folder).records / HELD).open("a")
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock, not inherited by forked children
        except (BlockingIOError, PermissionError):
            handle.close()
            return False
        except OSError:
            pass  # a file system without locks: two writers are the user's care there
        self._lock = handle
        return True

    def append(self, **entry: Any) -> None:
        """Write one entry; it is in the file when this returns."""
        with self._writing:
            if self._file is None:
                self._open()
            assert self._file is not None
            self._file.write(json.dumps({"time": int(time.time() * 1000), **entry}) + "\n")
            self._file.flush()

    def entries(self, start: int = 0, limit: int | None = None) -> list[tuple[Entry, int]]:
        """Return the entries from a byte on, each with the byte behind it; what is no entry is passed over."""
        found: list[tuple[Entry, int]] = []
        if not self.path.is_file():
            return found
        with self.path.open("rb") as file:
            file.seek(start)
            while (limit is None or len(found) < limit) and (line := file.readline()).endswith(b"\n"):
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):  # cut off when the machine went down, or damaged
                    entry = None
                found.append((entry if _is_entry(entry) else {}, file.tell()))
        return found

    def pending(self, limit: int | None = None) -> list[tuple[Entry, int]]:
        """Return the entries that have not arrived in MLflow, each with the byte behind it."""
        return self.entries(self.state.sent, limit)

    def mark_sent(self, position: int) -> None:
        """Remember that everything before a byte has arrived."""
        self._remember(replace(self.state, sent=position))

    def start_over(self, uri: str | None = None) -> None:
        """Forget what has arrived, so that all of it is sent again; to another store, if one is named."""
        run_id = f"{UNKNOWN_TO_MLFLOW}{self.state.key}"
        self._remember(replace(self.state, uri=uri or self.state.uri, run_id=run_id, sent=0))

    def mark_created(self, run_id: str, experiment_id: str) -> None:
        """Remember the ids that MLflow gave to the run and its experiment."""
        self._remember(replace(self.state, run_id=run_id, experiment_id=experiment_id))

    def ended(self) -> str | None:
        """Return the status with which the run ended, or None if nobody wrote that it did."""
        last = [entry for entry, _ in self.entries() if "end" in entry or "run" in entry][-1:]
        return last[0].get("end") if last else None

    def complete(self) -> None:
        """Write that the run finished, where its results are there and its process was ended before it could."""
        results = self.run_folder / SUMMARY
        if results.is_file() and self.ended() != "FINISHED":
            self.append(file=SUMMARY)
            self.append(end="FINISHED", time=int(results.stat().st_mtime * 1000))

    def release(self) -> None:
        """Close the files, and let other processes have the journal."""
        for file in (self._file, self._lock):
            if file is not None:
                file.close()
        self._file = self._lock = None

    def _open(self) -> None:
        cut_off = self.path.is_file() and self.path.stat().st_size > 0 and self.path.read_bytes()[-1:] != b"\n"
        self._file = self.path.open("a", encoding="utf-8")
        if cut_off:
            self._file.write("\n")

    def _remember(self, state: State) -> None:
        self.state = state
        record = {**asdict(state), "digest": digest_of_values(asdict(state))}
        write_text(_state_path(self.run_folder), json.dumps(record, indent=2) + "\n")


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """Give a run a folder that no other has, while the context lasts: `folder`, else `folder-2` and so on.

    The run has it whose process makes `tracking` in it, which only one can. It goes again where nothing was recorded.
    """
    for number in count(1):
        own = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            (own / "tracking").mkdir(parents=True)
            break
        except FileExistsError:
            continue
    try:
        yield own
    finally:
        with suppress(OSError):  # there is something in it
            (own / "tracking").rmdir()
            if own != folder:
                own.rmdir()


def read_state(run_folder: Path) -> State | None:
    """Return where the run in a folder belongs in MLflow, or None if nothing that can be read was recorded there."""
    try:
        return _read_state(run_folder)
    except DamagedFile:
        return None


def recorded_run_id(run_folder: Path) -> str | None:
    """Return the id with which `track` continues the run that a folder holds; None if it holds none.

    Where the record cannot be read, that is said: what goes on from there is a new run in MLflow.
    """
    state = read_state(run_folder)
    if state is None and (path := _state_path(run_folder)).is_file():
        log.warning("%s cannot be read: MLflow gets a new run in place of the one that it named", path)
    return None if state is None else state.run_id


def _read_state(run_folder: Path) -> State:
    remedy = f"put back a copy, or record the network as a new run: slowpoints run checkpoint={run_folder}"
    return read_file(_state_path(run_folder), lambda content: _state(json_mapping(content)), remedy)


def _state(record: dict[str, Any]) -> State:
    if record.pop("digest", None) not in (None, digest_of_values(record)):  # earlier versions wrote none
        raise ValueError("it is not as the run left it")
    state = State(**record)
    texts = (state.uri, state.experiment, state.run_id, state.key, state.experiment_id)
    if not (all(isinstance(text, str) for text in texts) and isinstance(state.sent, int) and state.sent >= 0):
        raise ValueError("does not say where a run belongs")
    return state


def _is_entry(entry: object) -> bool:
    """Whether this is what `append` writes, so that it can be sent."""
    if not (isinstance(entry, dict) and isinstance(entry.get("time"), int) and isinstance(entry.get("step", 0), int)):
        return False
    if not all(isinstance(entry.get(kind, {}), dict) for kind in ("run", "metrics", "params", "tags")):
        return False
    run = entry.get("run", {"name": "", "tags": {}})
    return (
        all(isinstance(value, int | float) for value in entry.get("metrics", {}).values())
        and isinstance(entry.get("file", ""), str)
        and entry.get("end", ENDS[0]) in ENDS
        and isinstance(run.get("name"), str)
        and isinstance(run.get("tags"), dict)
    )


def _state_path(run_folder: Path) -> Path:
    return RunFolder(run_folder).records / SENT
