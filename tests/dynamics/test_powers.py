"""Modes found from powers are those of full decompositions, and none is missed."""

import pytest
import torch

from slowpoints.dynamics import eigenmodes, spectrum
from slowpoints.dynamics.powers import leading_modes

SIZE, COUNT = 128, 3


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def memory_network(largest: float = 0.99) -> torch.Tensor:
    """Return a matrix like a trained network's: many eigenvalues close to 1, complex pairs, vectors not orthogonal."""
    blocks = torch.diag(torch.linspace(0.3, largest, SIZE, dtype=torch.float64))
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


def intruded(matrix: torch.Tensor, value: float | complex) -> torch.Tensor:
    """Give small eigenvalues of a matrix, two where the new one is complex, another value, and their vectors to it."""
    values, vectors = torch.linalg.eig(matrix)
    kind = values.imag > 0 if isinstance(value, complex) else values.imag == 0
    smallest = int(values.abs().masked_fill(~kind, torch.inf).argmin())
    right, left = vectors[:, smallest], torch.linalg.inv(vectors)[smallest]
    change = torch.outer((value - values[smallest]) * right, left)
    return matrix + (2 * change.real if isinstance(value, complex) else change.real)


def assert_leading(matrices: torch.Tensor, eigenvalues: torch.Tensor, count: int = COUNT) -> None:
    for found, known in zip(eigenvalues, spectrum(matrices), strict=True):
        torch.testing.assert_close(found.abs(), known[known.imag >= 0][:count].abs(), atol=1e-10, rtol=0)


@pytest.mark.parametrize("value", [-0.995, 0.992, 1.5, -1.5, 0.993j, 0.6 + 0.8j])
def test_a_leading_mode_is_found_wherever_it_lies(value):
    """The intruder's vectors are those of small eigenvalues, and its neighbours in the batch know nothing of it."""
    matrices = along_a_line(5, 1e-5)
    matrices[3] = intruded(matrices[3], value)
    found = leading_modes(matrices, COUNT)
    assert sorted(found.rows.tolist()) == list(range(5))  # none had to be given up
    assert found.eigenvalues[found.rows == 3][0].abs().sub(abs(value)).abs().min() < 1e-9
    assert_leading(matrices, found.eigenvalues[found.rows.argsort()])


@pytest.mark.parametrize("change", [0.0, 1e-4, 1e-2, 1e-1])
@pytest.mark.parametrize("count", [1, COUNT, 8])
def test_modes_of_many_matrices_are_right_near_and_far(change, count):
    matrices = along_a_line(12, change)
    modes = eigenmodes(matrices, count)
    assert_leading(matrices, modes.eigenvalues, count)
    assert modes.residual.max() < 1e-10
    assert modes.trusted.all()
    products = modes.left @ modes.right.mT
    torch.testing.assert_close(products, torch.eye(count).to(products).expand_as(products), atol=1e-8, rtol=0)


@pytest.mark.parametrize("second", [0.9, 0.5, 0.1])
def test_one_slow_mode_far_above_the_others_does_not_hide_them(second):
    matrix = intruded(memory_network(second), 1.001)[None]
    assert_leading(matrix, eigenmodes(matrix, COUNT).eigenvalues)
    if second >= 0.5:  # others are left to a decomposition
        assert leading_modes(matrix, COUNT).rows.tolist() == [0]


def test_eigenvalues_on_a_circle_are_left_to_a_decomposition():
    """All have the same magnitude: no power sets three apart."""
    matrix = 0.98 * torch.linalg.qr(normal(SIZE, SIZE))[0][None]
    assert len(leading_modes(matrix, COUNT).rows) == 0
    torch.testing.assert_close(eigenmodes(matrix, COUNT).eigenvalues.abs(), torch.full((1, COUNT), 0.98).double())


def test_an_eigenvalue_that_is_there_twice_is_not_missed():
    """A Krylov space of one vector holds one direction of each eigenvalue."""
    vectors = torch.linalg.qr(normal(SIZE, SIZE))[0]
    values = torch.linspace(0.0, 0.9, SIZE, dtype=torch.float64)
    values[-3:] = torch.tensor([0.95, 0.97, 0.97], dtype=torch.float64)
    matrix = (vectors @ torch.diag(values) @ vectors.T)[None]
    modes = eigenmodes(matrix, COUNT)
    expected = torch.tensor([[0.97, 0.97, 0.95]], dtype=torch.float64)
    torch.testing.assert_close(modes.eigenvalues.abs(), expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("rank", [0, 1, 2, 10])
def test_matrices_of_low_rank_have_their_modes(rank):
    matrix = 0.1 * (normal(SIZE, rank) @ normal(rank, SIZE, seed=1))[None]
    modes = eigenmodes(matrix, COUNT)
    assert_leading(matrix, modes.eigenvalues)


def test_modes_that_grow_are_counted_beyond_those_found():
    matrix = memory_network(1.3)[None]
    values = spectrum(matrix)[0]
    modes = eigenmodes(matrix, COUNT)
    assert modes.unstable.item() == int(((values.abs() > 1) & (values.imag >= 0)).sum()) > COUNT
    assert modes.unstable_eigenvalues.item() == int((values.abs() > 1).sum())


def test_order_and_company_do_not_matter():
    matrices = along_a_line(20, 1e-4)
    together, backwards = eigenmodes(matrices, COUNT), eigenmodes(matrices.flip(0), COUNT)
    alone = eigenmodes(matrices[:1], COUNT)
    torch.testing.assert_close(backwards.eigenvalues.flip(0), together.eigenvalues, atol=1e-10, rtol=0)
    torch.testing.assert_close(backwards.left.flip(0), together.left, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(alone.right, together.right[:1], atol=1e-7, rtol=0)


def test_matrices_without_a_basis_of_vectors_keep_their_leading_modes():
    matrix = torch.diag(torch.linspace(0.1, 0.9, SIZE, dtype=torch.float64))
    matrix[0, 1], matrix[1, 1] = 1.0, matrix[0, 0]  # a Jordan block far below
    modes = eigenmodes(matrix[None], COUNT)
    torch.testing.assert_close(modes.eigenvalues[0].real, matrix.diagonal().flip(0)[:COUNT], atol=1e-10, rtol=0)
    assert modes.trusted.all()
