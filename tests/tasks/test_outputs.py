import pytest
import torch

from slowpoints.tasks.outputs import TWO_CLASSES, Classes


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
