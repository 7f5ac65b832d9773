"""Modes followed from one matrix to its neighbours are those of full decompositions, and none is missed."""

import pytest
import torch

from slowpoints.dynamics import eigenmodes, spectrum
from slowpoints.dynamics.continuation import follow
from slowpoints.dynamics.reference import SPARE, Reference, make_reference

SIZE, COUNT = 96, 6


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def memory_network() -> torch.Tensor:
    """Return a matrix like a trained network's: many eigenvalues close to 1, complex pairs, vectors not orthogonal."""
    blocks = torch.diag(torch.linspace(0.3, 0.99, SIZE, dtype=torch.float64))
    for place in range(0, SIZE - 8, 6):
        blocks[place, place + 1] = blocks[place, place] / 4
        blocks[place + 1, place] = -blocks[place, place] / 4
    vectors = torch.linalg.qr(normal(SIZE, SIZE))[0] + 0.05 * normal(SIZE, SIZE, seed=1)
    return vectors @ blocks @ torch.linalg.inv(vectors)


def along_a_line(count: int, change: float) -> torch.Tensor:
    position = torch.linspace(-1, 1, count, dtype=torch.float64)[:, None, None]
    return memory_network() + change * (
        position * normal(SIZE, SIZE, seed=2) + position**2 * normal(SIZE, SIZE, seed=3)
    )


def reference_of(matrix: torch.Tensor) -> Reference | None:
    return make_reference(matrix, *torch.linalg.eig(matrix), COUNT)


def assert_same_modes(matrices: torch.Tensor, eigenvalues: torch.Tensor) -> None:
    for found, known in zip(eigenvalues, spectrum(matrices), strict=True):
        torch.testing.assert_close(found.abs(), known[known.imag >= 0][:COUNT].abs(), atol=1e-10, rtol=0)


@pytest.mark.parametrize("change", [1e-6, 1e-4, 3e-4])
def test_modes_are_followed_to_near_matrices(change):
    matrices = along_a_line(9, change)
    found = follow(matrices, reference_of(matrices[4]), COUNT)
    assert found.rows.tolist() == list(range(9))  # none had to be given up
    assert_same_modes(matrices, found.eigenvalues)


def test_a_matrix_too_far_away_is_given_up():
    matrices = along_a_line(3, 1e-1)
    assert 0 not in follow(matrices, reference_of(matrices[1]), COUNT).rows


@pytest.mark.parametrize("value", [-0.995, 0.992, 1.5])
def test_a_leading_mode_that_the_reference_lacks_is_never_missed(value):
    """The intruder's vectors are those of a small eigenvalue, so that what is followed knows nothing of it."""
    near = along_a_line(40, 1e-5)
    values, vectors = torch.linalg.eig(near[0])
    smallest = int(values.abs().masked_fill(values.imag != 0, torch.inf).argmin())
    right, left = vectors[:, smallest].real, torch.linalg.inv(vectors)[smallest].real
    intruded = near[7] + (value - values[smallest].real) * torch.outer(right, left)
    assert follow(intruded[None], reference_of(near[0]), COUNT).rows.tolist() == []
    matrices = near.clone()
    matrices[7] = intruded
    modes = eigenmodes(matrices, COUNT)
    assert modes.eigenvalues[7].abs().tolist() == pytest.approx(
        sorted([abs(value), *modes.eigenvalues[6].abs().tolist()], reverse=True)[:COUNT], abs=1e-3
    )
    assert_same_modes(matrices, modes.eigenvalues)


@pytest.mark.parametrize("change", [0.0, 1e-5, 1e-3, 1e-1])
def test_all_modes_of_many_matrices_are_right_near_and_far(change):
    matrices = along_a_line(70, change)
    modes = eigenmodes(matrices, COUNT)
    assert_same_modes(matrices, modes.eigenvalues)
    assert modes.residual.max() < 1e-10
    products = modes.left @ modes.right.mT
    torch.testing.assert_close(products, torch.eye(COUNT).to(products).expand_as(products), atol=1e-8, rtol=0)


def test_order_and_company_do_not_matter():
    matrices = along_a_line(70, 1e-4)
    together, backwards, alone = (
        eigenmodes(matrices, COUNT),
        eigenmodes(matrices.flip(0), COUNT),
        eigenmodes(matrices[:1]),
    )
    torch.testing.assert_close(backwards.eigenvalues.flip(0), together.eigenvalues, atol=1e-10, rtol=0)
    torch.testing.assert_close(backwards.left.flip(0), together.left, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(alone.right[:, :COUNT], together.right[:1], atol=1e-7, rtol=0)


def test_matrices_without_a_basis_of_vectors_are_no_reference():
    matrix = torch.diag(torch.linspace(0.1, 0.9, SIZE, dtype=torch.float64))
    matrix[-1, -2], matrix[-2, -2] = 1.0, matrix[-1, -1]
    modes = eigenmodes(matrix.expand(20, SIZE, SIZE), COUNT)
    torch.testing.assert_close(modes.eigenvalues[:, 0].abs(), torch.full((20,), 0.9).double(), atol=1e-6, rtol=0)


def test_modes_are_followed_where_a_gap_is_just_behind_those_that_are_refined():
    values = torch.linspace(0.1, 0.5, SIZE, dtype=torch.float64)
    values[-COUNT - SPARE :] = torch.linspace(0.9, 0.99, COUNT + SPARE, dtype=torch.float64)
    vectors = torch.linalg.qr(normal(SIZE, SIZE))[0]
    matrices = vectors @ torch.diag(values) @ vectors.T + 1e-4 * normal(4, SIZE, SIZE, seed=1)
    reference = reference_of(matrices[0])
    assert reference.lead == COUNT + SPARE
    found = follow(matrices, reference, COUNT)
    assert found.rows.tolist() == [0, 1, 2, 3]
    assert_same_modes(matrices, found.eigenvalues)
