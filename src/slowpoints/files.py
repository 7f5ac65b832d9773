"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "pdf")  # of figures
PARTIAL = ".partial"  # how the names of files end that are being written
RECORDS = "tracking"  # in the folder of a run: what it has recorded


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Give a temporary path beside the target, and rename what was written there when all went well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=PARTIAL)
    os.close(handle)
    try:
        yield Path(temporary)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def remove_partial_files(folder: Path) -> None:
    """Delete what processes that were killed left half-written in a run's folder.

    Whoever calls this keeps the folder for itself: nobody else writes there. Folders below that have records of their
    own, such as those of a sweep's jobs, may be others', and are left alone.
    """
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink() and not (entry / RECORDS).is_dir():
            remove_partial_files(entry)
        elif entry.name.startswith(".") and entry.name.endswith(PARTIAL):
            entry.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write a text file that is whole or not there."""
    with new_file(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def save_figure(path: Path, figure: Figure) -> list[Path]:
    """Save a figure under a path without suffix, as PNG and as PDF, and return the files."""
    files = [path.with_name(f"{path.name}.{suffix}") for suffix in FORMATS]
    if (layout := figure.get_layout_engine()) is not None:
        layout.execute(figure)  # once for all formats: to place things takes longer than to draw them
        figure.set_layout_engine("none")
    for file, suffix in zip(files, FORMATS, strict=True):
        with new_file(file) as temporary:
            figure.savefig(temporary, format=suffix)
    return files
