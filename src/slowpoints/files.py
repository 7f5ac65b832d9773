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
