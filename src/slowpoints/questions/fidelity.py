"""How much of the network the mechanism explains: on how many documents simpler models answer as it does."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.flow import line_of
from slowpoints.questions.linear_rnn import trained_linear_rnn
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.questions.shuffled_words import document_logits, select_documents
from slowpoints.questions.simpler_models import FEW, SimplerModels
from slowpoints.report.style import NEGATIVE, NEUTRAL, POSITIVE, Arrays, Drawing, panels
from slowpoints.tasks.batches import make_batch
from slowpoints.training.linear_rnn import document_logits as linear_logits

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

    from slowpoints.questions.dissection import Dissection

WANTED = 0.98  # agreement from which on a model is said to be enough
FILE = "word_table.csv"
# From the simplest to the most complex: by the numbers that are kept of a document, then by what a step takes.
MODELS = {
    "bag_of_words": "bag of words",
    "integrator_linear": "1-D integrator, linear gains",
    "integrator": "1-D integrator, word table",
    "modes_1": "slowest mode",
    "balanced_1": "1 balanced direction",
    "modes_2": "2 slowest modes",
    "balanced_2": "2 balanced directions",
    "modes_3": "3 slowest modes",
    "balanced_3": "3 balanced directions",
    "linear_network": "linear network, trained",
    "one_point": "linear at one place",
    "nearest": "linear at the nearest place",
}
AT_MOST_THREE = [f"{kind}_{count}" for count in FEW for kind in ("modes", "balanced")]


def draw_fidelity(figure: FigureBase, arrays: Arrays) -> None:
    """Draw each model's agreement with the network, and its accuracy.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `models (model,)`, `agreement (model,)`, `accuracy (model,)`, `network_accuracy ()`.
    """
    (axes,) = panels(figure)
    height = np.arange(len(arrays["models"]))[::-1]
    agreement, accuracy = 100 * arrays["agreement"], 100 * arrays["accuracy"]
    axes.axvline(100 * WANTED, color=NEUTRAL, linewidth=0.8, linestyle="--", zorder=0)
    axes.axvline(100 * float(arrays["network_accuracy"]), color=NEGATIVE, linewidth=0.8, linestyle=":", zorder=0)
    axes.plot(accuracy, height, "s", ms=5, color=NEGATIVE, markerfacecolor="white", label="accuracy (dotted: network)")
    axes.plot(agreement, height, "o", ms=6, color=POSITIVE, label=f"agreement (dashed: {WANTED:.0%})")
    for x, y in zip(agreement, height, strict=True):
        axes.annotate(f"{x:.1f}", (x, y), (0, 4), textcoords="offset points", ha="center", fontsize="xx-small")
    axes.set_yticks(height, [MODELS[name] for name in arrays["models"].tolist()], fontsize="small")
    axes.set(xlabel="documents (%)", ylim=(-0.6, len(height) - 0.3))
    axes.legend(frameon=False, fontsize="x-small", loc="lower left", bbox_to_anchor=(0, 1), ncols=2)


FIGURES = {"fidelity": Drawing(draw_fidelity, 5.2, 4.6, "Fidelity of simpler models")}


class FidelityQuestion(Question):
    """Asks simpler models for their answers to whole documents, and compares them with the network's.

    All models run freely from the initial state. The line is a smooth curve through the points (`trace_line`); a state
    belongs to the place that is nearest along the main axis. Nothing is fitted to test documents: what is fitted at all
    (baselines, how often words occur) is fitted to training documents.

    - `integrator_linear`: one number, the place s on the line. A word moves it by `(r_1 . m) l_1 . (F(c, x*) - c + Jinp
      (x - x*))`, the drift and the word's projection onto the top mode, linear between places c. The answer is the sign
      of the logit at the place.
    - `integrator`: the same, but a word moves a state at place c to where F(c, x) lies, projected onto the top mode at
      the place where it arrives (`input_steps`): words are not taken to be small. Its table is kept.
    - `modes_k`: the network itself takes each step, and its state is restricted to the nearest place c plus the span of
      the k leading modes there: `c + sum of r_a (l_a . (h - c))`.
    - `balanced_k`: the same with the k directions that words excite and the readout sees the most (balanced truncation
      of the linear network at the place).
    - `one_point`, `nearest`: the linear network at the place whose logit is nearest to 0, and at the nearest place.
    - `linear_network`, `bag_of_words`: the baselines.

    Metrics: `agreement/NAME` (share of the documents on which both answer the same), `accuracy/NAME`,
    `network_accuracy`, `documents`, `best_agreement` (of `modes_k` and `balanced_k`), `integrator_over_words` and
    `best_over_words` (agreement beyond that of the bag of words, which knows nothing of the network). The sentence
    names the simplest model that agrees on 98 %.

    Arrays: `models`, `agreement`, `accuracy`; `document`, `label`, `logit`, `logits (model, document)`; and the
    extracted algorithm: `places (place,)`, `steps (place, word)`, `readout (place,)`, `start ()`. `word_table.csv` has
    the words by their evidence in the middle of the line, in logits.

    Parameters
    ----------
    documents
        Test documents, a random sample, at most.
    places
        On the line, from one end of the points to the other.

    Raises
    ------
    ValueError
        For fewer than 1 document or 3 places.
    """

    name = "fidelity"
    figures = FIGURES
    claims = (
        Claim(
            "integrator_explains",
            "An integrator of one dimension answers as the network does",
            (
                Condition("fidelity/agreement/integrator", 0.97, 0.93),
                Condition("fidelity/integrator_over_words", 0.01, 0.0),
            ),
        ),
        Claim(
            "few_dimensions_explain",
            "Three dimensions along the line, or fewer, answer as the network does",
            (Condition("fidelity/best_agreement", 0.97, 0.93), Condition("fidelity/best_over_words", 0.01, 0.0)),
        ),
    )
    columns = (
        Column("fidelity/agreement/integrator", "agreement: integrator", ".1%"),
        Column("fidelity/best_agreement", "agreement: up to 3-D", ".1%"),
    )

    def __init__(self, documents: int = 2000, places: int = 41) -> None:
        if documents < 1 or places < 3:
            raise ValueError(f"documents must be at least 1 and places at least 3, not {documents} and {places}")
        self.documents = documents
        self.places = places

    def __call__(self, dissection: Dissection) -> Findings:
        """Return agreements and accuracies, and the integrator's table."""
        dissection.check_two_classes()
        test = dissection.data.test
        sample = np.random.default_rng(dissection.seed).permutation(len(test))[: self.documents]
        sample = sample[np.argsort(-test.lengths[sample], kind="stable")]
        chosen = select_documents(test, sample)
        network = document_logits(dissection.network, chosen)
        reduced = SimplerModels(dissection, line_of(dissection, self.places), make_batch(dissection.task.test, sample))
        table = reduced.table()
        logits = {
            "bag_of_words": dissection.bag_of_words.test_logits[sample],
            "linear_network": linear_logits(trained_linear_rnn(dissection).network, chosen),
            "integrator_linear": reduced.read(reduced.linear_table()),
            "integrator": reduced.read(table),
            **reduced.restricted(),
            **reduced.linear(),
        }
        ordered = np.stack([logits[name] for name in MODELS])
        agreement = ((ordered > 0) == (network > 0)).mean(axis=1)
        accuracy = ((ordered > 0) == chosen.labels).mean(axis=1)
        named = dict(zip(MODELS, agreement.tolist(), strict=True))
        metrics = {
            **{f"agreement/{name}": value for name, value in named.items()},
            **{f"accuracy/{name}": float(value) for name, value in zip(MODELS, accuracy, strict=True)},
            "network_accuracy": float(((network > 0) == chosen.labels).mean()),
            "documents": float(len(sample)),
            "best_agreement": max(named[name] for name in AT_MOST_THREE),
        }
        metrics["integrator_over_words"] = named["integrator"] - named["bag_of_words"]
        metrics["best_over_words"] = metrics["best_agreement"] - named["bag_of_words"]
        arrays = {
            "models": np.array(list(MODELS)),
            "agreement": agreement,
            "accuracy": accuracy,
            "network_accuracy": np.array(metrics["network_accuracy"]),
            "document": sample,
            "label": chosen.labels,
            "logit": network,
            "logits": ordered,
            **table,
        }
        return Findings(_sentence(named, metrics), metrics, arrays, {FILE: _listed(dissection.data.words, table)})


def _listed(words: tuple[str, ...], table: dict[str, np.ndarray]) -> str:
    """Return the words as CSV, the most positive first: evidence in logits in the middle, and near either end."""
    slope = np.gradient(table["readout"], table["places"])
    where = {"evidence": 0.0, "evidence_negative_end": -0.8, "evidence_positive_end": 0.8}
    columns = []
    for place in where.values():
        here = np.abs(table["places"] - place).argmin()
        columns.append(slope[here] * table["steps"][here].astype(float))
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["word", "number", *where])
    for number in np.argsort(-columns[0], kind="stable"):
        rows.writerow([words[number], number, *(f"{column[number]:.5f}" for column in columns)])
    return file.getvalue()


def _sentence(agreement: dict[str, float], metrics: dict[str, float]) -> str:
    enough = [name for name, value in agreement.items() if value >= WANTED]
    smallest = (
        f"the simplest that agrees on {WANTED:.0%} is: {MODELS[enough[0]]}"
        if enough
        else f"none of the models agrees on {WANTED:.0%}"
    )
    return (
        f"On {metrics['documents']:.0f} test documents the integrator of one dimension agrees with the network on "
        f"{agreement['integrator']:.1%} (with linear gains {agreement['integrator_linear']:.1%}), its state restricted "
        f"to at most three dimensions on {metrics['best_agreement']:.1%}, the network linear at the nearest place on "
        f"{agreement['nearest']:.1%}, and a bag of words on {agreement['bag_of_words']:.1%}; {smallest}."
    )
