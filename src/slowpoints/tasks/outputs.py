"""What a network is to say: classes or values, and what follows from that: loss, score, and axes of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss
from torchmetrics import Metric, R2Score
from torchmetrics.classification import BinaryAccuracy, MulticlassAccuracy, MultilabelAccuracy, MultilabelF1Score

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped
    from torch import Tensor


class Outputs(Protocol):
    """What a network is to say.

    Attributes
    ----------
    size
        Rows of the readout.
    when
        After the last step of a sequence, or after every step.
    score
        What the metric is called; more of it is better.
    """

    @property
    def size(self) -> int: ...  # noqa: D102

    @property
    def when(self) -> Literal["last", "every"]: ...  # noqa: D102

    @property
    def score(self) -> str: ...  # noqa: D102

    def loss(self, outputs: Float[Tensor, ...], targets: Shaped[Tensor, ...]) -> Float[Tensor, ""]:
        """Return the mean loss of a batch; a single output has no axis of its own."""
        ...

    def metric(self) -> Metric:
        """Return what measures the score, given outputs and targets."""
        ...

    def evidence(self, readout: Float[Tensor, "output hidden"]) -> Float[Tensor, "axis hidden"]:
        """Return the directions of hidden states along which what is said changes."""
        ...

    def problem_of(self, targets: Shaped[np.ndarray, ...]) -> str:
        """Return what is wrong with targets, as `has targets that are not finite`; nothing where all is right."""
        ...


@dataclass(frozen=True)
class Classes:
    """One of some classes, to be told after the last step.

    Two classes have one output, the logit of the second; more of them one each, compared by softmax.

    Attributes
    ----------
    names
        By their numbers in the targets.
    ordered
        Whether each is between its neighbours, as grades are.

    Raises
    ------
    ValueError
        If there are fewer than two, or two of one name.
    """

    names: tuple[str, ...]
    ordered: bool = False

    when: Literal["last"] = "last"
    score = "accuracy"

    def __post_init__(self) -> None:
        if len(self.names) < 2 or len(set(self.names)) < len(self.names):
            raise ValueError(f"classes need two names or more, each another, got {self.names}")

    @property
    def size(self) -> int:
        """Rows of the readout: one for two classes."""
        return 1 if len(self.names) == 2 else len(self.names)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross entropy."""
        if self.size == 1:
            return binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype))
        return cross_entropy(outputs, targets)

    def metric(self) -> Metric:
        """Return the accuracy: the share of sequences whose class has the largest output."""
        return _AccuracyOfLogits() if self.size == 1 else MulticlassAccuracy(self.size, average="micro")

    def evidence(self, readout: Tensor) -> Tensor:
        """Return one axis fewer than there are classes, since softmax knows differences alone.

        Of two classes, the readout itself; of ordered ones, each against the one below it; of others the principal axes
        of the readout's rows around their mean, as long as the rows spread along them, the largest first.
        """
        if self.size == 1:
            return readout
        if self.ordered:
            return readout[1:] - readout[:-1]
        _, spread, axes = torch.linalg.svd(readout - readout.mean(dim=0), full_matrices=False)
        return (spread[:, None] * axes)[: self.size - 1]

    def problem_of(self, targets: np.ndarray) -> str:
        """Refuse what does not number the classes."""
        if targets.ndim > 1 or not np.issubdtype(targets.dtype, np.integer):
            return f"has targets of type {targets.dtype} and shape {targets.shape}; needed: the number of a class each"
        if targets.min() < 0 or targets.max() >= len(self.names):
            return f"has classes from {targets.min()} to {targets.max()}, of {len(self.names)} from 0 on"
        return ""


@dataclass(frozen=True)
class Labels:
    """Any of some labels at once, to be told after the last step: each has an output, the logit of its presence.

    Targets are `(sequence, label)`, 0 or 1.

    Attributes
    ----------
    names
        By their columns in the targets.
    score
        `f1`, the harmonic mean of precision and recall; or `label_accuracy`, the share of sequences of which a label is
        told rightly, which is high for rare labels that are never told. Averaged over labels.

    Raises
    ------
    ValueError
        If there are fewer than two, or two of one name.
    """

    names: tuple[str, ...]
    score: Literal["f1", "label_accuracy"] = "f1"

    when: Literal["last"] = "last"

    def __post_init__(self) -> None:
        if len(self.names) < 2 or len(set(self.names)) < len(self.names):
            raise ValueError(f"labels need two names or more, each another, got {self.names}")

    @property
    def size(self) -> int:
        """Rows of the readout: one for each label."""
        return len(self.names)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean binary cross entropy over labels."""
        return binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype))

    def metric(self) -> Metric:
        """Return the score, of labels whose output is above 0."""
        return _F1OfLogits(self.size) if self.score == "f1" else _LabelAccuracyOfLogits(self.size)

    def evidence(self, readout: Tensor) -> Tensor:
        """Return the readout itself: a row for each label."""
        return readout

    def problem_of(self, targets: np.ndarray) -> str:
        """Refuse what does not say of each label whether it is there."""
        if not np.isin(targets, (0, 1)).all():
            return "has labels other than 0 and 1"
        return _problem_of_count(targets, self.size, "sequence")


@dataclass(frozen=True)
class Values:
    """Numbers, to be told after every step.

    Attributes
    ----------
    size
        How many.

    Raises
    ------
    ValueError
        If there is none.
    """

    size: int

    when: Literal["every"] = "every"
    score = "r2"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"at least 1 value is needed, got {self.size}")

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean squared error."""
        return mse_loss(outputs.reshape(targets.shape), targets)

    def metric(self) -> Metric:
        """Return the share of the values' variance that is explained."""
        return _ExplainedVariance()

    def evidence(self, readout: Tensor) -> Tensor:
        """Return the readout itself."""
        return readout

    def problem_of(self, targets: np.ndarray) -> str:
        """Refuse what is not so many finite numbers at each step."""
        if not np.isfinite(targets).all():
            return "has targets that are not finite"
        return _problem_of_count(targets, self.size, "step")


def _problem_of_count(targets: np.ndarray, size: int, each: str) -> str:
    there = targets.shape[1] if targets.ndim == 2 else 1
    return f"has {there} targets at each {each}; needed: {size}" if (targets.ndim, there) != (2, size) else ""


class _OfLogits:
    """Judges logits by their sign: torchmetrics takes those of a batch for probabilities if all are from 0 to 1."""

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Take the outputs of a batch."""
        super().update((outputs > 0).int(), targets)  # type: ignore[misc]


class _AccuracyOfLogits(_OfLogits, BinaryAccuracy):
    pass


class _F1OfLogits(_OfLogits, MultilabelF1Score):
    pass


class _LabelAccuracyOfLogits(_OfLogits, MultilabelAccuracy):
    pass


class _ExplainedVariance(R2Score):
    """The coefficient of determination, averaged over values, where a single one may have an axis or none."""

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Take the outputs of a batch."""
        super().update(outputs.reshape(targets.shape).squeeze(-1), targets.squeeze(-1))


TWO_CLASSES = Classes(("negative", "positive"), ordered=True)
