import math

import pytest
import torch
from networks import bistable_network, line_attractor, linear_network, normal

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
)

CELLS = [GRU, LSTM, UGRNN, VanillaRNN]


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
