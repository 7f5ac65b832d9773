"""What a network does while it reads documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.dynamics import visited_states
from slowpoints.questions.question import Unanswerable
from slowpoints.tasks.batches import make_batch
from slowpoints.text.corpus import gather, offsets_of

if TYPE_CHECKING:
    from jaxtyping import Float, Int, Shaped
    from torch import Tensor

    from slowpoints.tasks import Sequences
    from slowpoints.training.model import RecurrentClassifier

BATCH = 128  # documents run at a time
ROWS = 1 << 16  # transitions at once


@dataclass(frozen=True)
class Trajectories:
    """States of documents, one document after another.

    Attributes
    ----------
    states
        `(visited, state)`: after every token; the initial state is left out.
    tokens
        `(visited,)`: the token that was read last; of continuous inputs `(visited, input)`.
    offsets
        `(document + 1,)`: document d is `states[offsets[d]:offsets[d + 1]]`.
    labels
        `(document,)`: the number of its class; of two, 1 for positive. Of a task that asks after every step,
        `(visited, output)`.
    initial
        `(state,)`: where every document starts.
    """

    states: Float[Tensor, "visited state"]
    tokens: Shaped[Tensor, " visited *input"]
    offsets: np.ndarray
    labels: np.ndarray
    initial: Float[Tensor, " state"]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each document."""
        return np.diff(self.offsets)

    @property
    def median_length(self) -> int:
        """Tokens of the median document."""
        return int(np.median(self.lengths))

    @property
    def last(self) -> Float[Tensor, "document state"]:
        """The state after each document's last token."""
        return self.states[torch.from_numpy(self.offsets[1:] - 1)]

    def of(self, document: int) -> Float[Tensor, "token state"]:
        """Return the states of one document."""
        return self.states[self.offsets[document] : self.offsets[document + 1]]

    @property
    def followed(self) -> Int[Tensor, " transition"]:
        """Rows of the states that are followed by another of the same document, which is the next row."""
        inside = np.ones(len(self.states), dtype=bool)
        inside[self.offsets[1:] - 1] = False
        return torch.from_numpy(np.flatnonzero(inside))

    @property
    def typical_step(self) -> float:
        """How far the state moves with a word: median over all words but the first of each document.

        Raises
        ------
        Unanswerable
            If it does not move, or documents have no second word.
        """
        rows = self.followed
        moved = [(self.states[some + 1] - self.states[some]).norm(dim=1) for some in rows.split(ROWS)]
        step = torch.cat(moved).median().item() if len(rows) else 0.0
        if not step > 0:
            raise Unanswerable("the state does not move from one word to the next, so that nothing is slow beside it")
        return step


def read(network: RecurrentClassifier, corpus: Sequences, documents: np.ndarray) -> Trajectories:
    """Let a network read some of the documents, given by their numbers, and return what it does.

    Documents of about the same length should stand together: they are padded to the longest of a batch.
    """
    device = network.readout.weight.device
    visited = []
    with torch.no_grad():
        initial = network.cell.initial_states(network.readout.weight.new_zeros(1, network.cell.input_size))
    with torch.inference_mode():
        for start in range(0, len(documents), BATCH):
            batch = make_batch(corpus, documents[start : start + BATCH])
            inputs = network.embedding(batch.tokens.to(device))
            states = network.cell.states(inputs, initial.repeat(len(inputs), 1))
            visited.append(visited_states(states, batch.lengths))
    lengths = corpus.lengths[documents]
    inputs_read = gather(corpus.inputs, corpus.offsets[documents], lengths)
    return Trajectories(
        # a copy: tensors made in inference mode cannot take part in later differentiation
        states=torch.cat(visited).clone(),
        tokens=torch.from_numpy(inputs_read.astype(np.float32 if corpus.continuous else np.int64)),
        offsets=offsets_of(lengths),
        labels=corpus.targets_of(documents),
        initial=initial[0],
    )
