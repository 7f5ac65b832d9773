"""What a network is to say: losses, scores and axes with known answers."""

import numpy as np
import pytest
import torch

from slowpoints.errors import UserError
from slowpoints.tasks import TWO_CLASSES, Classes, Labels, Probes, Sequences, Task, Values

LOGITS = torch.tensor([[2.0, -1.0], [0.2, 0.3], [-3.0, 0.1], [0.4, -0.2]])
THERE = torch.tensor([[1, 0], [1, 1], [0, 0], [0, 1]])
# of the first label 2 right, 1 said wrongly; of the second 1 right, 1 said wrongly, 1 not said
F1 = np.mean([2 * 2 / (2 * 2 + 1), 2 * 1 / (2 * 1 + 1 + 1)])


def test_labels_are_judged_one_by_one():
    tags = Labels(("film", "book"))
    probability = torch.sigmoid(LOGITS.double())
    expected = -torch.where(THERE == 1, probability, 1 - probability).log().mean()
    assert tags.loss(LOGITS.double(), THERE).item() == pytest.approx(expected.item())
    metric = tags.metric()
    for part in (slice(0, 1), slice(1, 2), slice(2, 4)):
        metric.update(LOGITS[part], THERE[part])
    assert metric.compute().item() == pytest.approx(F1)
    share = Labels(("film", "book"), score="label_accuracy").metric()
    share.update(LOGITS, THERE)
    assert share.compute().item() == pytest.approx(5 / 8)
    readout = torch.randn(2, 5)
    assert torch.equal(tags.evidence(readout), readout)
    with pytest.raises(ValueError, match="two names or more"):
        Labels(("film",))


def split(inputs, offsets, targets):
    return Sequences(np.asarray(inputs), np.asarray(offsets), np.asarray(targets))


@pytest.mark.parametrize(
    ("sequences", "inputs", "outputs", "message"),
    [
        (split(np.zeros((3, 1)), [0, 3], np.zeros((3, 1))), 2, Values(1), "has 1 numbers at each step; needed: 2"),
        (split([[np.nan]], [0, 1], np.zeros((1, 1))), 1, Values(1), "has inputs that are not finite"),
        (split([2, 2], [0, 2], [[np.inf], [0]]), 3, Values(1), "has targets that are not finite"),
        (split([2, 2], [0, 2], [[1, 2]]), 3, Labels(("a", "b")), "has labels other than 0 and 1"),
        (split([2, 2], [0, 2], [[1, 0, 1]]), 3, Labels(("a", "b")), "has 3 targets at each sequence; needed: 2"),
        (split([2, 2], [0, 2], [1]), 3, Labels(("a", "b")), "has 1 targets at each sequence; needed: 2"),
        (split([2, 2], [0, 2], [[1, 0]]), 3, TWO_CLASSES, r"has targets of type int64 and shape \(1, 2\)"),
        (split([2, 2], [0, 2], [0.5]), 3, TWO_CLASSES, "has targets of type float64"),
    ],
)
def test_what_does_not_fit_the_outputs_is_refused(sequences, inputs, outputs, message):
    with pytest.raises(UserError, match=f"task made: the train split {message}"):
        Task("made", sequences, sequences, sequences, inputs, outputs)


def test_splits_must_be_of_one_kind_and_one_step_may_be_last_and_every():
    one = split(np.ones((2, 1)), [0, 1, 2], [[1.0], [2.0]])
    assert one.told("last")
    assert one.told("every")
    np.testing.assert_array_equal(one.targets_of(np.array([1])), [[2.0]])
    symbols = split([2, 2], [0, 1, 2], [[1.0], [2.0]])
    with pytest.raises(UserError, match="the test split has symbols, and the train split vectors of numbers"):
        Task("made", one, one, symbols, 1, Values(1))


@pytest.mark.parametrize(
    ("names", "inputs", "labels", "message"),
    [
        ((), np.zeros(0), np.zeros((0, 1)), "got 0 names"),
        (("a",), np.zeros(1), np.zeros(1), "labels"),
        (("a",), np.zeros(2), np.zeros((1, 1)), "inputs"),
        (("a",), np.zeros(1), np.full((1, 1), 2), "must be -1, 0 or 1"),
    ],
)
def test_probes_that_do_not_fit_are_refused(names, inputs, labels, message):
    with pytest.raises(ValueError, match=message):
        Probes(names, inputs, labels)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])  # with the first, all logits are within [0, 1] but for one batch
def test_the_accuracy_of_two_classes_goes_by_the_sign_of_the_logit_whatever_its_size(scale):
    metric = TWO_CLASSES.metric()
    metric.update(scale * torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1, 1, 0]))
    metric.update(scale * torch.tensor([-1.0, 2.0]), torch.tensor([0, 1]))
    assert metric.compute().item() == pytest.approx(4 / 5)


def test_a_logit_of_zero_speaks_for_the_first_class():
    metric = TWO_CLASSES.metric()
    metric.update(torch.zeros(4), torch.tensor([0, 0, 0, 1]))
    assert metric.compute().item() == 0.75


@pytest.mark.parametrize("scale", [0.1, 10.0])
def test_the_accuracy_of_more_classes_goes_by_the_largest_output(scale):
    metric = Classes(("bad", "fair", "good")).metric()
    metric.update(scale * torch.tensor([[0.1, 0.2, 0.3], [0.9, 0.2, 0.3]]), torch.tensor([2, 1]))
    assert metric.compute().item() == 0.5
