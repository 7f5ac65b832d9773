"""One page with the paper's figures of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slowpoints.figures.activity import draw_activity
from slowpoints.figures.dimensions import draw_dimensions
from slowpoints.figures.inputs import draw_inputs
from slowpoints.figures.linearization import draw_linearization
from slowpoints.figures.manifold import draw_manifold
from slowpoints.figures.modes import draw_modes
from slowpoints.figures.overlap import draw_overlap
from slowpoints.figures.relaxation import draw_relaxation
from slowpoints.figures.state_plane import draw_state_plane
from slowpoints.figures.style import NEGATIVE, NEUTRAL, POSITIVE, Arrays, new_figure
from slowpoints.figures.valence_words import draw_valence_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

WIDTH, HEIGHT = 18.0, 25.0  # inches
ROWS, COLUMNS = (5, 5, 4, 4, 4, 3), (6, 6, 6, 6)  # their shares of the height and of the width
VERDICTS = (5, 6)  # rows
# By verdict: a mark and a colour that say the same
MARKS = {
    "holds": ("\N{BLACK CIRCLE}", POSITIVE),
    "holds weakly": ("\N{CIRCLE WITH LEFT HALF BLACK}", NEUTRAL),
    "does not hold": ("\N{WHITE CIRCLE}", NEGATIVE),
    "not measured": ("\N{EN DASH}", NEUTRAL),
}


@dataclass(frozen=True)
class _Cell:
    analysis: str
    draw: Callable[[FigureBase, Arrays], None]
    title: str
    rows: tuple[int, int]
    columns: tuple[int, int]


CELLS = (
    _Cell("activity", draw_activity, "1  Activity of all units", (0, 1), (0, 2)),
    _Cell("pca", draw_dimensions, "2a  Dimensions", (0, 1), (2, 3)),
    _Cell("relaxation", draw_relaxation, "Relaxation without input", (0, 1), (3, 4)),
    _Cell("pca", draw_state_plane, "2b  Visited states", (1, 2), (0, 2)),
    _Cell("manifold", draw_manifold, "2c  Points where the network is slow", (1, 2), (2, 4)),
    _Cell("modes", draw_modes, "3  Modes", (2, 4), (0, 2)),
    _Cell("inputs", draw_inputs, "4a, c  Effects of words", (2, 3), (2, 4)),
    _Cell("overlap", draw_overlap, "4b, d  The top mode and the line", (3, 4), (2, 4)),
    _Cell("linearization", draw_linearization, "5  One linear step", (4, 5), (0, 2)),
    _Cell("valence_words", draw_valence_words, "Words by valence", (4, 5), (2, 4)),
)


def draw_page(title: str, arrays: Mapping[str, Arrays], verdicts: Sequence[tuple[str, str]] = ()) -> Figure | None:
    """Draw all figures whose arrays are there onto one page; None where there are none.

    Parameters
    ----------
    title
        Of the page.
    arrays
        By analysis.
    verdicts
        Claims, and what became of them.
    """
    if not any(cell.analysis in arrays for cell in CELLS):
        return None
    figure = new_figure(WIDTH, HEIGHT)
    figure.suptitle(title, y=0.997, fontsize="xx-large", fontweight="bold", parse_math=False)
    grid = figure.add_gridspec(len(ROWS), len(COLUMNS), height_ratios=ROWS, width_ratios=COLUMNS)
    for cell in CELLS:
        part = figure.add_subfigure(grid[slice(*cell.rows), slice(*cell.columns)])
        part.suptitle(cell.title, x=0.01, ha="left", fontweight="bold")
        if cell.analysis in arrays:
            cell.draw(part, arrays[cell.analysis])
        else:
            part.text(0.5, 0.5, f"no answer from the analysis {cell.analysis}", ha="center", color=NEUTRAL)
    _list_verdicts(figure.add_subfigure(grid[slice(*VERDICTS), :]), verdicts)
    return figure


def _list_verdicts(figure: FigureBase, verdicts: Sequence[tuple[str, str]]) -> None:
    """List the claims in two columns."""
    figure.suptitle("The paper's claims", x=0.01, ha="left", fontweight="bold")
    half = -(-len(verdicts) // 2)
    for number, (claim, verdict) in enumerate(verdicts):
        column, row = divmod(number, half)
        mark, colour = MARKS[verdict]
        x, y = 0.02 + 0.5 * column, 0.78 - 0.75 * row / max(1, half)
        figure.text(x, y, mark, color=colour, fontsize="large", va="center", fontfamily="DejaVu Sans")
        figure.text(x + 0.012, y, f"{claim} ", va="center", parse_math=False)
        figure.text(x + 0.4, y, verdict, color=colour, va="center")
