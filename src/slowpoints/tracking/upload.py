"""Send the records of runs that ended while MLflow did not answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slowpoints.errors import DamagedFile, UserError
from slowpoints.runs.folder import RECORDS, SENT
from slowpoints.tracking.delivery import deliver
from slowpoints.tracking.journal import Journal
from slowpoints.tracking.store import absolute, prepare_mlflow, reason


@dataclass(frozen=True)
class Upload:
    """What became of the records of one run.

    Attributes
    ----------
    sent
        How many entries of its journal were sent; 0 if everything had arrived before.
    refused
        How many of them MLflow will never take.
    left
        How many could not be sent, and wait.
    problem
        What there is to say about it, or nothing.
    """

    folder: Path
    run_id: str
    sent: int
    refused: int = 0
    left: int = 0
    problem: str = ""

    def __str__(self) -> str:
        refused = f", {self.refused} refused" if self.refused else ""
        problem = f"; {self.problem}" if self.problem else ""
        return f"{self.folder} (run {self.run_id[:8]}): {self.sent} entries sent{refused}{problem}"


def upload(folders: Iterable[Path], *, again: bool = False, uri: str | None = None) -> list[Upload]:
    """Send what has not arrived of the runs in and below some folders; what has arrived is not sent again.

    Parameters
    ----------
    folders
        Folders of runs or of sweeps.
    again
        Send everything again, to a new run where the store has none with these records.
    uri
        Another store than the one that the runs were to go to; they are sent there whole, and belong there from then.

    Raises
    ------
    UserError
        Where a folder holds no record of a run, or that of a single run cannot be read.
    """
    prepare_mlflow()
    found: dict[Path, None] = {}
    for folder in folders:
        below = [path.parent.parent.resolve() for path in sorted(folder.glob(f"**/{RECORDS}/{SENT}"))]
        if not below:
            raise UserError(f"{folder}: there is no record of a run in or below it (no {RECORDS}/{SENT})")
        found |= dict.fromkeys(below)
    uploads = []
    for folder in found:
        try:
            uploads.append(_upload_one(folder, again, uri and absolute(uri)))
        except DamagedFile as error:
            if len(found) == 1:
                raise
            uploads.append(Upload(folder, "unknown", 0, left=1, problem=str(error)))
    return uploads


def _upload_one(folder: Path, again: bool, uri: str | None) -> Upload:
    journal = Journal.resume(folder)
    elsewhere = uri is not None and uri != journal.state.uri
    if not (journal.pending(1) or again or elsewhere):
        return Upload(folder, journal.state.run_id, 0)
    if not journal.lock():
        return Upload(folder, journal.state.run_id, 0, problem="a process is recording this run, and sends it itself")
    if again or elsewhere:
        journal.start_over(uri)
    waiting = len(journal.pending())
    try:
        refused = deliver(journal)
    except Exception as error:
        left = len(journal.pending())
        return Upload(folder, journal.state.run_id, waiting - left, left=left, problem=f"{left} wait: {reason(error)}")
    finally:
        journal.release()
    unended = "" if journal.ended() else "it has no end: if its process is gone, `slowpoints reconcile` marks it"
    return Upload(folder, journal.state.run_id, waiting, refused, problem=unended)
