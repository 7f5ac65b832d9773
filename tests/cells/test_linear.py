"""The linear cell: its matrix, its eigenvalues, and whole sequences without a loop."""

import pytest
import torch
from recurrence import run_by_steps

from slowpoints import find_fixed_points, linearize
from slowpoints.cells import Linear


@pytest.mark.parametrize(("hidden", "pairs"), [(7, 2), (6, 3), (4, 0), (1, None)])
def test_the_matrix_has_the_stated_eigenvalues(hidden, pairs):
    cell = Linear(3, hidden, pairs=pairs, longest=200.0).double()
    stated = cell.eigenvalues.detach()
    both = torch.cat([stated, stated[cell.real :].conj()])
    found = torch.linalg.eigvals(cell.recurrent.detach())
    assert len(both) == hidden
    distance = (found[:, None] - both).abs()
    assert distance.min(dim=0).values.max() < 1e-9
    assert distance.min(dim=1).values.max() < 1e-9
    assert stated.abs().max() < 1


@pytest.mark.parametrize("time", [1, 2, 3, 64, 257])
def test_sequences_of_any_length_are_those_of_single_steps(time):
    torch.manual_seed(0)
    cell = Linear(3, 8).double()
    inputs, initial = torch.randn(2, time, 3).double(), torch.randn(2, 8).double()
    torch.testing.assert_close(cell.states(inputs, initial), run_by_steps(cell, inputs, initial))


def test_states_start_with_variance_one_for_white_input():
    torch.manual_seed(0)
    cell = Linear(50, 8, longest=20.0)
    assert cell.states(torch.randn(400, 100, 50))[:, -1].std().item() == pytest.approx(1, abs=0.1)


def test_it_stands_still_at_zero_alone_and_is_its_own_linearization():
    torch.manual_seed(0)
    cell = Linear(3, 8, longest=30.0)
    found = find_fixed_points(cell, torch.randn(20, 8), tolerance=1e-20).converged
    assert len(found) > 0
    assert found.location.abs().max() < 1e-6
    tau = linearize(cell, found, modes=1).modes.time_constants[:, 0]
    torch.testing.assert_close(tau, torch.full_like(tau, 30.0), rtol=1e-4, atol=0)


def test_what_is_no_linear_cell_is_refused():
    with pytest.raises(ValueError, match="pairs must be from 0 to 2, half the 5 units, not 3"):
        Linear(2, 5, pairs=3)
    with pytest.raises(ValueError, match="longest must be above 1"):
        Linear(2, 5, longest=1.0)
