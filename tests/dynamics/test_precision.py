"""In which precision a user's step is called, and which kinds of numbers are taken."""

import numpy as np
import pytest
import torch
from networks import normal
from torch import nn
from two_units import EIGENVALUES, WEIGHT, ZERO, followed, in_single, magnitudes

from slowpoints.dynamics import (
    InvalidInput,
    LevenbergMarquardt,
    find_fixed_points,
    linearize,
    random_overlaps,
    relaxation,
    sample_states,
    visited_states,
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("step", [in_single, followed])
def test_a_function_is_called_in_the_precision_that_it_can_compute_in(step, dtype):
    points = find_fixed_points(step, normal(20, 2, dtype=torch.float32), torch.zeros(2), dtype=dtype)
    assert len(points.converged.unique(0.1)) == 3
    linear = linearize(step, points, dtype=dtype)
    changes = relaxation(step, points.location + 0.1, points.input, dtype=dtype)
    assert points.location.dtype == linear.recurrent_jacobian.dtype == changes.dtype == dtype
    assert magnitudes(step, ZERO, ZERO, dtype=dtype) == pytest.approx(EIGENVALUES, rel=1e-5)


class PlainWeight(nn.Module):
    """Its weight is no parameter, so that it is not converted with the module."""

    def __init__(self):
        super().__init__()
        self.weight = WEIGHT.float()

    def forward(self, state, input):
        return torch.tanh(state @ self.weight.T + input)


def test_a_module_that_cannot_be_converted_is_called_in_its_own_precision():
    assert magnitudes(PlainWeight(), ZERO, ZERO) == pytest.approx(EIGENVALUES, rel=1e-5)


def test_the_reason_of_a_failure_is_not_hidden_by_precision():
    with pytest.raises(InvalidInput, match=r"cannot be multiplied|must match|size mismatch"):
        find_fixed_points(in_single, normal(4, 3), torch.zeros(2))


def test_whole_numbers_of_numpy_are_taken():
    count = np.int64(3)
    assert sample_states(normal(9, 2), count, seed=count).shape == (3, 2)
    assert linearize(followed, ZERO, ZERO, modes=np.int64(2)).modes.eigenvalues.shape == (1, 2)
    solver = LevenbergMarquardt(max_iterations=np.int64(20))
    assert len(find_fixed_points(followed, normal(9, 2), ZERO, solver=solver, memory=np.int64(4000))) == 9
    assert relaxation(followed, normal(9, 2), ZERO, steps=count).shape == (3, 9)
    assert random_overlaps(np.int64(9), count).shape == (3,)
    with pytest.raises(InvalidInput, match="whole number"):
        relaxation(followed, normal(9, 2), ZERO, steps=True)


def test_lengths_may_be_a_list():
    states = normal(2, 3, 4)
    expected = visited_states(states, torch.tensor([1, 3]))
    for lengths in ([1, 3], np.array([1, 3])):
        assert torch.equal(visited_states(states, lengths), expected)
    packed = nn.utils.rnn.pack_padded_sequence(states, [3, 1], batch_first=True)
    with pytest.raises(InvalidInput, match="padded tensor"):
        visited_states(packed, [3, 1])
