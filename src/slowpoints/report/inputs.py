"""What words do to the state (Fig. 4a and 4c of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.report.style import VALENCES, VISITED, Arrays, Drawing, Place, label_plane, panels, place_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

STRETCHES = 20  # of the manifold, over which projections are averaged


def draw_inputs(figure: FigureBase, arrays: Arrays) -> None:
    """Draw how words move the state at three points, and their projections onto the top mode along the manifold.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `points_plane (point, 2)`, `example_plane (3, 2)`, `example_effects_plane (3, word, 2)`, `classes (word,)`
        (1 positive, -1 negative, 0 neutral), `projections (point, word)`, `place (point,)`, `by_theta ()`,
        `explained (component,)`.
    """
    where, along = panels(figure, 1, 2)
    _draw_effects(where, arrays)
    place, projections, classes = arrays["place"], arrays["projections"], arrays["classes"]
    stretch = np.clip(((place + 1) / 2 * STRETCHES).astype(int), 0, STRETCHES - 1)
    members = [stretch == number for number in range(STRETCHES)]  # where there is none, the line is broken
    middle = np.array([place[here].mean() if here.any() else np.nan for here in members])
    for value, (name, colour) in VALENCES.items():
        chosen = projections[:, classes == value]
        none = np.full(chosen.shape[1], np.nan)
        of_words = np.array([chosen[here].mean(axis=0) if here.any() else none for here in members])
        low, high = np.quantile(of_words, [0.1, 0.9], axis=1)
        along.fill_between(middle, low, high, color=colour, alpha=0.2, linewidth=0)
        along.plot(middle, of_words.mean(axis=1), "o-", ms=3, color=colour, label=f"{name} words")
    along.axhline(0, color="#BBBBBB", linewidth=0.8, zorder=0)
    along.set(
        xlabel=place_label(arrays),
        ylabel=r"projection onto the top mode, $\ell_1 \cdot J_{inp}\,x$",
    )
    along.set_title("c  mean, and 10 to 90 % of words", loc="left", fontsize="medium")
    along.legend(frameon=False, fontsize="small")


def _draw_effects(axes: Axes, arrays: Arrays) -> None:
    """Draw the words' effects as dots around each point, enlarged so that the three clouds fill the plane."""
    points, effects = arrays["points_plane"], arrays["example_effects_plane"]
    axes.scatter(points[:, 0], points[:, 1], s=6, color=VISITED)
    reach = np.quantile(np.linalg.norm(effects, axis=2), 0.95)
    scale = 0.2 * np.ptp(points, axis=0).max() / reach if reach > 0 else 1.0
    for origin, effect in zip(arrays["example_plane"], effects, strict=True):
        for value in (0, 1, -1):
            moved = origin + scale * effect[arrays["classes"] == value]
            axes.scatter(moved[:, 0], moved[:, 1], s=6, color=VALENCES[value][1], alpha=0.7, linewidths=0)
        axes.plot(*origin, "k+", ms=9, markeredgewidth=1.5)
    axes.set_title(f"a  effects of words, {_times(scale)}", loc="left", fontsize="medium")
    label_plane(axes, arrays["explained"])


def _times(scale: float) -> str:
    return f"enlarged {scale:.1f} times" if scale >= 1 else f"reduced to {scale:.0%}"


FIGURES = {"figure_4ac_inputs": Drawing(draw_inputs, 9.5, 4.2, "4a, c  Effects of words", Place((10, 14), (12, 24)))}
