"""The network: words to embeddings, a recurrent cell, and a linear readout of its last state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from slowpoints.text.corpus import PADDING, UNKNOWN

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from slowpoints.cells import Cell


class RecurrentClassifier(nn.Module):
    """A recurrent network that reads a document and answers with the logit of its being positive.

    Parameters
    ----------
    cell
        The recurrent network, from embeddings (E) to states (N).
    vocabulary_size
        Number of words, with padding and the unknown word.
    embedding_dropout
        Share of the embedding's entries that is dropped in training (one mask per word and place).
    word_dropout
        Share of the words that is replaced by the unknown word in training.
    readout_dropout
        Share of the hidden units that the readout does not see in training.
    embedding_std
        Standard deviation of the embeddings at the start.
    """

    def __init__(
        self,
        cell: Cell,
        vocabulary_size: int,
        *,
        embedding_dropout: float = 0.0,
        word_dropout: float = 0.0,
        readout_dropout: float = 0.0,
        embedding_std: float = 1.0,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.embedding = nn.Embedding(vocabulary_size, cell.input_size, padding_idx=PADDING)
        self.readout = nn.Linear(cell.hidden_size, 1)
        self.embedding_dropout = nn.Dropout(embedding_dropout)
        self.readout_dropout = nn.Dropout(readout_dropout)
        self.word_dropout = word_dropout
        with torch.no_grad():
            self.embedding.weight.mul_(embedding_std)
        nn.init.zeros_(self.readout.bias)

    def forward(self, tokens: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Return the logit of every document, read out after its last token."""
        inputs = self.embedding_dropout(self.embedding(self._drop_words(tokens)))
        hidden = self.cell.hidden_states(inputs)
        last = hidden[torch.arange(len(tokens), device=tokens.device), lengths - 1]
        return self.logits(self.readout_dropout(last))

    def logits(self, hidden: Float[Tensor, "... hidden"]) -> Float[Tensor, ...]:
        """Return the logit that hidden states are read out as."""
        logits: Tensor = self.readout(hidden)
        return logits.squeeze(-1)

    def _drop_words(self, tokens: Tensor) -> Tensor:
        if not self.training or self.word_dropout == 0:
            return tokens
        dropped = torch.rand(tokens.shape, device=tokens.device) < self.word_dropout
        return tokens.masked_fill(dropped & (tokens != PADDING), UNKNOWN)
