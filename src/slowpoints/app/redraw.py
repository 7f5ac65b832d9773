"""Draw a run's figures again, from what it left, without the network."""

from __future__ import annotations

import json
from pathlib import Path

from slowpoints.console import VOICE, print_text
from slowpoints.errors import UserError
from slowpoints.figures.catalog import CATALOG
from slowpoints.figures.explorer import FILE as EXPLORER
from slowpoints.figures.explorer import make_explorer
from slowpoints.figures.page import draw_page
from slowpoints.files import new_file, read_arrays, save_figure


def redraw_command(arguments: list[str]) -> None:
    """Draw the figures of the runs whose folders are named.

    Raises
    ------
    UserError
        If none is named, or one has no arrays.
    """
    if not arguments:
        raise UserError("slowpoints redraw needs the output folder of a run")
    drawn = {folder: redraw(folder) for folder in map(Path, arguments)}
    lines = "\n".join(f"drew {len(files)} files in {folder}" for folder, files in drawn.items())
    document = {str(folder): [str(file) for file in files] for folder, files in drawn.items()}
    VOICE.conclude(lambda console: print_text(console, lines), "\n".join(document), document)


def redraw(folder: Path) -> list[Path]:
    """Draw all figures of a run, and its explorer, from the arrays in its folder, and return the files.

    They take the place of those that are there.

    Raises
    ------
    UserError
        If the folder has no arrays.
    """
    arrays = {path.stem: read_arrays(path) for path in sorted((folder / "arrays").glob("*.npz"))}
    if not arrays:
        raise UserError(f"{folder}: there are no arrays (arrays/*.npz); name the output folder of a run with analyses")
    files = []
    for analysis, drawings in CATALOG.items():
        for name, drawing in drawings.items():
            if analysis in arrays:
                files += save_figure(folder / name, drawing.figure(arrays[analysis]))
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    verdicts = [(verdict["text"], verdict["verdict"]) for verdict in summary["verdicts"].values()]
    page = draw_page(summary["title"], arrays, verdicts)
    files += save_figure(folder / "page", page) if page else []
    explorer = make_explorer(summary["title"], arrays, verdicts)
    if explorer is not None:
        with new_file(folder / EXPLORER) as temporary:
            temporary.write_text(explorer, encoding="utf-8")
        files.append(folder / EXPLORER)
    return files
