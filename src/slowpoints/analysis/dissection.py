"""Everything computed about one trained network, lazily and once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.dynamics import (
    FixedPoints,
    PrincipalComponents,
    principal_components,
    sample_states,
    sweep_tolerances,
    visited_states,
)
from slowpoints.text.datamodule import make_batch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from slowpoints.analysis.options import Sampling
    from slowpoints.text.corpus import EncodedData
    from slowpoints.training.model import RecurrentClassifier

BATCH = 128  # documents run at a time


class Dissection:
    """What analyses ask of a trained network, each thing computed when it is first asked for.

    Parameters
    ----------
    network
        The trained network, which is left as it is.
    data
        What it was trained and tested on.
    sampling
        How many documents and points.
    seed
        Of the choice of documents and of states.
    """

    def __init__(self, network: RecurrentClassifier, data: EncodedData, sampling: Sampling, seed: int) -> None:
        self.network = network
        self.data = data
        self.sampling = sampling
        self.seed = seed

    @cached_property
    def states(self) -> Float[Tensor, "visited state"]:
        """States visited while reading a random sample of test documents, without the initial one."""
        test = self.data.test
        sample = np.random.default_rng(self.seed).permutation(len(test))[: self.sampling.documents]
        by_length = sample[np.argsort(test.lengths[sample], kind="stable")]
        self.network.eval()
        visited = []
        with torch.inference_mode():
            for start in range(0, len(by_length), BATCH):
                batch = make_batch(test, by_length[start : start + BATCH])
                inputs = self.network.embedding(batch.tokens.to(self.device))
                visited.append(visited_states(self.network.cell.states(inputs), batch.lengths))
        # a copy: tensors made in inference mode cannot take part in later differentiation
        return torch.cat(visited).clone()

    @cached_property
    def components(self) -> PrincipalComponents:
        """Principal components of the visited states."""
        return principal_components(self.states)

    @cached_property
    def _searched(self) -> dict[float, FixedPoints]:
        """One search from a random sample of the visited states, under zero input, stopped at two speeds."""
        count = min(self.sampling.points, len(self.states))
        starts = sample_states(self.states, count, seed=self.seed)
        tolerances = (self.sampling.slow_tolerance, self.sampling.tolerance)
        return sweep_tolerances(self.network.cell, starts, tolerances=tolerances)

    @property
    def fixed_points(self) -> FixedPoints:
        """Where the searches came to a speed below `tolerance`."""
        return self._searched[self.sampling.tolerance]

    @property
    def slow_points(self) -> FixedPoints:
        """Where the same searches first came to a speed below `slow_tolerance`."""
        return self._searched[self.sampling.slow_tolerance]

    def logits(self, states: Float[Tensor, "point state"]) -> Float[Tensor, " point"]:
        """Return what states would be read out as."""
        with torch.no_grad():
            weight = self.network.readout.weight
            return self.network.logits(self.network.cell.hidden(states).to(weight.dtype))

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.network.readout.weight.device
