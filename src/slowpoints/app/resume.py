"""`slowpoints resume FOLDER`: go on with an interrupted run. Launchers run the jobs of sweeps by the same command."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from slowpoints.app.trust import recorded_options, split_trust
from slowpoints.errors import UserError
from slowpoints.interruption import STOP
from slowpoints.runs.folder import ABOUT, CONFIG, SUMMARY, RunFolder
from slowpoints.sweep.processes import PARENT
from slowpoints.training.trained import forget

log = logging.getLogger(__name__)

PREDECESSOR_ENDS_WITHIN = 90  # seconds; a process whose sweep was killed still writes its state


def resume_command(arguments: Sequence[str]) -> int:
    """Go on with a run from where it was interrupted, with the options that it was started with.

    Raises
    ------
    UserError
        If there is no run in the folder, its record cannot be read or trusted, or another process works on it.
    """
    parser = argparse.ArgumentParser(
        "slowpoints resume",
        usage="slowpoints resume FOLDER [trust=MODULE,...]",
        description="Go on with a run from where it was interrupted, under the same MLflow run.",
        epilog="trust=MODULE: build, from the configuration in the folder, also classes of this module of your own",
    )
    parser.add_argument("folder", type=Path, help="folder of the run")
    others, trusted = split_trust(arguments)
    folder = parser.parse_args(others).folder.resolve()
    STOP.listen()
    if PARENT in os.environ:
        threading.Thread(target=_stop_with_parent, name="parent", daemon=True).start()
    if not (folder / CONFIG).is_file():
        raise UserError(f"{folder}: there is no run in this folder (no {CONFIG})")
    try:
        with FileLock(RunFolder(folder).lock, timeout=PREDECESSOR_ENDS_WITHIN):
            _resume(folder, trusted)
    except Timeout as error:
        raise UserError(f"{folder}: another process is working on this run") from error
    return 0


def _resume(folder: Path, trusted: Sequence[str]) -> None:
    left = RunFolder(folder)
    if left.has(SUMMARY):
        left.check()

        from slowpoints.tracking.run import complete_record

        complete_record(folder)
        forget(folder)
        log.info("%s: this run is complete", folder)
        return
    options = recorded_options(folder, trusted)
    about = left.about() if left.has(ABOUT) else {}
    from slowpoints.app.run import Occasion, run

    run(options, folder, Occasion(about.get("name"), about.get("tags", {}), resume=True, log=PARENT not in os.environ))


def _stop_with_parent() -> None:
    """Ask this process to stop when whoever started it has died: standard input, a pipe from there, then ends."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
