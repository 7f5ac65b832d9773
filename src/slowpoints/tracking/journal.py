"""What a run records, written to its folder before anything is sent to MLflow.

`tracking/journal.jsonl` has one JSON object a line, each with the time in milliseconds and one thing that was recorded:
`{"time": ..., "metrics": {"training/loss": 0.61}, "step": 20}`, `params`, `tags`, `file` (a file of the folder), `run`
(a process starts recording) and `end`. `tracking/state.json` says which MLflow run they belong to and how many bytes of
the journal have arrived there.
"""

from __future__ import annotations

import fcntl
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import IO, Any

from slowpoints.errors import UserError
from slowpoints.files import write_text

Entry = dict[str, Any]

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


class Journal:
    """The journal of one run. One process at a time holds it."""

    def __init__(self, run_folder: Path, state: State) -> None:
        self.run_folder = run_folder
        self.path = run_folder / "tracking" / "journal.jsonl"
        self.state = state
        self._file: IO[str] | None = None
        self._lock: IO[str] | None = None

    @classmethod
    def begin(cls, run_folder: Path, uri: str, experiment: str, run_id: str | None) -> Journal:
        """Return the journal of a new run; or of the run with this id, continued where the folder has its journal.

        Raises
        ------
        UserError
            Where another process is recording in the folder.
        """
        (run_folder / "tracking").mkdir(parents=True, exist_ok=True)
        before = read_state(run_folder)
        key = uuid.uuid4().hex
        state = State(uri, experiment, run_id or f"{UNKNOWN_TO_MLFLOW}{key}", key)
        continued = before is not None and before.run_id == run_id
        if continued and before is not None:
            state = replace(before, uri=uri, experiment=experiment)
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
            Where there is none.
        """
        state = read_state(run_folder)
        if state is None:
            raise UserError(f"{run_folder}: there is no record of a run there (no tracking/state.json)")
        return cls(run_folder, state)

    def lock(self) -> bool:
        """Take the journal for this process; False where another one has it. The system gives it back at its end."""
        handle = (self.run_folder / "tracking" / "lock").open("a")
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
                except ValueError:  # cut off when the machine went down
                    entry = {}
                found.append((entry, file.tell()))
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
        path = _state_path(self.run_folder)
        write_text(path, json.dumps(asdict(state), indent=2) + "\n")


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
    """Return where the run in a folder belongs in MLflow, or None if nothing was recorded there."""
    try:
        return State(**json.loads(_state_path(run_folder).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def recorded_run_id(run_folder: Path) -> str | None:
    """Return the id with which `track` continues the run that a folder holds, or None if it holds none."""
    state = read_state(run_folder)
    return None if state is None else state.run_id


def _state_path(run_folder: Path) -> Path:
    return run_folder / "tracking" / "state.json"
