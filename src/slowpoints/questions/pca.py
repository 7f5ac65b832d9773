"""How many dimensions the states take up, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.colors import to_rgb
from sklearn.metrics import roc_auc_score

from slowpoints.dynamics import principal_components
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.plane import at_least_a_plane
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.questions.trajectories import read
from slowpoints.report.style import NEGATIVE, NEUTRAL, POSITIVE, Arrays, Drawing, Place, label_plane, panels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from slowpoints.dynamics import PrincipalComponents
    from slowpoints.questions.dissection import Dissection
    from slowpoints.questions.trajectories import Trajectories

BINS = 80  # of the density, along each axis
EXAMPLES = 3  # documents of either class whose trajectories are drawn
RANGE = (0.001, 0.999)  # quantiles of the visited states that the density spans
SHOWN = 50  # components
INSET = 10
CLASSES = {"positive": POSITIVE, "negative": NEGATIVE}
COLOURS = {**CLASSES, "all": NEUTRAL}  # all: of a task that has not two classes


def draw_dimensions(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the cumulative share of variance by number of components; the inset has each component's own share.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `explained (component,)` and `untrained_explained (component,)`.
    """
    (axes,) = panels(figure)
    inset = axes.inset_axes((0.5, 0.14, 0.46, 0.4))
    for prefix, label, colour, style in (("", "trained", POSITIVE, "-"), ("untrained_", "untrained", NEUTRAL, "--")):
        share = 100 * arrays[f"{prefix}explained"]
        number = np.arange(1, len(share) + 1)
        axes.plot(number[:SHOWN], share.cumsum()[:SHOWN], style, marker="o", ms=3, color=colour, label=label)
        inset.plot(number[:INSET], share[:INSET], style, marker="o", ms=3, color=colour)
    axes.axhline(90, color="#BBBBBB", linewidth=0.8, zorder=0)
    axes.set(xlabel="number of principal components", ylabel="variance explained (%)", ylim=(0, 102))
    axes.legend(loc="lower left", frameon=False)
    inset.set_xlabel("component", fontsize="x-small")
    inset.set_title("its own share (%)", fontsize="x-small")
    inset.tick_params(labelsize="x-small")


def draw_state_plane(figure: FigureBase, arrays: Arrays) -> None:
    """Draw densities, trajectories, the initial state and the readout; beside it the same network before training.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `density_positive` and `density_negative (bin, bin)`, `edges_1`, `edges_2`, `trajectory_positive_0 (token, 2)`
        and so on, `initial (2,)`, `explained (component,)`, `readout_slope (2,)` and `readout_offset ()`: the logit is
        offset + slope . position; and all but the readout with `untrained_`. Where there are not two classes,
        `density_all`, `trajectory_all_0` and so on, and no readout.
    """
    axes, untrained = panels(figure, 1, 2)
    _draw_density(axes, arrays, "")
    for name in _drawn(arrays):
        colour, number = COLOURS[name], 0
        while f"trajectory_{name}_{number}" in arrays:
            path = np.vstack([arrays["initial"], arrays[f"trajectory_{name}_{number}"]])
            axes.plot(*path.T, color=colour, linewidth=0.8, alpha=0.8)
            axes.plot(*path[-1], "o", color=colour, ms=5, markeredgecolor="white")
            number += 1
        axes.plot([], [], "o-", color=colour, ms=5, label=f"{name} documents" if name in CLASSES else "sequences")
    axes.plot(*arrays["initial"], "k*", ms=10, label="initial state")
    if "readout_slope" in arrays:
        _draw_readout(axes, arrays)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=2, frameon=False, fontsize="small")
    label_plane(axes, arrays["explained"])
    _draw_density(untrained, arrays, "untrained_")
    untrained.plot(*arrays["untrained_initial"], "k*", ms=10)
    untrained.set_title("before training", fontsize="medium")
    label_plane(untrained, arrays["untrained_explained"])


def _drawn(arrays: Arrays) -> list[str]:
    """Return what the states are of that are drawn: either class, or all of them."""
    return [name for name in COLOURS if f"density_{name}" in arrays]


def _draw_density(axes: Axes, arrays: Arrays, prefix: str) -> None:
    """Draw both classes in one image: the colour tells their ratio, the strength how often a place is visited."""
    names = _drawn(arrays)
    densities = np.stack([arrays[f"{prefix}density_{name}"].T for name in names])
    densities = densities / densities.sum(axis=(1, 2), keepdims=True).clip(min=1)
    total = densities.sum(axis=0)
    colours = np.array([to_rgb(COLOURS[name]) for name in names])
    mixed = np.tensordot(densities / np.where(total > 0, total, 1), colours, axes=(0, 0))
    strength = np.sqrt(total / total.max())[..., None]
    first, second = arrays[f"{prefix}edges_1"], arrays[f"{prefix}edges_2"]
    axes.imshow(
        1 - strength * (1 - mixed),
        origin="lower",
        extent=(first[0], first[-1], second[0], second[-1]),
        aspect="auto",
        interpolation="nearest",
    )


def _draw_readout(axes: Axes, arrays: Arrays) -> None:
    """Draw the readout's direction, and the line on which the logit is zero."""
    slope, offset = arrays["readout_slope"], float(arrays["readout_offset"])
    squared = float(slope @ slope)
    if squared == 0:
        return
    foot = -offset * slope / squared
    along = np.array([-slope[1], slope[0]]) / squared**0.5
    limits = axes.get_xlim(), axes.get_ylim()
    reach = 2 * max(np.ptp(limits[0]), np.ptp(limits[1]))
    axes.plot(*np.stack([foot - reach * along, foot + reach * along]).T, "k--", linewidth=1, label="readout = 0")
    tip = foot + 0.2 * np.ptp(limits[0]) * slope / squared**0.5
    axes.annotate("", (tip[0], tip[1]), (foot[0], foot[1]), arrowprops={"arrowstyle": "->", "linewidth": 1.5})
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    axes.annotate("readout", (tip[0], tip[1]), xytext=(4, 4), textcoords="offset points", fontsize="small", bbox=box)
    axes.set(xlim=limits[0], ylim=limits[1])


FIGURES = {
    "figure_2a_dimensions": Drawing(draw_dimensions, 5.0, 4.0, "2a  Dimensions", Place((0, 5), (12, 18))),
    "figure_2b_states": Drawing(draw_state_plane, 9.0, 4.6, "2b  Visited states", Place((5, 10), (0, 12))),
}


class PrincipalComponentQuestion(Question):
    """Finds the principal components of the visited states (Maheswaranathan et al. 2019, Fig. 2a and 2b).

    Of the trained network, and of the same network with its initial weights (`untrained_`).

    Metrics: `variance_explained_1`, `_2` and `_3` (cumulative shares), `dimensions_90` (components that explain 90 %),
    `participation_ratio` (effective number of dimensions), the same three with `untrained_`; `label_auc` (how well
    the last states' position along the first component tells the labels apart, as area under the ROC curve).
    """

    name = "pca"
    figures = FIGURES
    claims = (
        Claim(
            "low_dimensional",
            "After training, the visited states vary in few dimensions",
            (Condition("pca/variance_explained_3", 0.85, 0.7),),
        ),
    )
    columns = (
        Column("pca/variance_explained_2", "variance in 2 PCs", ".0%", "about 90 % in 2 to 3"),
        Column("pca/untrained_variance_explained_2", "... untrained", ".0%", "far less"),
    )

    def __call__(self, dissection: Dissection) -> Findings:
        """Return variances, and the states in the plane of the first two components."""
        untrained = read(dissection.untrained, dissection.task.test, dissection.documents)
        components = {"": dissection.components, "untrained_": at_least_a_plane(principal_components(untrained.states))}
        metrics: dict[str, float] = {}
        arrays: dict[str, np.ndarray] = {}
        for prefix, found in components.items():
            cumulative = found.explained.cumsum(dim=0)
            for count in (1, 2, 3):
                metrics[f"{prefix}variance_explained_{count}"] = float(cumulative[min(count, len(cumulative)) - 1])
            metrics[f"{prefix}dimensions_90"] = float(found.dimensions(0.9))
            metrics[f"{prefix}participation_ratio"] = found.participation_ratio
            arrays[f"{prefix}explained"] = found.explained.cpu().numpy()
        trained = dissection.trajectories
        groups = _groups(trained.labels if dissection.of_two_classes else None, len(trained))
        arrays |= _plane(trained, dissection.components, groups)
        of_untrained = _plane(untrained, components["untrained_"], groups)
        arrays |= {f"untrained_{name}": value for name, value in of_untrained.items()}
        if dissection.of_two_classes:
            arrays |= _readout(dissection)
            ends = dissection.components.project(trained.last.double(), 1)[:, 0].cpu().numpy()
            auc = float(roc_auc_score(trained.labels, ends))
            metrics["label_auc"] = max(auc, 1 - auc)
        sentence = (
            f"The first two principal components explain {metrics['variance_explained_2']:.0%} of the variance of the "
            f"visited states ({metrics['untrained_variance_explained_2']:.0%} before training); 90 % take "
            f"{metrics['dimensions_90']:.0f} dimensions ({metrics['untrained_dimensions_90']:.0f} before training)."
        )
        return Findings(sentence, metrics, arrays)


def _groups(labels: np.ndarray | None, documents: int) -> dict[str, np.ndarray]:
    """Return which documents are positive, and which negative; where they have no such labels, all."""
    if labels is None:
        return {"all": np.ones(documents, dtype=bool)}
    return {"positive": labels == 1, "negative": labels != 1}


def _plane(
    trajectories: Trajectories, components: PrincipalComponents, groups: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the density of states by group, and some trajectories, in the plane of the first two components."""
    plane = components.project(trajectories.states.double(), 2).cpu().numpy()
    low, high = np.quantile(plane, RANGE, axis=0)
    flat = high <= low  # nothing varies there
    low, high = low - flat, high + flat
    edges = [np.linspace(low[axis], high[axis], BINS + 1) for axis in (0, 1)]
    arrays = {"edges_1": edges[0], "edges_2": edges[1]}
    for name, members in groups.items():
        rows = np.repeat(members, trajectories.lengths)
        arrays[f"density_{name}"] = np.histogram2d(plane[rows, 0], plane[rows, 1], bins=edges)[0]
        for number, document in enumerate(_examples(members)):
            arrays[f"trajectory_{name}_{number}"] = plane[slice(*trajectories.offsets[document : document + 2])]
    return {**arrays, "initial": components.project(trajectories.initial[None].double(), 2)[0].cpu().numpy()}


def _examples(members: np.ndarray) -> np.ndarray:
    """Return documents of middling length: they stand by rising length."""
    documents = np.flatnonzero(members)
    middle = len(documents) // 2
    return documents[middle : middle + EXAMPLES]


def _readout(dissection: Dissection) -> dict[str, np.ndarray]:
    """Return the logit in the plane: `offset + slope . position`; the slope is the readout's direction."""
    components = dissection.components
    weights = dissection.readout.double()
    in_state = torch.zeros_like(components.mean)
    in_state[: len(weights)] = weights
    offset = float(in_state @ components.mean) + dissection.network.readout.bias.item()
    slope = components.components[:2] @ in_state
    return {"readout_slope": slope.cpu().numpy(), "readout_offset": np.array(offset)}
