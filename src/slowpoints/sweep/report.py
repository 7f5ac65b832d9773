"""Leave a comparison in a folder: tables, the figure, numbers for programs, and one page with all of it."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from slowpoints.files import new_file, save_figure
from slowpoints.report.comparison import draw_comparison
from slowpoints.runs.folder import EXPLORER, SHOWN_PAGE
from slowpoints.sweep.comparison import as_markdown, comparison_tables, runs_csv, spread_csv
from slowpoints.sweep.networks import Group, Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

NAME = "comparison"
PAGES = {
    "explore": EXPLORER,
    "the paper's figures": SHOWN_PAGE,
}  # of each network, in the folder of its run
FIGURE = (
    "A column for each network. Top: the points where it is slow, coloured by their position, among the visited states "
    "(grey), in the plane of their first two principal components. Then the eigenvalues at three points (the line's "
    "ends orange and blue, its middle black), the time constants of the leading modes along the points, and the words' "
    "projections onto the top mode, averaged over the points."
)


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes
    ----------
    title
        Of the page.
    groups
        The networks.
    unfinished
        Names of jobs that have no results yet.
    """

    title: str
    groups: Sequence[Group]
    unfinished: Sequence[str] = ()

    @property
    def missing(self) -> str:
        """A line on what has no results yet, if anything."""
        return f"\nWithout results yet: {', '.join(self.unfinished)}\n" if self.unfinished else ""

    @property
    def markdown(self) -> str:
        """The tables for people, with what is missing."""
        return f"# {self.title}\n{self.missing}\n{as_markdown(comparison_tables(self.groups))}"


def brief_markdown(comparison: Comparison) -> str:
    """Return what fits a terminal however many networks there are: accuracies, and for how many each claim holds."""
    accuracies, _, verdicts = comparison_tables(comparison.groups)
    counts = replace(
        verdicts, head=[verdicts.head[0], verdicts.head[-1]], rows=[(row[0], row[-1]) for row in verdicts.rows]
    )
    return f"# {comparison.title}\n{comparison.missing}\n{as_markdown([accuracies, counts])}"


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Leave the comparison in a folder, and return the files.

    `comparison.html` needs nothing beside it; `comparison.csv` has all numbers of each run, `comparison_spread.csv`
    their means and standard deviations over seeds.
    """
    svg, drawn = _draw(comparison, folder)
    texts = {
        f"{NAME}.html": render_page(comparison, svg, folder),
        f"{NAME}.md": comparison.markdown,
        f"{NAME}.csv": runs_csv(comparison.groups),
        f"{NAME}_spread.csv": spread_csv(comparison.groups),
    }
    for name, text in texts.items():
        with new_file(folder / name) as path:
            path.write_text(text, encoding="utf-8")
    return [*(folder / name for name in texts), *drawn]


def _draw(comparison: Comparison, folder: Path) -> tuple[str, list[Path]]:
    """Return the figure as an element of a page, and its files; nothing, and a warning, where it cannot be drawn."""
    try:
        figure = draw_comparison({group.name: group.best.arrays() for group in comparison.groups})
        files = save_figure(folder / NAME, figure)  # which places things, once for the page too
        return as_svg(figure), files
    except Exception:
        log.warning("The figure of the comparison could not be drawn; its tables are whole", exc_info=True)
        return "", []


def render_page(comparison: Comparison, svg: str, folder: Path) -> str:
    """Return a page of HTML, for a folder, that asks for nothing from anywhere; its links lead to those of the runs."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("slowpoints", "sweep"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("comparison.html.j2").render(
        comparison=comparison,
        links=lambda network: links(network, folder),
        tables=comparison_tables(comparison.groups),
        figure=Markup(svg),
        caption=FIGURE,
        seeds=any(len(group.networks) > 1 for group in comparison.groups),
        made=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )


def links(network: Network, folder: Path) -> dict[str, str]:
    """Return where, seen from a folder, the pages of a network are that its run left."""
    there = {text: network.folder / name for text, name in PAGES.items() if (network.folder / name).is_file()}
    return {text: quote(os.path.relpath(file, folder.resolve())) for text, file in there.items()}


def as_svg(figure: Figure) -> str:
    """Return a figure as an element of a page; clouds of points are pictures in it."""
    text = io.StringIO()
    figure.savefig(text, format="svg", dpi=200)
    return text.getvalue().partition("<!DOCTYPE")[2].partition(">")[2]
