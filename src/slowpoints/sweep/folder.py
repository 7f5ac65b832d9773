"""A sweep's folder: which sweep it is, and who is working on it."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from slowpoints.errors import DamagedFile, UserError
from slowpoints.files import write_text
from slowpoints.runs.reading import json_mapping, read_file
from slowpoints.runs.targets import with_present_names
from slowpoints.sweep.jobs import Job, read_job
from slowpoints.sweep.options import essence
from slowpoints.sweep.search import Search

log = logging.getLogger(__name__)

RECORD, JOBS = "sweep.json", "jobs.csv"  # which jobs there are, and how they ended
OWNER, LOCK = ".owner", ".lock"  # who is at work
AGAIN = "the command that began the sweep writes it again, and repeats nothing that is done"


@dataclass(frozen=True)
class Sweep:
    """A set of jobs.

    Attributes
    ----------
    id
        Follows from the options of the jobs.
    folder
        Has a folder for each job.
    searches
        What is to be found among the jobs, and then analysed.
    """

    id: str
    folder: Path
    jobs: Sequence[Job]
    searches: Sequence[Search] = ()


def read_sweep(folder: Path) -> Sweep:
    """Return the sweep that was begun in a folder.

    Raises
    ------
    UserError
        If there is none, or it cannot be read which it is.
    """
    path = folder / RECORD
    if not path.is_file():
        begun = sorted(each.parent.name.removeprefix("sweep-") for each in folder.parent.glob(f"sweep-*/{RECORD}"))
        raise UserError(
            f"sweep.resume: there is no sweep in {folder}; "
            + (f"begun in {folder.parent}: {', '.join(begun)}" if begun else f"nor any other in {folder.parent}")
        )
    identity, names, searches = _read_record(folder)
    try:
        jobs = [read_job(folder / name) for name in names]
    except DamagedFile as error:
        raise DamagedFile(error.path, error.reason, AGAIN) from error
    return Sweep(identity, folder, jobs, searches)


def has_sweep(folder: Path, identity: str) -> bool:
    """Return whether a sweep was begun in a folder; where its record cannot be read, the folder's name tells."""
    if not (folder / RECORD).is_file():
        return False
    try:
        return _read_record(folder)[0] == identity
    except DamagedFile:
        return identity in folder.name


def find_begun(jobs: Sequence[Job], searches: Sequence[Search], folders: Iterable[Path]) -> tuple[str, Path] | None:
    """Return the id and the folder of a sweep of the same jobs, whatever the version that began it called it.

    Parameters
    ----------
    folders
        Where it may be.
    """
    for folder in folders:
        try:
            identity, names, recorded = _read_record(folder)
        except DamagedFile:
            continue
        if sorted(names) == sorted(job.name for job in jobs) and _same(recorded, searches):
            here = [replace(job, folder=folder / job.name) for job in jobs]
            if all(job.is_described for job in here):
                return identity, folder
    return None


def _same(some: Sequence[Search], others: Sequence[Search]) -> bool:
    """Whether searches are for the same, among the same trials, with the same analyses."""
    found, wanted = (
        [(each.name, list(each.trials), essence({"analysis": each.analysis})) for each in of] for of in (some, others)
    )
    return found == wanted


def unfinished_jobs(folder: Path) -> tuple[str, list[str]]:
    """Return the id of the sweep in a folder, and the names of its jobs that have no results that can be read.

    Raises
    ------
    DamagedFile
        If it cannot be read which sweep it is.
    """
    identity, jobs, searches = _read_record(folder)
    names = [*jobs, *(search.name for search in searches)]
    return identity, [name for name in names if Job(name, folder / name, {}).summary is None]


@contextmanager
def working_on(sweep: Sweep) -> Iterator[None]:
    """Keep the sweep for this process, and leave in its folder what it consists of.

    Raises
    ------
    UserError
        If another process works on it, or another sweep lives in the folder.
    """
    sweep.folder.mkdir(parents=True, exist_ok=True)
    owner = sweep.folder / OWNER
    try:
        with FileLock(sweep.folder / LOCK, timeout=0):
            _check_folder(sweep)
            write_text(owner, f"process {os.getpid()} on {socket.gethostname()}")
            _write_record(sweep)
            yield
    except Timeout as error:
        _check_folder(sweep)  # to wait for another sweep would be in vain
        who = owner.read_text(encoding="utf-8", errors="replace") if owner.is_file() else "another process"
        raise UserError(
            f"sweep {sweep.id} is being run by {who}; wait for it, or run it elsewhere, hydra.sweep.dir=FOLDER"
        ) from error


def _write_record(sweep: Sweep) -> None:
    searches = [asdict(each) for each in sweep.searches]
    record = {"id": sweep.id, "jobs": [job.name for job in sweep.jobs], "searches": searches}
    write_text(sweep.folder / RECORD, json.dumps(record, indent=2) + "\n")


def _check_folder(sweep: Sweep) -> None:
    if not (sweep.folder / RECORD).is_file():
        return
    try:
        other, _, _ = _read_record(sweep.folder)
    except DamagedFile as error:
        log.warning(
            "%s %s; it is written again, and each job's own record says whether it is done", error.path, error.reason
        )
        return
    if other != sweep.id:
        raise UserError(
            f"hydra.sweep.dir={sweep.folder}: sweep {other} lives there, with other options than this one "
            f"({sweep.id}); name another folder"
        )


def _read_record(folder: Path) -> tuple[str, list[str], list[Search]]:
    """Return the id of the sweep in a folder, the names of its jobs, and its searches."""

    def parse(content: bytes) -> tuple[str, list[str], list[Search]]:
        record = with_present_names(json_mapping(content))
        searches = [Search(**each) for each in record["searches"]]
        names = [*record["jobs"], *(name for each in searches for name in (each.name, *each.trials))]
        if not all(isinstance(name, str) and name not in ("", "..") and Path(name).name == name for name in names):
            raise ValueError("a job is called as no folder is")
        return str(record["id"]), list(record["jobs"]), searches

    return read_file(folder / RECORD, parse, AGAIN)
