"""One page with all figures of a network, the paper's where the paper's reader looks for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slowpoints.report.marks import MARKS
from slowpoints.report.style import NEUTRAL, Arrays, Drawing, Place, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

WIDTH = 18.0  # inches
COLUMNS = 24
TITLE = 0.5  # inches above the figures
ROWS_OF_OTHERS = 5  # of an inch, for a figure without a place of its own: two stand side by side
LEAST_ROWS = 3  # for the claims
LINE = 3 / 8  # of a row, for a claim


@dataclass(frozen=True)
class Panel:
    """A figure on the page.

    Attributes
    ----------
    question
        Whose it is.
    drawing
        What is drawn.
    arrays
        From what; None where there are none.
    """

    question: str
    drawing: Drawing
    arrays: Arrays | None


def draw_page(title: str, panels: Sequence[Panel], verdicts: Sequence[tuple[str, str]] = ()) -> Figure | None:
    """Draw all figures onto one page; None where there is nothing to draw.

    Figures without a place of their own follow below the others.

    Parameters
    ----------
    title
        Of the page.
    panels
        The figures; of those without arrays the page says that there are none.
    verdicts
        Claims, and what became of them.
    """
    if all(panel.arrays is None for panel in panels):
        return None
    places = lay_out([panel.drawing.place for panel in panels])
    rows = max(place.rows[1] for place in places)
    of_claims = max(LEAST_ROWS, math.ceil(LINE * math.ceil(len(verdicts) / 2))) if verdicts else 0
    height = TITLE + rows + of_claims
    figure = new_figure(WIDTH, height)
    middle = 1 - TITLE / 2 / height
    figure.suptitle(title, y=middle, va="center", fontsize="xx-large", fontweight="bold", parse_math=False)
    # As few rows and columns as there are edges of figures: the layout is solved for each of them.
    tops = sorted({0, rows, *(edge for place in places for edge in place.rows)})
    sides = sorted({0, COLUMNS, *(edge for place in places for edge in place.columns)})
    heights, widths = [TITLE, *np.diff(tops), *([of_claims] if verdicts else [])], np.diff(sides)
    grid = figure.add_gridspec(len(heights), len(widths), height_ratios=heights, width_ratios=widths)
    for panel, place in zip(panels, places, strict=True):
        below_title = slice(*(1 + tops.index(edge) for edge in place.rows))
        across = slice(*(sides.index(edge) for edge in place.columns))
        _draw_panel(figure.add_subfigure(grid[below_title, across]), panel)
    if verdicts:
        _list_verdicts(figure.add_subfigure(grid[-1, :]), verdicts)
    return figure


def lay_out(wanted: Sequence[Place | None]) -> list[Place]:
    """Return where figures stand: as they want, without the rows that none of them takes, and then the others."""
    taken = sorted({row for place in wanted if place is not None for row in range(*place.rows)})
    number = {row: index for index, row in enumerate(taken)}
    places, others = [], 0
    for place in wanted:
        if place is not None:
            places.append(Place((number[place.rows[0]], number[place.rows[1] - 1] + 1), place.columns))
            continue
        row, column = divmod(others, 2)
        top, left = len(taken) + ROWS_OF_OTHERS * row, COLUMNS // 2 * column
        places.append(Place((top, top + ROWS_OF_OTHERS), (left, left + COLUMNS // 2)))
        others += 1
    return places


def _draw_panel(part: FigureBase, panel: Panel) -> None:
    part.suptitle(panel.drawing.title or panel.question, x=0.01, ha="left", fontweight="bold")
    if panel.arrays is not None:
        panel.drawing.draw(part, panel.arrays)
    else:
        part.text(0.5, 0.5, f"nothing to draw of the question {panel.question}", ha="center", color=NEUTRAL)


def _list_verdicts(figure: FigureBase, verdicts: Sequence[tuple[str, str]]) -> None:
    """List the claims in two columns."""
    figure.suptitle("Claims", x=0.01, ha="left", fontweight="bold")
    half = -(-len(verdicts) // 2)
    for number, (claim, verdict) in enumerate(verdicts):
        column, row = divmod(number, half)
        mark = MARKS[verdict]
        x, y = 0.02 + 0.5 * column, 0.78 - 0.75 * row / max(1, half)
        figure.text(x, y, mark.sign, color=mark.colour, fontsize="large", va="center", fontfamily="DejaVu Sans")
        figure.text(x + 0.012, y, f"{claim} ", va="center", parse_math=False)
        figure.text(x + 0.4, y, verdict, color=mark.colour, va="center")
