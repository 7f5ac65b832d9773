"""Eigenvalues and time constants at the slow points (Fig. 3 of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import LogFormatter

from slowpoints.report.style import (
    EXAMPLES,
    MODES,
    VISITED,
    Arrays,
    Drawing,
    Place,
    label_plane,
    panels,
    place_label,
    place_name,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

MARKERS = "osD"  # of the three points
SHOWN = 60  # time constants, in the last panel


def draw_modes(figure: FigureBase, arrays: Arrays) -> None:
    """Draw three points, their eigenvalues, time constants along the manifold, and all those of the three points.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `plane (point, 2)`, `examples (3,)`, `example_spectra (3, state)`, `example_tau (3, state)`, `place (point,)`,
        `by_theta ()`, `tau (point, mode)`, `explained (component,)`.
    """
    where, circle, along, all_of = panels(figure, 2, 2)
    names = [f"{place_name(arrays)} = {arrays['place'][row]:z.2f}" for row in arrays["examples"]]
    where.scatter(arrays["plane"][:, 0], arrays["plane"][:, 1], s=8, color=VISITED)
    for row, colour, marker, name in zip(arrays["examples"], EXAMPLES, MARKERS, names, strict=True):
        where.plot(*arrays["plane"][row], marker, color=colour, ms=8, label=name)
    where.legend(frameon=False, fontsize="small")
    where.set_title("a  three of the points", loc="left", fontsize="medium")
    label_plane(where, arrays["explained"])
    _draw_circle(circle, arrays)
    _draw_along(along, arrays)
    for number, (colour, marker) in enumerate(zip(EXAMPLES, MARKERS, strict=True)):
        tau = np.sort(arrays["example_tau"][number])[::-1][:SHOWN]
        all_of.plot(np.arange(1, len(tau) + 1), tau, f"{marker}-", ms=3, linewidth=0.8, color=colour)
    all_of.set(yscale="log", xlabel="eigenvalue, by time constant", ylabel="time constant (tokens)")
    for ticks in (all_of.yaxis.set_major_formatter, all_of.yaxis.set_minor_formatter):
        ticks(LogFormatter(minor_thresholds=(2, 0.4)))
    all_of.set_title("d  time constants of the three points", loc="left", fontsize="medium")


def _draw_circle(axes: Axes, arrays: Arrays) -> None:
    angle = np.linspace(0, 2 * np.pi, 200)
    axes.plot(np.cos(angle), np.sin(angle), color="#BBBBBB", linewidth=1)
    for values, colour, marker in zip(arrays["example_spectra"], EXAMPLES, MARKERS, strict=True):
        axes.plot(values.real, values.imag, marker, color=colour, ms=3.5, alpha=0.7, linestyle="none")
    axes.set(xlabel="real part", ylabel="imaginary part", aspect="equal")
    axes.set_title("b  their eigenvalues", loc="left", fontsize="medium")


def _draw_along(axes: Axes, arrays: Arrays) -> None:
    order = np.argsort(arrays["place"])
    for mode in range(arrays["tau"].shape[1] - 1, -1, -1):
        tau = arrays["tau"][order, mode]
        axes.plot(
            arrays["place"][order],
            tau,
            ".",
            ms=4,
            color=MODES[mode],
            alpha=0.7,
            label=f"mode {mode + 1}",
            rasterized=True,
        )
    axes.set(yscale="log", xlabel=place_label(arrays), ylabel="time constant (tokens)")
    axes.set_title("c  time constants along the manifold", loc="left", fontsize="medium")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], frameon=False, fontsize="small", markerscale=2)


FIGURES = {"figure_3_modes": Drawing(draw_modes, 9.0, 7.2, "3  Modes", Place((10, 18), (0, 12)))}
