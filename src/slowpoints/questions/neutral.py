"""The input that says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.text.corpus import PADDING

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from slowpoints.questions.options import Neutral
    from slowpoints.tasks import Sequences


def neutral_input(
    embeddings: Float[Tensor, "symbol input"], train: Sequences, choice: Neutral
) -> Float[Tensor, " input"]:
    """Return zero, or the mean of the words' embeddings, weighted by how often they are read.

    They are counted in the training split as the network reads it. So the unknown word counts as often as words are
    read as it; padding, which is not read, does not.
    """
    if choice == "zero":
        return embeddings.new_zeros(embeddings.shape[1])
    counts = np.bincount(train.inputs, minlength=len(embeddings)).astype(np.float64)
    counts[PADDING] = 0
    shares = torch.from_numpy(counts / counts.sum()).to(embeddings.device)
    return (shares @ embeddings.double()).to(embeddings.dtype)
