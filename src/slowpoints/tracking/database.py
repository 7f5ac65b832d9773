"""The SQLite file that runs are recorded in: made once, whole, by one of the processes that want it.

MLflow makes its tables step by step in the file itself, for seconds: processes that begin together spoil it for each
other, and one that is killed leaves half of it.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import mlflow
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock, Timeout
from sqlalchemy import URL, make_url

from slowpoints.errors import UserError

log = logging.getLogger(__name__)

SQLITE = "sqlite:///"
MADE_WITHIN = 600.0  # seconds that a process waits for another that makes the tables, or brings them up to date
QUIET = 10.0  # seconds without a write, after which nobody is making an unfinished store any more
POLL = 0.2  # seconds
SEEDED = ("alembic_version", "workspaces")  # tables in which MLflow itself puts rows when it makes them


def make_database(file: Path) -> None:
    """Make sure that the file has the tables of this MLflow, without others in between.

    A new one is made under another name and renamed. One whose making was cut off is replaced, if it holds nothing. One
    of an earlier MLflow that holds anything is brought up to date by MLflow itself, in place.

    Raises
    ------
    UserError
        Where the file is no database, or is being made by another process for minutes.
    """
    if _is_ready(file):
        return
    with _alone_with(file):
        while _holds_nothing(file) and _is_being_written(file):
            time.sleep(POLL)  # by a program that does not know the lock, such as `mlflow ui`
        if _is_ready(file):
            return
        if _holds_nothing(file):
            _make(file)
        else:
            _open(file, file.parent)


def database_file(uri: str) -> Path | None:
    """Return the file that a store is; None where it is none."""
    if not uri.startswith(SQLITE):
        return None
    name = make_url(uri).database
    return Path(name) if name else None


def address(file: Path) -> str:
    """Return how MLflow calls a file; quoted only where it must be, since MLflow makes a folder of the quoted name."""
    plain = f"{SQLITE}{file}"
    as_it_is = make_url(plain).database == str(file)
    return plain if as_it_is else URL.create("sqlite", database=str(file)).render_as_string()


@contextmanager
def _alone_with(file: Path) -> Iterator[None]:
    lock = FileLock(file.with_name(f".{file.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning("Another process is making the store %s; waiting for it", file)
        try:
            lock.acquire(timeout=MADE_WITHIN)
        except Timeout as error:
            raise UserError(f"{file}: another process has been making this store for {MADE_WITHIN:.0f} s") from error
    except NotImplementedError:  # a file system without locks: to begin one after the other is the user's care there
        pass
    try:
        yield
    finally:
        lock.release()


def _make(file: Path) -> None:
    """Make the tables under another name, and put them in the place of what was there."""
    new = file.with_name(f".{file.name}.new")
    _remove(new)  # of a process that was killed
    try:
        _open(new, file.parent)
        with closing(sqlite3.connect(file, isolation_level=None)) as before:  # makes an empty file where there is none
            before.execute("BEGIN EXCLUSIVE")  # rolls back what was cut off, which else would be done to the new file
            if _rows(before) == 0:
                new.replace(file)
    finally:
        _remove(new)


def _open(file: Path, folder: Path) -> None:
    """Let MLflow make what the file lacks, with the folder for files of runs whose experiment names none."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # with warnings that `prepare_mlflow` silences

    store = SqlAlchemyStore(address(file), (folder / "mlruns").as_uri())
    store.engine.dispose()


def _remove(file: Path) -> None:
    for path in (file, file.with_name(f"{file.name}-journal")):
        path.unlink(missing_ok=True)


def _is_ready(file: Path) -> bool:
    return _revision(file) == _scripts().get_current_head()


def _is_being_written(file: Path) -> bool:
    return not _is_ready(file) and file.is_file() and 0 <= time.time() - file.stat().st_mtime < QUIET


def _holds_nothing(file: Path) -> bool:
    """Whether a file is not there, or is an unfinished store of MLflow's without anything that anybody recorded."""
    if not file.is_file():
        return True
    if (revision := _revision(file)) is not None:
        try:
            _scripts().get_revision(revision)
        except CommandError:  # of a later MLflow
            return False
    with closing(sqlite3.connect(file)) as database:
        return _rows(database) == 0


def _rows(database: sqlite3.Connection) -> float:
    """Return how much was recorded in a database; infinitely much where it is not MLflow's."""
    names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
    if names and "experiments" not in names:
        return float("inf")
    counts = {name: f'SELECT count(*) FROM "{name}"' for name in names.difference(SEEDED)}
    if "experiments" in counts:
        counts["experiments"] += " WHERE experiment_id != 0"  # MLflow's own, called Default
    return sum(database.execute(count).fetchone()[0] for count in counts.values())


def _revision(file: Path) -> str | None:
    """Return which of MLflow's schemas a file has; None where it has none."""
    if not file.is_file():
        return None
    try:
        with closing(sqlite3.connect(file)) as database:
            rows = database.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.OperationalError:  # no such table
        return None
    except sqlite3.DatabaseError as error:
        raise UserError(f"{file}: this is no SQLite database, or a damaged one ({error})") from error
    return rows[0][0] if len(rows) == 1 else None


@cache
def _scripts() -> ScriptDirectory:
    """Return MLflow's schemas, one after the other."""
    return ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
