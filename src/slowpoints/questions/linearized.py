"""How well the linearised network reads whole documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.dynamics import linearized_states
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.tasks.batches import make_batch

if TYPE_CHECKING:
    from slowpoints.dynamics import Linearization
    from slowpoints.questions.dissection import Dissection

BATCH = 512  # documents run at a time: those near the same point share a product


class LinearizedNetworkQuestion(Question):
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
    claims = (
        Claim(
            "globally_nonlinear",
            "The linearised network, run freely, is much worse",
            (Condition("linearized/accuracy_loss", 0.1, 0.03),),
        ),
    )
    columns = (Column("linearized/test_accuracy", "linearised, accuracy", ".3f", "much worse"),)

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
            initial = dissection.trajectories.initial.repeat(len(part), 1)
            states = linearized_states(linear, dissection.embed(batch.tokens), initial)
            last = states[torch.arange(len(part)), batch.lengths - 1]
            logits.append(dissection.logits(last.nan_to_num(posinf=1e30, neginf=-1e30)))  # what has diverged
        return torch.cat(logits).cpu().numpy()
