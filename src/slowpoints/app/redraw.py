"""Draw a run's figures again, from what it left, without the network."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slowpoints.app.build import build_question
from slowpoints.app.trust import check_trust, split_trust
from slowpoints.console import VOICE, print_text
from slowpoints.errors import DamagedFile, UserError
from slowpoints.files import new_file, save_figure
from slowpoints.questions.answers import panels_of
from slowpoints.questions.claims import recorded_verdicts
from slowpoints.report.explorer import make_explorer
from slowpoints.report.page import draw_page
from slowpoints.runs.folder import CONFIG, COPY, EXPLORER, PAGE, SUMMARY, RunFolder, arrays_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from slowpoints.questions.question import Question
    from slowpoints.report.style import Arrays, Drawing

log = logging.getLogger(__name__)


def redraw_command(arguments: list[str]) -> None:
    """Draw the figures of the runs whose folders are named.

    Raises
    ------
    UserError
        If none is named, or one has no arrays.
    """
    folders, trusted = split_trust(arguments)
    if not folders:
        raise UserError("slowpoints redraw needs the output folder of a run")
    drawn = {folder: redraw(folder, trusted) for folder in map(Path, folders)}
    lines = "\n".join(f"drew {len(files)} files in {folder}" for folder, files in drawn.items())
    document = {str(folder): [str(file) for file in files] for folder, files in drawn.items()}
    VOICE.conclude(lambda console: print_text(console, lines), "\n".join(document), document)


def redraw(folder: Path, trusted: Sequence[str] = ()) -> list[Path]:
    """Draw all figures of a run, and its explorer, from the arrays in its folder, and return the files.

    They take the place of those that are there. Where a question cannot be built, which is said, its figures stay as
    they are, and so does the page.

    Parameters
    ----------
    trusted
        Modules whose questions may be built, beside those of this project.

    Raises
    ------
    UserError
        If the folder has no arrays, or what it has cannot be read.
    """
    run = RunFolder(folder)
    arrays = run.arrays()
    if not arrays:
        raise UserError(
            f"{folder}: there are no arrays ({arrays_file('*')}); name the output folder of a run with analyses"
        )
    title, verdicts = _conclusions(run)
    questions, left_out = _questions(run, trusted)
    figures = {
        name: _draw(folder, question, name, drawing, arrays)
        for question in questions
        for name, drawing in question.figures.items()
        if question.name in arrays
    }
    page = None if left_out else draw_page(title, panels_of(questions, arrays), verdicts)
    files = [file for name, figure in figures.items() for file in save_figure(folder / name, figure)]
    files += save_figure(folder / PAGE, page) if page else []
    explorer = make_explorer(title, arrays, verdicts)
    if explorer is not None:
        with new_file(folder / EXPLORER) as temporary:
            temporary.write_text(explorer, encoding="utf-8")
        files.append(folder / EXPLORER)
    for reason in left_out:
        log.warning("Its figures and the page stay as they are: %s", reason)
    return files


def _questions(run: RunFolder, trusted: Sequence[str]) -> tuple[list[Question], list[str]]:
    """Return the questions of a run that can be built, and why the others cannot."""
    file, config = run.path / CONFIG, run.config()
    try:
        nodes = dict(config["analysis"]["questions"])
        targets = {key: node["_target_"] for key, node in nodes.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFile(file, f"is not that of a run ({error!r})", COPY) from error
    questions, left_out = [], []
    for key in targets:
        try:
            check_trust({"analysis": {"questions": {key: nodes[key]}}}, file, trusted)
            questions.append(build_question(key, nodes[key]))
        except UserError as error:
            left_out.append(str(error))
    return questions, left_out


def _draw(folder: Path, question: Question, name: str, drawing: Drawing, arrays: Mapping[str, Arrays]) -> Figure:
    try:
        return drawing.figure(arrays[question.name])
    except Exception as error:  # what draws may be the user's own, and fail in any way
        file = folder / arrays_file(question.name)
        raise DamagedFile(file, f"has not what {name} is drawn from ({error!r})", COPY) from error


def _conclusions(run: RunFolder) -> tuple[str, list[tuple[str, str]]]:
    """Return the title of a run's page, and the claims with their verdicts."""
    summary = run.summary()
    try:
        return str(summary["title"]), [(each.text, each.verdict) for each in recorded_verdicts(summary)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise DamagedFile(run.path / SUMMARY, f"is not that of a run with analyses ({reason})", COPY) from error
