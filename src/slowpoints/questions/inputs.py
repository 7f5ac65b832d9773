"""What words do to the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from slowpoints.dynamics import input_effects, input_projections
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.report.style import (
    VALENCES,
    VISITED,
    Arrays,
    Drawing,
    Place,
    label_plane,
    panels,
    place_label,
    stretch_of,
)
from slowpoints.text.task import DocumentTask
from slowpoints.text.valence_words import common_words, human_ratings, rank_correlation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from slowpoints.questions.dissection import Dissection

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
    stretch = stretch_of(place, STRETCHES)
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
        ylabel=r"projection onto the top mode, $\ell_1 \cdot J_{inp}\,(x - x^*)$",
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


FIGURES = {
    "figure_4ac_inputs": Drawing(draw_inputs, 9.5, 4.2, "4a, c  Effects of words", Place((10, 14), (12, 24))),
}


class InputQuestion(Question):
    """Projects words onto the top mode, `l_1 . Jinp (x - x*)`, at every point (Maheswaranathan et al. 2019, Fig. 4).

    That is what a word does in the place of the neutral input x*. Words are the task's probes: those that a bag of
    words finds most positive, most negative and neutral. At points whose top mode is a complex pair the real part is
    taken; points whose top mode cannot be trusted are left out.

    Metrics: `projection_auc` (how well the projections, averaged over points, tell positive from negative words, as
    area under the ROC curve), `projection_auc_min` and `projection_auc_low` (least, and 5 % quantile, over the points),
    `separation_min` and `separation_low` (mean projection of positive words less that of negative ones, as a share of
    its largest magnitude: least, and 5 % quantile, over the points; below 0 where words push the wrong way),
    `judged_share` (share of the points whose top mode can be trusted), `neutral_ratio` (mean |projection|
    of neutral words by that of the others), `human_rho` (rank correlation of the vocabulary's averaged projections
    with the human ratings of VADER's lexicon) over `human_words` words that occur, and `human_rho_common`
    over the common ones, `true_rho` (with the true valence of sentiment words, where data are synthetic).
    """

    name = "inputs"
    figures = FIGURES
    claims = (
        Claim(
            "words_push_by_valence",
            "Words: at every point positive and negative ones push opposite ways, neutral ones hardly",
            (
                Condition("inputs/projection_auc_min", 0.95, 0.8),
                Condition("inputs/separation_min", 0.1, 0.0),
                Condition("inputs/judged_share", 1.0, 0.9),
                Condition("inputs/neutral_ratio", 0.33, 0.6),
            ),
        ),
    )
    columns = (
        Column("inputs/projection_auc", "AUC of words", ".3f", "strong"),
        Column("inputs/human_rho_common", "rho with ratings", ".2f"),
    )

    def __call__(self, dissection: Dissection) -> Findings:
        """Return projections and effects of the words."""
        linear, probes = dissection.linearization, dissection.probes
        vectors = dissection.embed(torch.from_numpy(probes.inputs))
        trusted = dissection.trusted
        projections = input_projections(linear, vectors)[trusted].real.cpu().numpy()
        averaged = projections.mean(axis=0)
        classes = probes.labels[:, 0]
        strong = classes != 0
        per_point = [roc_auc_score(classes[strong] > 0, row) for row in projections[:, strong]]
        separation = projections[:, classes > 0].mean(axis=1) - projections[:, classes < 0].mean(axis=1)
        separation /= np.abs(separation).max()
        metrics = {
            "projection_auc": float(roc_auc_score(classes[strong] > 0, averaged[strong])),
            "projection_auc_low": float(np.quantile(per_point, 0.05)),
            "projection_auc_min": float(np.min(per_point)),
            "separation_low": float(np.quantile(separation, 0.05)),
            "separation_min": float(separation.min()),
            "judged_share": float(trusted.double().mean()),
            "neutral_ratio": float(np.abs(averaged[~strong]).mean() / np.abs(averaged[strong]).mean()),
        }
        arrays: dict[str, np.ndarray] = {}
        if isinstance(dissection.task, DocumentTask):
            arrays["vocabulary_projections"] = _averaged_over_points(dissection)
            metrics |= _agreement(arrays["vocabulary_projections"], dissection)
        examples = dissection.examples
        effects = input_effects(linear[examples], vectors)
        origin = dissection.components.project(linear.location[examples], 2)
        moved = dissection.components.project(linear.location[examples].unsqueeze(1) + effects, 2)
        arrays |= {
            "ids": probes.inputs,
            "words": np.array(probes.names),
            "classes": classes,
            **dissection.places(),
            "place": dissection.places()["place"][trusted.cpu().numpy()],
            "projections": projections,
            "example_effects_plane": (moved - origin.unsqueeze(1)).cpu().numpy(),
            "example_plane": origin.cpu().numpy(),
            "points_plane": dissection.components.project(linear.location, 2).cpu().numpy(),
            "explained": dissection.components.explained[:2].cpu().numpy(),
        }
        return Findings(_sentence(metrics) + dissection.left_out() + ".", metrics, arrays)


def _averaged_over_points(dissection: Dissection) -> np.ndarray:
    """Return the projection of every word of the vocabulary, averaged over points.

    The projection is linear in the word: averaging the points' sensitivities `l_1 . Jinp` first takes one product for
    the vocabulary instead of one for each point.
    """
    linear = dissection.linearization[dissection.trusted]
    sensitivity = linear.input_sensitivity(linear.modes.left[:, 0].real)
    offset = (sensitivity * linear.input).sum(dim=1).mean()
    weight = dissection.embed(torch.arange(len(dissection.data.words))).to(sensitivity)
    averaged: np.ndarray = (weight @ sensitivity.mean(dim=0) - offset).cpu().numpy()
    return averaged


def _agreement(projections: np.ndarray, dissection: Dissection) -> dict[str, float]:
    """Return rank correlations with people's ratings, and with the true valence where it is known."""
    data = dissection.data
    ratings = human_ratings(data.words)
    occurring = np.bincount(data.train.tokens, minlength=len(projections)) > 0
    found = {
        "human_rho": rank_correlation(projections, ratings, occurring),
        "human_rho_common": rank_correlation(projections, ratings, common_words(data.words, data.train)),
    }
    if data.valence is not None:
        valence = np.asarray(data.valence, dtype=float)
        found["true_rho"] = rank_correlation(projections, valence, valence != 0)
    metrics = {name: value.correlation for name, value in found.items() if not np.isnan(value.correlation)}
    return metrics | {"human_words": float(found["human_rho"].words)}


def _sentence(metrics: dict[str, float]) -> str:
    text = (
        f"Projected onto the top mode, positive and negative words are told apart with an AUC of "
        f"{metrics['projection_auc']:.3f} (at every point at least {metrics['projection_auc_min']:.3f}, at 95 % "
        f"{metrics['projection_auc_low']:.3f}), and are apart by at least {metrics['separation_min']:.0%} of the most; "
        f"neutral words move the state {metrics['neutral_ratio']:.0%} as much"
    )
    if "true_rho" in metrics:
        text += f"; the rank correlation with the words' true valence is {metrics['true_rho']:.2f}"
    if "human_rho" in metrics:
        count = f"{metrics['human_words']:.0f}"
        text += f"; the rank correlation with human ratings of {count} words is {metrics['human_rho']:.2f}"
    if "human_rho_common" in metrics:
        text += f" (of the common ones {metrics['human_rho_common']:.2f})"
    return text
