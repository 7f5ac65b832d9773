"""The commands that put records straight: upload and reconcile."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from slowpoints.console import VOICE, print_text

URI = os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")


def upload_command(arguments: Sequence[str]) -> int:
    """Send what MLflow has not received of some runs; 1 if something is left."""
    parser = argparse.ArgumentParser(
        "slowpoints upload", description="Send what MLflow has not received of runs, because it did not answer."
    )
    parser.add_argument("folder", nargs="+", type=Path, help="folder of a run or of a sweep")
    parser.add_argument("--again", action="store_true", help="send everything again (the store has lost it)")
    parser.add_argument("--uri", help="send everything to this MLflow store in place of the runs' own")
    options = parser.parse_args(arguments)

    from slowpoints.tracking.upload import upload

    uploads = upload(options.folder, again=options.again, uri=options.uri)
    lines = "\n".join(map(str, uploads))
    left = sum(each.left for each in uploads)
    VOICE.conclude(lambda console: print_text(console, lines), left, {"uploads": [asdict(each) for each in uploads]})
    return int(any(each.left for each in uploads))


def reconcile_command(arguments: Sequence[str]) -> int:
    """Mark the runs as ended whose process or Slurm job is gone."""
    parser = argparse.ArgumentParser(
        "slowpoints reconcile",
        description="Mark the runs as ended that MLflow believes to be running and whose process or Slurm job is gone.",
    )
    parser.add_argument("--uri", default=URI, help="the MLflow store (default: %(default)s)")
    parser.add_argument("--experiment", help="only runs of this MLflow experiment")
    options = parser.parse_args(arguments)

    from slowpoints.tracking.reconcile import reconcile, summary
    from slowpoints.tracking.store import existing_store

    verdicts = reconcile(existing_store(options.uri), options.experiment)
    document = {"runs": [asdict(each) for each in verdicts]}
    VOICE.conclude(lambda console: print_text(console, summary(verdicts)), len(verdicts), document)
    return 0
