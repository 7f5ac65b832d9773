"""How long the network remembers what, at its slow points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.ticker import LogFormatter

from slowpoints.dynamics import spectrum, time_constants
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.report.style import (
    EXAMPLES,
    MODES,
    VISITED,
    Arrays,
    Drawing,
    Place,
    growing_modes,
    label_plane,
    panels,
    place_label,
    place_name,
    scatter_time_constants,
    stretch_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from slowpoints.questions.dissection import Dissection

LONGEST = 1e9  # tokens; an eigenvalue that is exactly 1 has no finite time constant
MARKERS = "osD"  # of the three points
SHOWN = 60  # time constants, in the last panel
STRETCHES = 10  # of the manifold, in which time constants are told


def draw_modes(figure: FigureBase, arrays: Arrays) -> None:
    """Draw three points, their eigenvalues, time constants along the manifold, and all those of the three points.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `plane (point, 2)`, `examples (3,)`, `example_spectra (3, state)`, `example_tau (3, state)`, `place (point,)`,
        `by_theta ()`, `tau` and `eigenvalues (point, mode)`, `explained (component,)`.
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
        order = np.argsort(arrays["example_tau"][number])[::-1][:SHOWN]
        tau, grows = arrays["example_tau"][number][order], np.abs(arrays["example_spectra"][number][order]) > 1
        rank = np.arange(1, len(tau) + 1)
        all_of.plot(rank, tau, linewidth=0.8, color=colour, zorder=1)
        for some, face in ((~grows, colour), (grows, "white")):
            all_of.plot(rank[some], tau[some], marker, ms=3, color=colour, markerfacecolor=face)
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
    grows = growing_modes(arrays)
    for mode in range(arrays["tau"].shape[1] - 1, -1, -1):
        tau, name = arrays["tau"][:, mode], f"mode {mode + 1}"
        scatter_time_constants(axes, arrays["place"], tau, grows[:, mode], MODES[mode], name, 9)
    axes.set(yscale="log", xlabel=place_label(arrays), ylabel="time constant (tokens)")
    axes.set_title("c  time constants along the manifold (hollow: of growth)", loc="left", fontsize="medium")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], frameon=False, fontsize="small", markerscale=2)


FIGURES = {
    "figure_3_modes": Drawing(draw_modes, 9.0, 7.2, "3  Modes", Place((10, 18), (0, 12))),
}


class ModesQuestion(Question):
    """Finds eigenvalues and time constants of the recurrent Jacobians (Maheswaranathan et al. 2019, Fig. 3).

    What is said of the top mode, and all time constants, are those of the points whose top mode can be trusted; time
    constants of other modes that cannot be trusted are left out too.

    A time constant of a mode that grows is that of its growth, not of a memory: figures draw it hollow.

    Metrics: `tau_1_median`, `tau_2_median`, `tau_3_median` (over points; tokens), `tau_1_low`, `tau_1_high` (10 % and
    90 % quantiles), `tau_1_mean` (it is much larger than the median where some points hardly move), `tau_1_stretch_1`
    to `tau_1_stretch_10` (medians in ten equal stretches of the manifold that hold points), `tau_ratio` (median of
    tau_1 / tau_2), `tau_1_over_length` (tau_1_median in median lengths of a document), `marginal_share` (share of all
    points whose top mode has a time constant above that length), `attracting_share` (share of all points at which no
    mode grows), `doubtful_share` (share of the points whose top mode cannot be trusted), `stable_share` (share of all
    eigenvalues that lie inside the unit circle), `top_stable_share` (share of the points whose top mode is stable),
    `top_real_share` (share of the points whose top mode is no complex pair), `above_09` (eigenvalues above 0.9 in
    magnitude, median over three points).
    """

    name = "modes"
    figures = FIGURES
    claims = (
        Claim(
            "integrates",
            "Marginally stable: at nine of ten points one mode, no rotation, outlasts a document",
            (Condition("modes/marginal_share", 0.9, 0.5), Condition("modes/top_real_share", 0.9, 0.5)),
        ),
        Claim(
            "attracting",
            "Attracting: no mode grows at any point",
            (Condition("modes/attracting_share", 1.0, 0.9),),
        ),
        Claim("one_slow_mode", "The top mode is far slower than the second", (Condition("modes/tau_ratio", 3.0, 1.5),)),
        Claim("stable", "Of all modes at all points, nearly all decay", (Condition("modes/stable_share", 0.98, 0.95),)),
    )
    columns = (
        Column("modes/tau_1_median", "tau 1 (tokens)", ".0f", "about 1,000 (LSTM, Yelp)"),
        Column("modes/tau_2_median", "tau 2", ".0f", "about 100"),
        Column("modes/stable_share", "stable modes", ".1%", "nearly all"),
        Column("modes/top_real_share", "real top mode", ".0%"),
    )

    def __call__(self, dissection: Dissection) -> Findings:
        """Return time constants along the manifold, and whole spectra at three points."""
        linear, trusted = dissection.linearization, dissection.trusted
        top = linear.modes.eigenvalues[trusted, 0]
        known = linear.modes.trusted & trusted.unsqueeze(1)
        tau = linear.time_constants.clamp(max=LONGEST).masked_fill(~known, torch.nan).cpu().numpy()
        examples = dissection.examples
        spectra = spectrum(linear[examples].recurrent_jacobian)
        length = float(np.median(dissection.trajectories.lengths))
        low, median, high = np.nanquantile(tau[:, 0], [0.1, 0.5, 0.9])
        metrics = {
            "tau_1_median": median,
            "tau_1_mean": float(np.nanmean(tau[:, 0])),
            "tau_1_low": low,
            "tau_1_high": high,
            **{f"tau_{n + 1}_median": np.nanmedian(tau[:, n]) for n in range(1, tau.shape[1]) if _any(tau[:, n])},
            **_profile(dissection.places()["place"], tau[:, 0]),
            "tau_1_over_length": median / length,
            "marginal_share": float((tau[:, 0] >= length).mean()),
            "attracting_share": float((linear.modes.unstable == 0).double().mean()),
            "doubtful_share": float((~trusted).double().mean()),
            "stable_share": 1 - float(linear.modes.unstable_eigenvalues.double().mean()) / linear.location.shape[1],
            "top_stable_share": float((top.abs() <= 1).double().mean()),
            "top_real_share": float((top.imag == 0).double().mean()),
            "above_09": float((spectra.abs() > 0.9).sum(dim=1).double().median()),
        }
        if "tau_2_median" in metrics:
            metrics["tau_ratio"] = float(np.nanmedian(tau[:, 0] / tau[:, 1]))
        arrays = {
            **dissection.places(),
            "tau": tau,
            "eigenvalues": linear.modes.eigenvalues.cpu().numpy(),
            "example_spectra": spectra.cpu().numpy(),
            "example_tau": time_constants(spectra).clamp(max=LONGEST).cpu().numpy(),
            "examples": examples.cpu().numpy(),
            "plane": dissection.components.project(linear.location, 2).cpu().numpy(),
            "explained": dissection.components.explained[:2].cpu().numpy(),
        }
        sentence = _sentence(metrics, length) + dissection.left_out() + "."
        return Findings(sentence, {k: float(v) for k, v in metrics.items()}, arrays)


def _profile(place: np.ndarray, tau: np.ndarray) -> dict[str, float]:
    """Return the median time constant in each of ten stretches of the manifold; nothing where none is known."""
    stretch = stretch_of(place, STRETCHES)
    medians = {number: tau[(stretch == number) & np.isfinite(tau)] for number in range(STRETCHES)}
    return {f"tau_1_stretch_{number + 1}": float(np.median(each)) for number, each in medians.items() if len(each)}


def _any(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).any())


def _sentence(metrics: dict[str, float], length: float) -> str:
    spread = f"10 to 90 %: {metrics['tau_1_low']:.0f} to {metrics['tau_1_high']:.0f}"
    text = (
        f"The top mode's time constant is {metrics['tau_1_median']:.0f} tokens ({spread}; documents have "
        f"{length:.0f}), the second's {metrics.get('tau_2_median', 0):.0f}; "
        f"{metrics['stable_share']:.1%} of all eigenvalues are stable, and the top mode is at "
        f"{metrics['top_stable_share']:.0%} of the points"
    )
    if metrics["top_real_share"] < 0.5:
        text += f"; at {1 - metrics['top_real_share']:.0%} of the points the top mode is a complex pair, a rotation"
    return text
