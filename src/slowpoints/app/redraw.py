"""Draw a run's figures again, from what it left, without the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from slowpoints.console import VOICE, print_text
from slowpoints.errors import DamagedFile, UserError
from slowpoints.figures.catalog import CATALOG
from slowpoints.figures.explorer import FILE as EXPLORER
from slowpoints.figures.explorer import make_explorer
from slowpoints.figures.page import MARKS, draw_page
from slowpoints.files import new_file, save_figure
from slowpoints.runs.folder import ARRAYS, COPY, SUMMARY, RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from slowpoints.figures.style import Arrays


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
        If the folder has no arrays, or what it has cannot be read.
    """
    run = RunFolder(folder)
    arrays = run.arrays()
    if not arrays:
        raise UserError(f"{folder}: there are no arrays (arrays/*.npz); name the output folder of a run with analyses")
    title, verdicts = _conclusions(run)
    figures = {name: _draw(folder, analysis, name, arrays) for analysis, name in _drawn(arrays)}
    page = draw_page(title, arrays, verdicts)
    files = [file for name, figure in figures.items() for file in save_figure(folder / name, figure)]
    files += save_figure(folder / "page", page) if page else []
    explorer = make_explorer(title, arrays, verdicts)
    if explorer is not None:
        with new_file(folder / EXPLORER) as temporary:
            temporary.write_text(explorer, encoding="utf-8")
        files.append(folder / EXPLORER)
    return files


def _drawn(arrays: Mapping[str, Arrays]) -> Iterator[tuple[str, str]]:
    """Yield analysis and name of each figure whose arrays are there."""
    for analysis, drawings in CATALOG.items():
        if analysis in arrays:
            yield from ((analysis, name) for name in drawings)


def _draw(folder: Path, analysis: str, name: str, arrays: Mapping[str, Arrays]) -> Figure:
    try:
        return CATALOG[analysis][name].figure(arrays[analysis])
    except (KeyError, ValueError, TypeError, IndexError) as error:
        file = folder / ARRAYS / f"{analysis}.npz"
        raise DamagedFile(file, f"has not what {name} is drawn from ({error!r})", COPY) from error


def _conclusions(run: RunFolder) -> tuple[str, list[tuple[str, str]]]:
    """Return the title of a run's page, and the claims with their verdicts."""
    summary = run.summary()
    try:
        verdicts = [(each["text"], each["verdict"]) for each in summary["verdicts"].values()]
        if not {verdict for _, verdict in verdicts} <= MARKS.keys():
            raise ValueError("a verdict that there is not")
        return str(summary["title"]), verdicts
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFile(run.path / SUMMARY, f"is not that of a run with analyses ({error!r})", COPY) from error
