"""Eigenvalues and vectors of known matrices, and which of them can be trusted."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import normal, rotation

from slowpoints.cells import GRU, LSTM, UGRNN, VanillaRNN
from slowpoints.dynamics import (
    eigenmodes,
    linearize,
    spectrum,
    time_constants,
)


def matrix_with(eigenvalues: torch.Tensor, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a real matrix with these eigenvalues, and its right vectors in columns."""
    size = len(eigenvalues)
    vectors = torch.linalg.qr(normal(size, size, seed=seed))[0] + 0.1 * normal(size, size, seed=seed + 1)
    return vectors @ torch.diag(eigenvalues) @ torch.linalg.inv(vectors), vectors


def test_known_spectrum_is_found_in_order():
    values = torch.tensor([0.2, -0.95, 0.99, 0.5, 0.0], dtype=torch.float64)
    matrix, vectors = matrix_with(values)
    modes = eigenmodes(matrix[None], count=3)
    expected = torch.tensor([0.99, -0.95, 0.5], dtype=torch.float64)
    torch.testing.assert_close(modes.eigenvalues[0].real, expected)
    assert modes.eigenvalues.imag.abs().max() == 0
    torch.testing.assert_close(modes.time_constants[0], 1 / expected.abs().log().abs())
    truth = vectors[:, 2] / vectors[:, 2].norm()
    assert abs(modes.right[0, 0].real @ truth).item() == pytest.approx(1)
    assert modes.residual.max() < 1e-12


def assert_biorthogonal(modes):
    products, found = modes.left @ modes.right.mT, ~torch.isnan(modes.residual)
    expected = torch.diag_embed(found.to(products.dtype))
    both = found.unsqueeze(1) & found.unsqueeze(2)
    torch.testing.assert_close(torch.where(both, products, 0), expected, atol=1e-8, rtol=0)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), size=st.integers(2, 40), count=st.integers(1, 6), gain=st.floats(0.1, 1.2))
def test_left_and_right_vectors_are_biorthogonal(seed, size, count, gain):
    modes = eigenmodes(gain / size**0.5 * normal(5, size, size, seed=seed), count=min(count, size))
    found = ~torch.isnan(modes.residual)
    assert found[:, 0].all()
    assert_biorthogonal(modes)
    torch.testing.assert_close(modes.right.norm(dim=-1)[found], torch.ones(int(found.sum()), dtype=torch.float64))
    assert modes.residual[found].max() < 1e-10


@pytest.mark.parametrize("kind", [GRU, LSTM, UGRNN, VanillaRNN])
@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 2**31), order=st.permutations(range(9)))
def test_linearization_does_not_depend_on_the_order_of_points(kind, seed, order):
    torch.manual_seed(seed)
    cell = kind(3, 6)
    states = 0.5 * normal(9, cell.state_size, seed=seed)
    whole, other = linearize(cell, states, modes=3), linearize(cell, states[list(order)], modes=3)
    torch.testing.assert_close(other.recurrent_jacobian, whole.recurrent_jacobian[list(order)])
    torch.testing.assert_close(
        other.modes.eigenvalues.abs(), whole.modes.eigenvalues.abs()[list(order)], equal_nan=True
    )
    assert_biorthogonal(whole.modes)


def test_a_rotation_is_one_mode():
    """Its eigenvalues are .9 exp(+-.3i): one complex pair, one mode, with its time constant from the radius."""
    found = linearize(rotation(0.3, 0.9), torch.zeros(2).double(), torch.zeros(2), modes=2)
    (value,) = found.modes.eigenvalues[0].tolist()
    assert abs(value) == pytest.approx(0.9)
    assert math.atan2(value.imag, value.real) == pytest.approx(0.3)
    assert found.time_constants.item() == pytest.approx(1 / abs(math.log(0.9)))


def test_modes_that_a_matrix_lacks_are_nan():
    turning = torch.tensor([[0.0, -0.5], [0.5, 0.0]]).double()
    resting = torch.diag(torch.tensor([0.5, 0.25]).double())
    modes = eigenmodes(torch.stack([turning, resting]), count=2)
    assert modes.eigenvalues.abs()[1].tolist() == [0.5, 0.25]
    assert modes.eigenvalues.abs()[0, 0].item() == pytest.approx(0.5)
    assert torch.isnan(modes.time_constants).tolist() == [[False, True], [False, False]]


def test_a_matrix_without_a_basis_of_vectors_keeps_its_leading_mode():
    matrix = torch.tensor([[0.9, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]).double()
    modes = eigenmodes(matrix[None], count=1)
    torch.testing.assert_close(modes.left[0, 0].real, torch.tensor([1.0, 0.0, 0.0]).double())
    assert modes.residual.item() < 1e-12


def test_all_modes_that_grow_are_counted_not_only_those_asked_for():
    """A chaotic network at rest: 89 of 100 eigenvalues lie outside the unit circle, a pair being one of 49 modes."""
    torch.manual_seed(0)
    weight = (torch.randn(100, 100) * 0.3).double()
    for count in (1, 3, 10, 100):
        modes = linearize(lambda h, x: torch.tanh(h @ weight.T + x), torch.zeros(100).double(), torch.zeros(100))
        modes = eigenmodes(modes.recurrent_jacobian, count)
        assert modes.unstable.tolist() == [49]
        assert modes.unstable_eigenvalues.tolist() == [89]


def test_what_stands_still_does_not_grow():
    direction = normal(100) / normal(100).norm()
    matrix = 0.5 * torch.eye(100).double() + 0.5 * torch.outer(direction, direction)
    growing = matrix + 1e-8 * torch.outer(direction, direction)
    assert eigenmodes(torch.stack([matrix, growing])).unstable.tolist() == [0, 1]


@pytest.mark.parametrize("size", [2, 3, 20])
def test_modes_of_a_jordan_block_cannot_be_trusted(size):
    """It has one right vector and one left vector, at right angles: no scale makes `l . r = 1`."""
    block = 0.5 * torch.eye(size).double() + torch.diag(torch.ones(size - 1).double(), 1)
    matrix = torch.block_diag(torch.tensor([[1.2]], dtype=torch.float64), block)
    turned = torch.linalg.qr(normal(size + 1, size + 1))[0]
    for each in (matrix, turned @ matrix @ turned.T):
        modes = eigenmodes(each[None], count=2)
        assert modes.trusted.tolist() == [[True, False]]
        assert modes.eigenvalues[0, 0].real.item() == pytest.approx(1.2, abs=1e-9)
        assert torch.isnan(modes.left[0, 1].real).all()
        assert torch.isnan(modes.right[0, 1].real).all()
        assert not torch.isnan(modes.eigenvalues.real).any()


def test_modes_that_can_be_told_are_trusted():
    modes = eigenmodes(0.3 * normal(5, 12, 12), count=12)
    found = ~torch.isnan(modes.residual)
    assert modes.trusted.equal(found)
    assert not found.all()  # pairs leave fewer modes than the matrix has eigenvalues
    assert eigenmodes(0.3 * normal(5, 12, 12).float()).trusted[:, 0].all()


def test_modes_of_large_matrices_are_those_of_a_full_decomposition():
    """Many eigenvalues just below 1, complex pairs, and a leading mode far from 1, as iterative solvers miss it."""
    values = torch.linspace(0.5, 0.99, 200, dtype=torch.float64)
    values[10] = -0.999
    matrix, _ = matrix_with(values)
    turned = matrix + 1e-3 * normal(200, 200, seed=5)
    batch = torch.stack([matrix, turned, turned.T])
    modes = eigenmodes(batch, count=6)
    assert modes.eigenvalues[0, 0].real.item() == pytest.approx(-0.999, abs=1e-12)
    expected = spectrum(batch)
    for found, known in zip(modes.eigenvalues, expected, strict=True):
        torch.testing.assert_close(found, known[known.imag >= 0][:6], atol=1e-11, rtol=0)
    assert modes.residual.max() < 1e-10
    products = modes.left @ modes.right.mT
    torch.testing.assert_close(products, torch.eye(6).to(products).expand(3, 6, 6), atol=1e-8, rtol=0)


def test_decompositions_in_several_threads_leave_torch_as_it_was():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        torch.manual_seed(0)
        cell, states = GRU(3, 8), 0.3 * normal(7, 8)
        found = linearize(cell, states, modes=4)
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)
        torch.testing.assert_close(linearize(cell, states, modes=4).modes.left, found.modes.left)
    finally:
        torch.set_num_threads(threads)


def test_a_few_large_matrices_are_decomposed_whatever_the_number_of_threads():
    """Torch's batched solve fails for such matrices with more than one thread (pytorch issue 142815)."""
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        for seed in range(10):
            assert eigenmodes(0.07 * normal(3, 200, 200, seed=seed), count=6).residual.max() < 1e-10
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_the_full_spectrum_is_sorted():
    values = spectrum(0.3 * normal(4, 9, 9))
    np.testing.assert_allclose(values.abs(), values.abs().sort(dim=1, descending=True).values)
    assert values.shape == (4, 9)


def test_time_constants_on_and_off_the_unit_circle():
    values = torch.tensor([1.0, math.exp(-0.1), -math.exp(0.1), 0.0], dtype=torch.float64)
    torch.testing.assert_close(time_constants(values), torch.tensor([math.inf, 10.0, 10.0, 0.0]).double())


def test_signs_follow_a_direction_and_keep_biorthogonality():
    modes = eigenmodes(0.3 * normal(5, 12, 12), count=6).oriented(normal(12, seed=3))
    along = modes.right @ normal(12, seed=3).to(modes.right)
    assert along.real.min() >= 0
    assert along.imag.abs().max() < 1e-12
    torch.testing.assert_close((modes.left * modes.right).sum(dim=-1), torch.ones(5, 6).to(along))
