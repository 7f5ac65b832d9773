"""Where the network drifts along its line of points when nothing is said, and how long it holds what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.dynamics import Line, drift_along, follow, linearize, rest_places, trace_line
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.question import Column, Findings, Question, Unanswerable
from slowpoints.report.style import NEGATIVE, POSITIVE, VISITED, Arrays, Drawing, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from slowpoints.questions.dissection import Dissection

LABEL = "position along the main axis m, scaled"


def draw_flow(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the drift against the position, with the places where it is zero, and where neutral documents end.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `place (place,)`, `drift (place,)`, `near (place,)`, `points_place (point,)`, `points_drift (point,)`,
        `rest (rest,)`, `stable (rest,)`, `start (start,)`, `end (start,)`, `end_last (start,)`, `document ()`,
        `tokens ()`.
    """
    above, below = panels(figure, 2, 1)
    _draw_drift(above, arrays)
    start = arrays["start"]
    below.axline((0, 0), slope=1, color="#BBBBBB", linewidth=0.8, linestyle=":", label="no drift")
    below.plot(start, arrays["end_last"], "s", ms=3, color=NEGATIVE, label=f"after {int(arrays['tokens']):,} tokens")
    below.plot(start, arrays["end"], "o", ms=3, color=POSITIVE, label=f"after {int(arrays['document'])} (a document)")
    below.set(xlabel=LABEL, ylabel="position after neutral words", xlim=above.get_xlim())
    below.legend(frameon=False, fontsize="x-small")


def _draw_drift(axes: Axes, arrays: Arrays) -> None:
    """Draw the drift as a curve that is broken where there are no points, over that at the points themselves."""
    drift = np.where(arrays["near"], 100 * arrays["drift"], np.nan)
    axes.axhline(0, color="#BBBBBB", linewidth=0.8, zorder=0)
    points = 100 * arrays["points_drift"]
    axes.plot(arrays["points_place"], points, ".", ms=3, color=VISITED, label="points", rasterized=True, zorder=0)
    axes.plot(arrays["place"], drift, color="black", linewidth=1.4, label="line")
    for stable, face, name in ((True, "black", "stable"), (False, "white", "unstable")):
        rest = arrays["rest"][arrays["stable"] == stable]
        axes.plot(rest, 0 * rest, "o", ms=6, color="black", markerfacecolor=face, label=name)
    reach = np.abs(drift[np.isfinite(drift)]).max(initial=0.0) or 1.0
    axes.set(ylabel="drift (% of the line per token)", xlim=(-1.05, 1.05), ylim=(-1.6 * reach, 1.6 * reach))
    axes.legend(frameon=False, fontsize="x-small", ncols=2)


FIGURES = {"flow": Drawing(draw_flow, 3.5, 5.0, "Flow on the line")}


class FlowQuestion(Question):
    """Finds where states drift along the line of points under the neutral input, and where they come to rest.

    A smooth curve is laid through the points (`trace_line`). The drift at its places is what the network moves them by
    within a token in the mode that acts along it (`drift_along`). From each place near points the network itself is
    then run under the neutral input: for the median length of a document, and for long.

    Metrics: `stable`, `unstable` (places where the drift is zero, towards which and from which states move),
    `drift_in_document`, `drift_in_document_max` (how far states have moved along the line after a document of neutral
    words, as a share of its extent: median over places, and the most), `readout_change` (change of the logit by then,
    median), `held_share` (share of the places whose logit has not moved by 1 by then), `tokens_to_one` (tokens until it
    has, median over places; as many as were run where it never does).

    Arrays: `place`, `near`, `drift`, `logit` of the curve; `points_place`, `points_drift`; `rest`, `stable`; `start`,
    `end`, `end_last`, `tokens_to_one` (NaN for never) of what was run. Places go from -1 to 1, drift is in shares of
    the line's extent per token.

    Parameters
    ----------
    places
        From one end of the points to the other.
    tokens
        How many neutral words are read, at most.

    Raises
    ------
    ValueError
        For fewer than 3 places or 1 token.
    """

    name = "flow"
    figures = FIGURES
    claims = (
        Claim(
            "holds_on_line",
            "Everywhere on the line, neutral words move a state by at most a fifth of it within a document",
            (Condition("flow/drift_in_document_max", 0.2, 0.4),),
        ),
    )
    columns = (
        Column("flow/drift_in_document", "... along the line alone", ".0%"),
        Column("flow/stable", "places of rest", ".0f"),
    )

    def __init__(self, places: int = 41, tokens: int = 2000) -> None:
        if places < 3 or tokens < 1:
            raise ValueError(f"places must be at least 3 and tokens at least 1, not {places} and {tokens}")
        self.places = places
        self.tokens = tokens

    def __call__(self, dissection: Dissection) -> Findings:
        """Return drift, places of rest, and where neutral documents end."""
        line = line_of(dissection, self.places)
        linear = linearize(dissection.network.cell, line.location, dissection.neutral)
        drift = drift_along(linear, line.axis) / (2 * line.reach)
        rest, stable = rest_places(line.place, drift, line.near)
        document = dissection.trajectories.median_length
        place, logit = self._run(dissection, line)
        then = min(document, len(place) - 1)
        moved = np.abs(place[then] - place[0]) / 2
        changed = np.abs(logit - logit[0])
        reached = changed >= 1
        waited = np.where(reached.any(axis=0), reached.argmax(axis=0), np.nan)
        metrics = {
            "stable": float(stable.sum()),
            "unstable": float((~stable).sum()),
            "drift_in_document": float(np.median(moved)),
            "drift_in_document_max": float(moved.max()),
            "readout_change": float(np.median(changed[then])),
            "held_share": float((np.nan_to_num(waited, nan=np.inf) > document).mean()),
            "tokens_to_one": float(np.median(np.nan_to_num(waited, nan=len(place) - 1))),
        }
        points = drift_along(dissection.linearization, line.axis) / (2 * line.reach)
        tensors = {
            "place": line.place,
            "near": line.near,
            "drift": drift,
            "logit": dissection.logits(line.location),
            "points_place": line.place_of(dissection.points.location),
            "points_drift": points,
            "rest": rest,
            "stable": stable,
        }
        arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()} | {
            "start": place[0],
            "end": place[then],
            "end_last": place[-1],
            "tokens_to_one": waited,
            "document": np.array(document),
            "tokens": np.array(len(place) - 1),
        }
        return Findings(_sentence(metrics, document, arrays), metrics, arrays)

    def _run(self, dissection: Dissection, line: Line) -> tuple[np.ndarray, np.ndarray]:
        """Return places and logits of states that start on the line, `(token + 1, start)`."""
        observed = follow(
            dissection.network.cell,
            line.location[line.near],
            dissection.neutral,
            steps=self.tokens,
            observe=lambda states: torch.stack([line.place_of(states), dissection.logits(states).double()], dim=1),
        )
        place, logit = observed.cpu().numpy().transpose(2, 0, 1)
        return place, logit


def line_of(dissection: Dissection, places: int) -> Line:
    """Return the line of a dissection's points.

    Raises
    ------
    Unanswerable
        If there is none.
    """
    dissection.check_two_classes()
    manifold = dissection.manifold
    if not float(manifold.extent[0, 1] - manifold.extent[0, 0]) > 0:
        raise Unanswerable("all points are in one place")
    return trace_line(dissection.points.location, manifold.axis, places)


def _sentence(metrics: dict[str, float], document: int, arrays: Arrays) -> str:
    def listed(stable: bool) -> str:
        chosen = arrays["rest"][arrays["stable"] == stable]
        where = f" (at {', '.join(f'{place:z.2f}' for place in chosen)})" if 0 < len(chosen) <= 5 else ""
        return f"{len(chosen)} {'stable' if stable else 'unstable'}{where}"

    gaps = "" if arrays["near"][np.abs(arrays["place"]) <= 1].all() else "; gaps between points are left out"
    return (
        f"Along the line the drift is zero at {listed(True)} and {listed(False)} places{gaps}. Within a document of "
        f"{document} neutral words states move by {metrics['drift_in_document']:.0%} of the line (median over places; "
        f"at most {metrics['drift_in_document_max']:.0%}), and the logit has moved by 1 after "
        f"{metrics['tokens_to_one']:.0f} tokens (median); within the document it has not at "
        f"{metrics['held_share']:.0%} of the places."
    )
