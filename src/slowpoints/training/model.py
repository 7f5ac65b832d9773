"""The network: inputs to vectors, a recurrent cell, and a linear readout of its states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from slowpoints.tasks.outputs import TWO_CLASSES
from slowpoints.tasks.sequences import PADDING, UNKNOWN

if TYPE_CHECKING:
    from jaxtyping import Float, Int, Shaped

    from slowpoints.cells import Cell
    from slowpoints.tasks.outputs import Outputs


class RecurrentClassifier(nn.Module):
    """A recurrent network that reads a sequence of symbols, such as words, or of numbers, and answers as its task asks.

    Parameters
    ----------
    cell
        The recurrent network, from embeddings (E) to states (N).
    encoder
        From inputs to embeddings: `Task.encoder`. A number stands for an embedding of so many symbols, with padding
        and the unknown one.
    outputs
        What it is to say.
    embedding_dropout
        Share of the embedding's entries that is dropped in training (one mask per word and place).
    word_dropout
        Share of the words that is replaced by the unknown word in training; of numbers, of steps that hold zeros then.
    readout_dropout
        Share of the hidden units that the readout does not see in training.
    embedding_std
        Standard deviation of the embeddings of symbols at the start.
    """

    def __init__(
        self,
        cell: Cell,
        encoder: nn.Module | int,
        outputs: Outputs = TWO_CLASSES,
        *,
        embedding_dropout: float = 0.0,
        word_dropout: float = 0.0,
        readout_dropout: float = 0.0,
        embedding_std: float = 1.0,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.outputs = outputs
        if isinstance(encoder, int):
            encoder = nn.Embedding(encoder, cell.input_size, padding_idx=PADDING)
        self.embedding = encoder
        self.readout = nn.Linear(cell.readout_size, outputs.size)
        self.embedding_dropout = nn.Dropout(embedding_dropout)
        self.readout_dropout = nn.Dropout(readout_dropout)
        self.word_dropout = word_dropout
        if isinstance(encoder, nn.Embedding):
            with torch.no_grad():
                encoder.weight.mul_(embedding_std)
        nn.init.zeros_(self.readout.bias)

    def forward(
        self, tokens: Shaped[Tensor, "batch time *input"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, ...]:
        """Return what is said of every sequence after its last step; or after each step, one sequence after another."""
        inputs = self.embedding_dropout(self.embedding(self._drop_words(tokens)))
        hidden = self.cell.hidden_states(inputs, self.cell.initial_states(inputs))
        if self.outputs.when == "every":
            inside = torch.arange(tokens.shape[1], device=tokens.device) < lengths.unsqueeze(1)
            return self.logits(self.readout_dropout(hidden[inside]))
        last = hidden[torch.arange(len(tokens), device=tokens.device), lengths - 1]
        return self.logits(self.readout_dropout(last))

    def logits(self, hidden: Float[Tensor, "... hidden"]) -> Float[Tensor, ...]:
        """Return what hidden states are read out as; a single output has no axis of its own."""
        logits: Tensor = self.readout(hidden)
        return logits.squeeze(-1) if self.outputs.size == 1 else logits

    def recurrent_norm(self) -> Float[Tensor, ""]:
        """Return the sum of squares of the cell's parameters: weights, biases, and the initial state if it is one."""
        return torch.stack([parameter.square().sum() for parameter in self.cell.parameters()]).sum()

    def _drop_words(self, tokens: Tensor) -> Tensor:
        if not self.training or self.word_dropout == 0:
            return tokens
        dropped = torch.rand(tokens.shape[:2], device=tokens.device) < self.word_dropout
        if tokens.is_floating_point():
            return tokens.masked_fill(dropped.unsqueeze(-1), 0.0)
        return tokens.masked_fill(dropped & (tokens != PADDING), UNKNOWN)
