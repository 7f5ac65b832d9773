"""What is taken apart: a trained network, what it was trained for, and what it says."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from slowpoints.questions.claims import reason_not_to_judge
from slowpoints.questions.question import Unanswerable
from slowpoints.tasks.outputs import Classes
from slowpoints.text.corpus import PADDING
from slowpoints.text.task import DocumentTask

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped
    from torch import Tensor

    from slowpoints.questions.options import Neutral, Sampling
    from slowpoints.tasks import Probes, Task
    from slowpoints.text.bag_of_words import BagOfWords
    from slowpoints.text.corpus import EncodedData
    from slowpoints.training.linear_rnn import LinearRNNOptions, LinearRNNResult
    from slowpoints.training.model import RecurrentClassifier

WHEN = {"last": "the last step", "every": "every step"}


class Subject:
    """A trained network with its task: what it is told, and what it says.

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
        Share of all test documents that the network gets right; or the score of outputs that have another.
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
        self.linear_rnns: dict[LinearRNNOptions, LinearRNNResult] = {}  # that were trained, see `trained_linear_rnn`

    @property
    def data(self) -> EncodedData:
        """The documents and their words.

        Raises
        ------
        Unanswerable
            If the task is of something else.
        """
        return self._documents.data

    @property
    def _documents(self) -> DocumentTask:
        if not isinstance(self.task, DocumentTask):
            raise Unanswerable(f"the task {self.task.name} has no words")
        return self.task

    @property
    def of_two_classes(self) -> bool:
        """Whether the network tells two classes: all that it says is one logit then."""
        return self.network.outputs.size == 1 and self.network.outputs.when == "last"

    def check_two_classes(self) -> None:
        """Raise Unanswerable where there are not two classes: what is asked of their one logit has no answer then."""
        if not self.of_two_classes:
            outputs = self.network.outputs
            said = f"{outputs.size} output{'s' if outputs.size > 1 else ''} after {WHEN[outputs.when]}"
            raise Unanswerable(f"it is asked of the logit of two classes, and this network has {said}")

    def reason_not_to_judge(self, bag_of_words: float | None) -> str:
        """Return why no claim on the network is judged, given a bag of words' accuracy; nothing where they are.

        It has to tell classes better than chance, and no worse than a bag of words.
        """
        targets = self.task.test.targets
        if not isinstance(self.network.outputs, Classes):
            return ""
        chance = float(np.unique(targets, return_counts=True)[1].max() / len(targets))
        return reason_not_to_judge(self.test_accuracy, chance, bag_of_words, len(targets))

    def neutral_input(self, choice: Neutral) -> Float[Tensor, " input"]:
        """Return an input that says nothing: zero; or the mean of all inputs of the training split, as they are read.

        Of words it is the mean of their embeddings by how often they are read. So the unknown word counts as often as
        words are read as it; padding, which is not read, does not.
        """
        encoder, inputs = self.network.embedding, self.task.train.inputs
        if choice == "zero":
            return self.network.readout.weight.detach().new_zeros(self.network.cell.input_size)
        if not isinstance(encoder, nn.Embedding):
            embedded = self.embed(torch.from_numpy(inputs))
            return embedded.double().mean(dim=0).to(embedded.dtype)
        weight = encoder.weight.detach()
        counts = np.bincount(inputs, minlength=len(weight)).astype(np.float64)
        counts[PADDING] = 0
        shares = torch.from_numpy(counts / counts.sum()).to(weight.device)
        return (shares @ weight.double()).to(weight.dtype)

    @cached_property
    def bag_of_words(self) -> BagOfWords:
        """The baseline that knows no order.

        Raises
        ------
        Unanswerable
            If there are not two classes.
        """
        self.check_two_classes()
        return self._documents.bag_of_words

    @cached_property
    def probes(self) -> Probes:
        """Inputs of which the task knows what they say, such as words by valence.

        Raises
        ------
        Unanswerable
            If there are none.
        """
        try:
            found = self.task.probes()
        except ValueError as error:
            raise Unanswerable(str(error)) from error
        if found is None:
            raise Unanswerable(f"the task {self.task.name} has no inputs of which it is known what they say")
        return found

    @property
    def vocabulary(self) -> Float[Tensor, "symbol input"]:
        """The embeddings of all words, or other symbols.

        Raises
        ------
        Unanswerable
            If the task is of no symbols.
        """
        encoder = self.network.embedding
        if not isinstance(encoder, nn.Embedding):
            raise Unanswerable(f"the task {self.task.name} has no symbols")
        return encoder.weight.detach()

    def embed(self, inputs: Shaped[Tensor, ...]) -> Float[Tensor, "... input"]:
        """Return inputs, such as words, as the recurrent network gets them."""
        there = inputs.to(self.network.readout.weight) if inputs.is_floating_point() else inputs.to(self.device)
        with torch.no_grad():
            embedded: Tensor = self.network.embedding(there)
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
