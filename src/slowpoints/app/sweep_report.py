"""What is said of a sweep when it ends: how its jobs did, and their networks side by side."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slowpoints.app.report import how_to_open, short
from slowpoints.app.trust import trust_option
from slowpoints.console import VOICE, print_text
from slowpoints.errors import UserError
from slowpoints.sweep.folder import Sweep, unfinished_jobs
from slowpoints.sweep.jobs import End, Job

if TYPE_CHECKING:
    from rich.console import Console

    from slowpoints.tracking.run import TrackedRun

log = logging.getLogger(__name__)


def report(
    sweep: Sweep, jobs: Sequence[Job], ends: Mapping[str, End], summary: TrackedRun, comparison: Path | None
) -> None:
    """Say how the jobs ended, and where everything is."""
    from slowpoints.sweep.table import as_rows, print_table

    good = sum(ends[job.name].good for job in jobs)

    def show(console: Console) -> None:
        print_table(console, f"sweep {sweep.id}: {good} of {len(jobs)} jobs done", jobs, ends)
        if comparison is not None:
            print_text(console, f"The networks, side by side: {short(comparison)}")
        print_text(console, f"All runs, in MLflow: {how_to_open(summary)}")
        if good < len(jobs):
            again = f"slowpoints run sweep.resume={sweep.id}{trust_option({'jobs': [job.config for job in jobs]})}"
            print_text(console, f"The same command again runs what is missing; so does: {again}")

    document = {
        "sweep": sweep.id,
        "folder": str(sweep.folder),
        "comparison": comparison and str(comparison),
        "tracking_uri": summary.tracking_uri,
        "run_id": summary.run_id,
        "jobs": as_rows(jobs, ends),
    }
    VOICE.conclude(show, short(sweep.folder), document)


def compare(sweep: Sweep, summary: TrackedRun) -> Path | None:
    """Set the networks side by side, as far as there are any, and return the page of it.

    What goes wrong here takes nothing from the sweep.
    """
    from slowpoints.sweep.networks import find_networks, group_networks
    from slowpoints.sweep.report import Comparison, write_comparison

    try:
        _, unfinished = unfinished_jobs(sweep.folder)
        groups = group_networks(find_networks([sweep.folder]))
        files = write_comparison(Comparison(f"sweep {sweep.id}", groups, unfinished), sweep.folder)
    except UserError:
        return None  # nothing has finished; the table says so
    except Exception:
        log.warning("The networks could not be compared; later: slowpoints compare %s", sweep.folder, exc_info=True)
        return None
    for file in files:
        summary.log_file(file.name)
    return files[0]
