import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import bistable_network, line_attractor, linear_network, rotation

from slowpoints.cells import GRU, LSTM, UGRNN, VanillaRNN
from slowpoints.dynamics import (
    InvalidInput,
    eigenmodes,
    find_fixed_points,
    input_effects,
    input_projections,
    linearize,
    mode_overlaps,
    random_overlaps,
    spectrum,
    time_constants,
)

CELLS = [GRU, LSTM, UGRNN, VanillaRNN]


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


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


@pytest.mark.parametrize("kind", CELLS)
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


@pytest.mark.parametrize("kind", CELLS)
def test_jacobians_are_those_of_differences(kind):
    torch.manual_seed(0)
    cell = kind(3, 6)
    states, inputs = 0.3 * normal(4, cell.state_size), normal(4, 3, seed=1)
    found = linearize(cell, states, inputs, modes=2)
    change, input_change = 1e-6 * normal(4, cell.state_size, seed=2), 1e-6 * normal(4, 3, seed=3)
    double = cell.double()
    with torch.no_grad():
        moved = double.step(states + change, inputs + input_change) - double.step(states, inputs)
        torch.testing.assert_close(found.image, double.step(states, inputs))
    linear = found.recurrent_jacobian @ change[..., None] + found.input_jacobian @ input_change[..., None]
    torch.testing.assert_close(moved, linear.squeeze(-1), rtol=1e-4, atol=1e-10)


@pytest.mark.parametrize("kind", CELLS)
def test_a_function_linearises_as_its_cell_does(kind):
    torch.manual_seed(0)
    cell = kind(3, 6).double()
    states = 0.3 * normal(4, cell.state_size)
    by_cell = linearize(cell, states)
    by_function = linearize(lambda h, x: cell.step(h, x), states, torch.zeros(3))
    torch.testing.assert_close(by_function.recurrent_jacobian, by_cell.recurrent_jacobian)
    torch.testing.assert_close(by_function.input_jacobian, by_cell.input_jacobian)
    values, expected = by_function.modes.eigenvalues, by_cell.modes.eigenvalues
    torch.testing.assert_close(values, expected, equal_nan=True)  # NaN where pairs leave fewer modes


def test_stability_tells_saddles_from_stable_points():
    points = find_fixed_points(bistable_network, normal(100, 2), torch.zeros(2), tolerance=1e-12).unique(0.01)
    found = linearize(bistable_network, points)
    at_centre = points.location[:, 0].abs() < 0.1
    assert found.modes.unstable.tolist() == at_centre.int().tolist()
    assert len(found[at_centre]) == 1


def test_fixed_points_bring_their_own_inputs():
    inputs = normal(5, 4)
    points = find_fixed_points(linear_network(0.3 * normal(4, 4)), torch.zeros(5, 4).double(), inputs, tolerance=1e-20)
    found = linearize(linear_network(0.3 * normal(4, 4)), points)
    torch.testing.assert_close(found.input, inputs)
    torch.testing.assert_close(found.image, found.location)


def test_a_line_attractor_keeps_what_inputs_push_along_it():
    direction = normal(6) / normal(6).norm()
    starts = 3 * normal(50, 6, seed=1)
    found = linearize(line_attractor(direction), find_fixed_points(line_attractor(direction), starts, torch.zeros(6)))
    found = found.oriented(direction)
    torch.testing.assert_close(found.modes.eigenvalues[:, 0].real, torch.ones(50).double())
    torch.testing.assert_close(mode_overlaps(found, 5 * direction)[:, 0], torch.ones(50).double())
    words = normal(7, 6, seed=4)
    projections = input_projections(found, words)
    assert projections.dtype == torch.float64
    torch.testing.assert_close(projections, (words @ direction).expand(50, 7))
    torch.testing.assert_close(input_effects(found, words), words.expand(50, 7, 6))


def test_input_effects_are_seen_from_the_input_linearised_about():
    torch.manual_seed(0)
    cell = GRU(3, 6)
    about = normal(3)
    found = linearize(cell, torch.zeros(2, 6).double(), about)
    assert input_effects(found, about[None]).abs().max() < 1e-12
    assert input_projections(found, about[None]).abs().max() < 1e-12
    words = normal(4, 3, seed=1)
    expected = (input_effects(found, words).to(found.modes.left) @ found.modes.left[:, 0].unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(input_projections(found, words).to(expected), expected)


def test_random_overlaps_are_those_of_many_dimensions():
    assert random_overlaps(128, 20_000).mean().item() == pytest.approx(math.sqrt(2 / (math.pi * 128)), rel=0.02)


def test_results_do_not_depend_on_order():
    torch.manual_seed(0)
    cell = GRU(3, 8)
    states = 0.3 * normal(6, 8)
    forwards, backwards = linearize(cell, states, modes=4), linearize(cell, states.flip(0), modes=4)
    torch.testing.assert_close(backwards.modes.left.flip(0), forwards.modes.left)


@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("point, state, state", lambda: eigenmodes(normal(4, 4))),
        ("NaN", lambda: spectrum(torch.full((1, 2, 2), torch.nan))),
        ("count", lambda: eigenmodes(normal(1, 4, 4), count=0)),
        ("modes", lambda: linearize(GRU(2, 3), normal(1, 3), modes=0)),
        ("has 4 numbers", lambda: linearize(GRU(2, 3), normal(1, 4))),
        ("direction", lambda: eigenmodes(normal(1, 4, 4)).oriented(normal(3))),
        ("inputs", lambda: input_effects(linearize(GRU(2, 3), normal(1, 3)), normal(5, 3))),
        ("axis", lambda: mode_overlaps(linearize(GRU(2, 3), normal(1, 3)), normal(4))),
        ("count", lambda: random_overlaps(3, 0)),
    ],
)
def test_bad_input_is_one_clear_message(part, call):
    with pytest.raises(InvalidInput, match=part):
        call()


def test_jacobians_of_some_points_are_those_of_all():
    torch.manual_seed(0)
    cell = GRU(3, 6)
    found = linearize(cell, 0.3 * normal(70, 6), normal(70, 3, seed=1))
    rows = torch.tensor([64, 2, 33])
    torch.testing.assert_close(found[rows].recurrent_jacobian, found.recurrent_jacobian[rows])
    torch.testing.assert_close(found[rows].input_jacobian, found.input_jacobian[rows])
    vectors = normal(70, 6, seed=2)
    expected = torch.einsum("ps,psi->pi", vectors, found.input_jacobian)
    torch.testing.assert_close(found.input_sensitivity(vectors), expected)
    torch.testing.assert_close(found.input_sensitivity(1j * vectors), 1j * expected)
    words = normal(4, 3, seed=3)
    effects = torch.einsum("psi,pwi->pws", found.input_jacobian, words - found.input[:, None])
    torch.testing.assert_close(input_effects(found, words), effects)


@pytest.mark.parametrize("kind", [*CELLS, None])
def test_a_change_is_what_both_jacobians_make_of_it(kind):
    torch.manual_seed(0)
    cell = LSTM(3, 4) if kind is None else kind(3, 4)
    states = 0.3 * normal(5, cell.state_size)
    step = cell.double().step
    found = linearize((lambda h, x: step(h, x)) if kind is None else cell, states, normal(5, 3, seed=1))
    points = torch.tensor([0, 4, 4, 2])
    change, input_change = normal(4, cell.state_size, seed=2), normal(4, 3, seed=3)
    expected = torch.einsum("pij,pj->pi", found.recurrent_jacobian[points], change)
    expected = expected + torch.einsum("pij,pj->pi", found.input_jacobian[points], input_change)
    torch.testing.assert_close(found.change(points, change, input_change), expected)


def test_linearising_does_not_keep_jacobians(monkeypatch):
    """Nor does it hold more than some at once: with room for two, each of the points gets its own modes."""
    from slowpoints.dynamics import linearization

    monkeypatch.setattr(linearization, "MEMORY", 2 * 8 * 6**2)
    torch.manual_seed(0)
    states = 0.3 * normal(5, 6)
    cell = GRU(3, 6)
    found = linearize(cell, states)
    largest = max(value.numel() for value in vars(found).values() if isinstance(value, torch.Tensor))
    assert largest <= 5 * 6
    monkeypatch.undo()
    torch.testing.assert_close(found.modes.left, linearize(cell, states).modes.left)
