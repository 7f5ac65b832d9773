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
from slowpoints.questions.neutral import neutral_input
from slowpoints.questions.plane import at_least_a_plane
from slowpoints.questions.question import Unanswerable
from slowpoints.questions.trajectories import Trajectories, read
from slowpoints.tasks.documents import Documents
from slowpoints.training.bag_of_words import BagOfWords, fit_bag_of_words
from slowpoints.training.valence_words import ValenceWords, choose_valence_words

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

    from slowpoints.questions.options import Neutral, Sampling
    from slowpoints.tasks import Task
    from slowpoints.text.corpus import EncodedData
    from slowpoints.training.model import RecurrentClassifier

MODES = 3  # leading modes that analyses look at
WHEN = {"last": "the last step", "every": "every step"}
ENDS = (0.05, 0.95)  # quantiles of places at which the manifold is taken to end


class Dissection:
    """What analyses ask of a trained network, each thing computed when it is first asked for.

    Parameters
    ----------
    network
        The trained network, which is left as it is.
    untrained
        The same network with its initial weights.
    task
        What it was trained and tested on.
    sampling
        How many documents and points.
    seed
        Of the choice of documents and of states.
    test_accuracy
        Share of all test documents that the network gets right.
    """

    def __init__(
        self,
        network: RecurrentClassifier,
        untrained: RecurrentClassifier,
        task: Task,
        sampling: Sampling,
        seed: int,
        test_accuracy: float,
    ) -> None:
        self.network = network.eval()
        self.untrained = untrained.eval()
        self.task = task
        self.sampling = sampling
        self.seed = seed
        self.test_accuracy = test_accuracy

    @property
    def data(self) -> EncodedData:
        """The documents and their words.

        Raises
        ------
        Unanswerable
            If the task is of something else.
        """
        if not isinstance(self.task, Documents):
            raise Unanswerable(f"the task {self.task.name} has no words")
        return self.task.data

    def check_two_classes(self) -> None:
        """Raise Unanswerable where there are not two classes: what is asked of their one logit has no answer then."""
        outputs = self.network.outputs
        if outputs.size != 1 or outputs.when != "last":
            said = f"{outputs.size} output{'s' if outputs.size > 1 else ''} after {WHEN[outputs.when]}"
            raise Unanswerable(f"it is asked of the logit of two classes, and this network has {said}")

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
        """Principal components of the visited states; the first points to positive readout."""
        found = at_least_a_plane(principal_components(self.states))
        signs = torch.ones(len(found.components), 1, dtype=torch.float64, device=self.device)
        if found.components[0, : len(self.readout)] @ self.readout.double() < 0:
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

    def neutral_input(self, choice: Neutral) -> Float[Tensor, " input"]:
        """Return an input that says nothing; see `questions.neutral`."""
        return neutral_input(self.network.embedding.weight.detach(), self.task.train, choice)

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

    @cached_property
    def bag_of_words(self) -> BagOfWords:
        """The baseline that knows no order.

        Raises
        ------
        Unanswerable
            If there are not two classes.
        """
        self.check_two_classes()
        return fit_bag_of_words(self.data.train, self.data.validation, self.data.test, len(self.data.words))

    @cached_property
    def valence_words(self) -> ValenceWords:
        """Words that the bag of words finds most positive, most negative, and without valence.

        Raises
        ------
        Unanswerable
            If there are none of one kind.
        """
        try:
            return choose_valence_words(self.bag_of_words.weights, self.data.words, self.data.train)
        except ValueError as error:
            raise Unanswerable(str(error)) from error

    def embed(self, words: Int[Tensor, ...]) -> Float[Tensor, "... input"]:
        """Return the embeddings of words."""
        with torch.no_grad():
            embedded: Tensor = self.network.embedding(words.to(self.device))
        return embedded

    def logits(self, states: Float[Tensor, "point state"]) -> Float[Tensor, " point"]:
        """Return what states would be read out as.

        Raises
        ------
        Unanswerable
            If there are not two classes.
        """
        self.check_two_classes()
        with torch.no_grad():
            weight = self.network.readout.weight
            return self.network.logits(self.network.cell.hidden(states).to(weight.dtype))

    @property
    def readout(self) -> Float[Tensor, " hidden"]:
        """The readout's weights w, the only axis of evidence: they see the hidden part of the state.

        Raises
        ------
        Unanswerable
            If there are not two classes.
        """
        self.check_two_classes()
        return self.evidence[0]

    @property
    def evidence(self) -> Float[Tensor, "axis hidden"]:
        """Directions of hidden states along which what the network says changes."""
        return self.network.outputs.evidence(self.network.readout.weight.detach())

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.network.readout.weight.device
