"""Everything computed about one trained network, lazily and once."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.dynamics import (
    FixedPoints,
    InvalidInput,
    Linearization,
    Manifold,
    PrincipalComponents,
    find_manifold,
    linearize,
    principal_components,
    sample_states,
    sweep_tolerances,
)
from slowpoints.questions.plane import at_least_a_plane
from slowpoints.questions.question import Unanswerable
from slowpoints.questions.subject import Subject
from slowpoints.questions.trajectories import Trajectories, read

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor


MODES = 3  # leading modes that analyses look at
ENDS = (0.05, 0.95)  # quantiles of places at which the manifold is taken to end


class Dissection(Subject):
    """What analyses ask of a trained network, each thing computed when it is first asked for."""

    @cached_property
    def documents(self) -> np.ndarray:
        """A random sample of the test documents, by rising length."""
        test = self.task.test
        sample = np.random.default_rng(self.seed).permutation(len(test))[: self.sampling.documents]
        by_length: np.ndarray = sample[np.argsort(test.lengths[sample], kind="stable")]
        return by_length

    @cached_property
    def trajectories(self) -> Trajectories:
        """What the network does while it reads the sampled documents."""
        return read(self.network, self.task.test, self.documents)

    @property
    def states(self) -> Float[Tensor, "visited state"]:
        """States visited while reading the sampled documents, without the initial one."""
        return self.trajectories.states

    @cached_property
    def components(self) -> PrincipalComponents:
        """Principal components of the visited states; the first points to more of the first axis of evidence."""
        found = at_least_a_plane(principal_components(self.states))
        signs = torch.ones(len(found.components), 1, dtype=torch.float64, device=self.device)
        first = self.evidence[0].double()
        if found.components[0, : len(first)] @ first < 0:
            signs[0] = -1
        return replace(found, components=signs * found.components)

    @cached_property
    def typical_step(self) -> float:
        """How far the state moves with a word (median), which slowness is measured by; see `Trajectories`."""
        return self.trajectories.typical_step

    @cached_property
    def neutral(self) -> Float[Tensor, " input"]:
        """The input that says nothing, by `sampling.neutral`: under it the network is searched and linearised."""
        return self.neutral_input(self.sampling.neutral)

    @cached_property
    def found(self) -> dict[float, FixedPoints]:
        """Where one search, under the neutral input, first came to each of `sampling.levels`."""
        return self.search(self.sampling.points, self.neutral)

    def search(self, points: int, input: Float[Tensor, " input"]) -> dict[float, FixedPoints]:
        """Search for points where the network is slow under a constant input, from some of the visited states."""
        starts = sample_states(self.states, min(points, len(self.states)), seed=self.seed)
        levels = self.sampling.levels
        return sweep_tolerances(self.network.cell, starts, input, levels=levels, typical_step=self.typical_step)

    @property
    def fixed_points(self) -> FixedPoints:
        """Where the searches came to a relative speed below `sampling.fixed`."""
        return self.found[self.sampling.fixed]

    @property
    def slow_points(self) -> FixedPoints:
        """Where the same searches first came to a relative speed below `sampling.slow`."""
        return self.found[self.sampling.slow]

    @property
    def level(self) -> float:
        """The relative speed below which the points are at which the network is linearised."""
        return self.sampling.slow if self.sampling.linearize_at == "slow_points" else self.sampling.fixed

    @cached_property
    def points(self) -> FixedPoints:
        """The points at which the network is linearised: those of `sampling.linearize_at` that were found.

        Raises
        ------
        Unanswerable
            If there are none.
        """
        found = self.found[self.level].converged
        if not len(found):
            raise Unanswerable(f"no search came to a relative speed below {self.level:g}")
        return found

    @cached_property
    def manifold(self) -> Manifold:
        """Where the points lie; its axis m points to positive readout.

        Raises
        ------
        Unanswerable
            If there are too few points to tell.
        """
        try:
            return find_manifold(self.points, dimension=1, visited=self.states, readout=self.readout)
        except InvalidInput as error:
            raise Unanswerable(str(error)) from error

    @cached_property
    def linearization(self) -> Linearization:
        """The network linear at the points, its modes turned so that `r_a . m > 0`."""
        return linearize(self.network.cell, self.points, modes=MODES).oriented(self.manifold.axis)

    @cached_property
    def trusted(self) -> Bool[Tensor, " point"]:
        """Which points have a top mode that can be trusted (`Eigenmodes.trusted`): modes are told of these alone.

        Raises
        ------
        Unanswerable
            If there are none.
        """
        trusted = self.linearization.modes.trusted[:, 0]
        if not trusted.any():
            raise Unanswerable(f"the top mode cannot be told from others at any of the {len(trusted)} points")
        return trusted

    def left_out(self) -> str:
        """Return, as a clause for a sentence on modes, how many points it leaves out; nothing where it has all."""
        doubtful = int((~self.trusted).sum())
        whose = f"; left out: {doubtful} of {len(self.trusted)} points, whose top mode cannot be told from others"
        return whose if doubtful else ""

    @cached_property
    def examples(self) -> Int[Tensor, " 3"]:
        """Three of the points: near the negative end of the manifold, in its middle, and near its positive end."""
        place = self.manifold.place
        low, high = torch.quantile(place, torch.tensor(ENDS, dtype=place.dtype, device=place.device))
        wanted = torch.stack([low, (low + high) / 2, high])
        return (place - wanted[:, None]).abs().argmin(dim=1)

    def places(self) -> dict[str, np.ndarray]:
        """Return, as arrays to draw, the points' places on the manifold, and whether these are theta."""
        return {"place": self.manifold.place.cpu().numpy(), "by_theta": np.array(self.manifold.theta_orders)}
