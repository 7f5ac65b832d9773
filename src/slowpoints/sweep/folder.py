"""A sweep's folder: which sweep it is, and who is working on it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from slowpoints.errors import UserError
from slowpoints.files import write_text
from slowpoints.sweep.jobs import SUMMARY, Job, read_job
from slowpoints.sweep.search import Search

RECORD = "sweep.json"


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
        If there is none.
    """
    path = folder / RECORD
    if not path.is_file():
        begun = sorted(each.parent.name.removeprefix("sweep-") for each in folder.parent.glob(f"sweep-*/{RECORD}"))
        raise UserError(
            f"sweep.resume: there is no sweep in {folder}; "
            + (f"begun in {folder.parent}: {', '.join(begun)}" if begun else f"nor any other in {folder.parent}")
        )
    record = json.loads(path.read_text(encoding="utf-8"))
    jobs = [read_job(folder / name) for name in record["jobs"]]
    return Sweep(record["id"], folder, jobs, [Search(**each) for each in record["searches"]])


def unfinished_jobs(folder: Path) -> tuple[str, list[str]]:
    """Return the id of the sweep in a folder, and the names of its jobs that have no results yet."""
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    names = [*record["jobs"], *(search["name"] for search in record["searches"])]
    return record["id"], [name for name in names if not (folder / name / SUMMARY).is_file()]


@contextmanager
def working_on(sweep: Sweep) -> Iterator[None]:
    """Keep the sweep for this process, and leave in its folder what it consists of.

    Raises
    ------
    UserError
        If another process works on it, or another sweep lives in the folder.
    """
    sweep.folder.mkdir(parents=True, exist_ok=True)
    owner = sweep.folder / ".owner"
    try:
        with FileLock(sweep.folder / ".lock", timeout=0):
            _check_folder(sweep)
            write_text(owner, f"process {os.getpid()} on {socket.gethostname()}")
            _write_record(sweep)
            yield
    except Timeout as error:
        _check_folder(sweep)  # to wait for another sweep would be in vain
        who = owner.read_text(encoding="utf-8") if owner.is_file() else "another process"
        raise UserError(
            f"sweep {sweep.id} is being run by {who}; wait for it, or run it elsewhere, hydra.sweep.dir=FOLDER"
        ) from error


def _write_record(sweep: Sweep) -> None:
    searches = [asdict(each) for each in sweep.searches]
    record = {"id": sweep.id, "jobs": [job.name for job in sweep.jobs], "searches": searches}
    write_text(sweep.folder / RECORD, json.dumps(record, indent=2) + "\n")


def _check_folder(sweep: Sweep) -> None:
    path = sweep.folder / RECORD
    if path.is_file() and (other := json.loads(path.read_text(encoding="utf-8"))["id"]) != sweep.id:
        raise UserError(
            f"hydra.sweep.dir={sweep.folder}: sweep {other} lives there, with other options than this one "
            f"({sweep.id}); name another folder"
        )
