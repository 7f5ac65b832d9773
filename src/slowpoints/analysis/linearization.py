"""How well the linear network predicts the next state, and whole documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.analysis.analysis import Findings, Unanswerable
from slowpoints.dynamics import linearize, linearized_states, one_step_errors
from slowpoints.figures.linearization import FIGURES
from slowpoints.tasks.batches import make_batch

if TYPE_CHECKING:
    from torch import Tensor

    from slowpoints.analysis.dissection import Dissection
    from slowpoints.dynamics import Linearization

BATCH = 512  # documents run at a time: those near the same point share a product


class LinearizationAnalysis:
    """Measures the error of one linear step from the nearest point (Maheswaranathan et al. 2019, Fig. 5).

    The error is `||h_{t+1} - h_lin|| / ||h_{t+1}||`, over random transitions of the sampled documents.

    Metrics: `one_step_error_median`, `one_step_error_low`, `one_step_error_high` (10 % and 90 % quantiles),
    `persistence_error_median` (of predicting that the state stays: what any prediction should beat).

    Parameters
    ----------
    transitions
        How many, at most.
    """

    name = "linearization"

    def __init__(self, transitions: int = 50_000) -> None:
        if transitions < 1:
            raise ValueError(f"transitions must be at least 1, not {transitions}")
        self.transitions = transitions

    def __call__(self, dissection: Dissection) -> Findings:
        """Return the errors, and those along one document."""
        rows = _some(dissection.trajectories.followed, self.transitions, dissection.seed)
        errors = step_errors(dissection, dissection.linearization, rows)
        states = dissection.states
        stays = ((states[rows + 1] - states[rows]).norm(dim=1) / states[rows + 1].norm(dim=1)).cpu().numpy()
        low, median, high = np.quantile(errors, [0.1, 0.5, 0.9])
        metrics = {
            "one_step_error_median": float(median),
            "one_step_error_low": float(low),
            "one_step_error_high": float(high),
            "persistence_error_median": float(np.median(stays)),
        }
        arrays = {"errors": errors, "persistence_errors": stays, **_document(dissection)}
        sentence = (
            f"One linear step at the nearest point predicts the next state with a median error of {median:.1%} (10 to "
            f"90 %: {low:.1%} to {high:.1%}); predicting no change has {metrics['persistence_error_median']:.1%}."
        )
        return Findings(sentence, metrics, arrays, FIGURES)


class MeanInputAnalysis:
    """Repeats search and linearisation about the mean embedding instead of zero (Maheswaranathan et al. 2019, sec. 3).

    Metrics: `count` (points that were found), `tau_1_median` (tokens), `tau_1_change` (from that about zero, as a share
    of it), `one_step_error_median`, `error_change` (likewise).

    Parameters
    ----------
    points
        How many searches.
    transitions
        On how many transitions errors are measured, at most.
    """

    name = "mean_input"

    def __init__(self, points: int = 200, transitions: int = 20_000) -> None:
        if points < 1 or transitions < 1:
            raise ValueError(f"points and transitions must be at least 1, not {points} and {transitions}")
        self.points = points
        self.transitions = transitions

    def __call__(self, dissection: Dissection) -> Findings:
        """Return what changes."""
        mean = dissection.embed(dissection.trajectories.tokens).double().mean(dim=0)
        found = dissection.search(self.points, mean)[dissection.points.tolerance].converged
        if not len(found):
            raise Unanswerable(f"no search under the mean embedding came to q < {found.tolerance:g}")
        about_mean = linearize(dissection.network.cell, found, modes=1)
        about_zero = dissection.linearization
        rows = _some(dissection.trajectories.followed, self.transitions, dissection.seed)
        tau = [_tau(linear) for linear in (about_mean, about_zero)]
        error = [float(np.median(step_errors(dissection, linear, rows))) for linear in (about_mean, about_zero)]
        metrics = {
            "count": float(len(found)),
            "tau_1_median": tau[0],
            "tau_1_change": abs(tau[0] / tau[1] - 1),
            "one_step_error_median": error[0],
            "error_change": abs(error[0] / error[1] - 1),
        }
        sentence = (
            f"About the mean embedding instead of zero, {len(found)} of {min(self.points, len(dissection.states))} "
            f"searches find a point, the top mode's time constant is {tau[0]:.0f} tokens (zero: {tau[1]:.0f}), and the "
            f"median error of a linear step {error[0]:.1%} (zero: {error[1]:.1%})."
        )
        return Findings(sentence, metrics)


class LinearizedNetworkAnalysis:
    """Runs the linearised network over whole documents (Maheswaranathan et al. 2019, section 4.1).

    Each state is predicted from the last predicted one, by the linear network at the nearest point: it is linear in
    pieces. For comparison, also by the one linear network in the middle of the manifold.

    Metrics: `test_accuracy`, and `network_accuracy` of the network itself on the same `documents`; `agreement` (share
    of the documents on which both answer the same), `accuracy_loss`; `one_point_accuracy` of the one linear network.

    Parameters
    ----------
    documents
        How many of the sampled documents, at most.
    """

    name = "linearized"

    def __init__(self, documents: int = 500) -> None:
        if documents < 1:
            raise ValueError(f"documents must be at least 1, not {documents}")
        self.documents = documents

    def __call__(self, dissection: Dissection) -> Findings:
        """Return its accuracy."""
        rows = np.random.default_rng(dissection.seed).permutation(len(dissection.trajectories))[: self.documents]
        rows.sort()  # by length
        middle = dissection.linearization[dissection.examples[1:2]]
        logits = self._logits(dissection, dissection.linearization, rows)
        of_one = self._logits(dissection, middle, rows)
        positive = logits > 0
        network = dissection.logits(dissection.trajectories.last).cpu().numpy()[rows] > 0
        labels = dissection.trajectories.labels[rows] == 1
        metrics = {
            "test_accuracy": float((positive == labels).mean()),
            "network_accuracy": float((network == labels).mean()),
            "one_point_accuracy": float(((of_one > 0) == labels).mean()),
            "agreement": float((positive == network).mean()),
            "documents": float(len(rows)),
        }
        metrics["accuracy_loss"] = metrics["network_accuracy"] - metrics["test_accuracy"]
        sentence = (
            f"Run freely over {len(rows)} documents, the linearised network gets {metrics['test_accuracy']:.1%} right "
            f"(the network itself {metrics['network_accuracy']:.1%}) and agrees with it on {metrics['agreement']:.1%}; "
            f"linear at a single point, {metrics['one_point_accuracy']:.1%}."
        )
        arrays = {"documents": dissection.documents[rows], "logit": logits, "one_point_logit": of_one}
        return Findings(sentence, metrics, arrays)

    @staticmethod
    def _logits(dissection: Dissection, linear: Linearization, rows: np.ndarray) -> np.ndarray:
        logits = []
        for part in np.split(rows, range(BATCH, len(rows), BATCH)):
            batch = make_batch(dissection.task.test, dissection.documents[part])
            states = linearized_states(linear, dissection.embed(batch.tokens))
            last = states[torch.arange(len(part)), batch.lengths - 1]
            logits.append(dissection.logits(last.nan_to_num(posinf=1e30, neginf=-1e30)))  # what has diverged
        return torch.cat(logits).cpu().numpy()


def _tau(linear: Linearization) -> float:
    """Return the top mode's median time constant over the points at which it can be trusted."""
    trusted = linear.modes.trusted[:, 0]
    if not trusted.any():
        raise Unanswerable(f"the top mode cannot be told from others at any of {len(linear)} points")
    return float(linear.time_constants[trusted, 0].median())


def step_errors(dissection: Dissection, linear: Linearization, rows: Tensor) -> np.ndarray:
    """Return the relative errors of one linear step from the states in these rows, each followed by the next row."""
    states, tokens = dissection.states, dissection.trajectories.tokens
    inputs = dissection.embed(tokens[rows + 1])
    errors: np.ndarray = one_step_errors(linear, states[rows], inputs, states[rows + 1]).cpu().numpy()
    return errors


def _some(rows: Tensor, count: int, seed: int) -> Tensor:
    if not len(rows):
        raise Unanswerable("all documents have one token")
    chosen = np.random.default_rng(seed).permutation(len(rows))[:count]
    return rows[torch.from_numpy(np.sort(chosen))]


def _document(dissection: Dissection) -> dict[str, np.ndarray]:
    """Return the error along a document of median length."""
    trajectories = dissection.trajectories
    document = len(trajectories) // 2
    first, last = trajectories.offsets[document : document + 2]
    rows = torch.arange(int(first), int(last) - 1)
    if not len(rows):
        return {"document_errors": np.zeros(0)}
    return {"document_errors": step_errors(dissection, dissection.linearization, rows)}
