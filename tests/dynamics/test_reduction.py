import math

import numpy as np
import pytest
import torch
from networks import normal

from slowpoints.cells import GRU
from slowpoints.dynamics import (
    InvalidInput,
    balanced_directions,
    input_steps,
    integrate,
    linear_input_steps,
    linearize,
    slowest_modes,
    trace_line,
)

ZERO = torch.zeros(3).double()
MODES = torch.tensor([[1.0, 0.3, 0.0], [0.0, 1.0, 0.2], [0.1, 0.0, 1.0]]).double()  # right vectors, in columns
WEIGHT = MODES @ torch.diag(torch.tensor([0.99, 0.6, 0.2]).double()) @ MODES.inverse()


def leaky(state, input):
    return state @ WEIGHT.T + input


def line_and_linear(network=leaky, modes=3, places=5):
    points = torch.linspace(-3, 3, 40).double().unsqueeze(1) * MODES[:, 0]
    line = trace_line(points, MODES[:, 0], places=places)
    return line, linearize(network, line.location, ZERO, modes=modes).oriented(line.axis)


def small_gru():
    torch.manual_seed(0)
    return GRU(3, 6).double()


def test_slow_modes_keep_themselves_and_drop_the_others():
    line, linear = line_and_linear()
    one = slowest_modes(linear, 1)
    assert one.right.shape == (7, 3, 1)
    torch.testing.assert_close(one.left @ one.right, torch.ones(7, 1, 1).double())
    kept = line.location + 0.1 * MODES[:, 0]
    torch.testing.assert_close(one.restrict(line, kept), kept)
    torch.testing.assert_close(one.restrict(line, kept + 0.1 * MODES[:, 1]), kept)
    everything = slowest_modes(linear, 3)
    states = normal(20, 3)
    torch.testing.assert_close(everything.restrict(line, states), states)


def test_a_pair_is_one_mode_of_two_dimensions():
    turn = 0.9 * torch.tensor([[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]])
    weight = torch.block_diag(turn, torch.tensor([[0.1]])).double()
    linear = linearize(lambda state, input: state @ weight.T + input, normal(4, 3), ZERO)
    pair = slowest_modes(linear, 1)
    expected = torch.diag(torch.tensor([1.0, 1.0, 0.0]).double()).expand(4, 3, 3)
    torch.testing.assert_close(pair.right @ pair.left, expected)


def test_states_are_restricted_at_the_place_that_is_nearest():
    cell = small_gru()
    points = torch.linspace(-1, 1, 30).double().unsqueeze(1) * normal(6) + 0.01 * normal(30, 6, seed=1)
    line = trace_line(points, normal(6), places=7)
    few = slowest_modes(linearize(cell, line.location, ZERO, modes=2), 2)
    states = normal(50, 6, seed=2)
    expected = [
        line.location[place] + few.right[place] @ few.left[place] @ (state - line.location[place])
        for place, state in zip(line.nearest(states), states, strict=True)
    ]
    torch.testing.assert_close(few.restrict(line, states), torch.stack(expected))


def test_balanced_directions_are_those_that_are_excited_and_seen():
    weight = torch.diag(torch.tensor([0.9, 0.95, 0.8]).double())
    drive = torch.diag(torch.tensor([1.0, 0.0, 0.5]).double())  # nothing excites the slowest mode
    linear = linearize(lambda state, input: state @ weight.T + input @ drive.T, normal(2, 3), ZERO)
    found = balanced_directions(linear, torch.tensor([0.0, 1.0, 1.0]).double(), torch.eye(3), 1)
    third = torch.tensor([0.0, 0.0, 1.0]).double()  # and the first is not read out
    torch.testing.assert_close(found.right[0, :, 0] / found.right[0, 2, 0], third)
    assert abs(float(found.left[0, 0, 0])) < 1e-12
    assert float(found.left[0, 0] @ found.right[0, :, 0]) == pytest.approx(1)


def test_what_is_read_out_of_a_linear_network_needs_as_many_balanced_directions_as_it_has_modes():
    line, linear = line_and_linear()
    readout, inputs = normal(3, seed=3), normal(30, 3, seed=4)
    errors = []
    for count in (1, 2, 3):
        few = balanced_directions(linear, readout, torch.eye(3), count)
        torch.testing.assert_close(few.left @ few.right, torch.eye(count).double().expand(7, count, count))
        full = reduced = torch.zeros(1, 3).double()
        wrong = []
        for input in inputs:
            full, reduced = leaky(full, input), few.restrict(line, leaky(reduced, input))
            wrong.append(float(((full - reduced) @ readout).abs()))
        errors.append(np.mean(wrong))
    assert errors[2] < 1e-8
    assert errors[2] < errors[1] < errors[0]


def test_where_there_is_nothing_else_to_keep_directions_are_zero():
    _, linear = line_and_linear()
    few = balanced_directions(linear, MODES.inverse()[0], torch.eye(3), 3)  # sees the first mode alone
    assert torch.equal(few.right[:, :, 1:], torch.zeros_like(few.right[:, :, 1:]))
    torch.testing.assert_close(few.left[:, :1] @ few.right[:, :, :1], torch.ones(7, 1, 1).double())


def test_growing_modes_have_finite_directions():
    linear = linearize(lambda state, input: 1.2 * state + input, normal(2, 3), ZERO)
    few = balanced_directions(linear, normal(3), torch.eye(3), 1)
    assert few.right.isfinite().all()
    torch.testing.assert_close(few.left @ few.right, torch.ones(2, 1, 1).double())


def test_in_a_linear_network_inputs_move_states_by_their_projection_and_the_leak():
    line, linear = line_and_linear()
    top, inputs = slowest_modes(linear, 1), normal(7, 3)
    axis, projection = line.axis, inputs @ MODES.inverse()[0]
    leak = -0.01 * (line.location @ MODES.inverse()[0])
    expected = (leak.unsqueeze(1) + projection) * (axis @ MODES[:, 0]) / line.reach
    torch.testing.assert_close(linear_input_steps(linear, line, top, inputs), expected)
    torch.testing.assert_close(input_steps(leaky, line, top, inputs), expected)


def test_small_inputs_have_the_steps_of_the_linear_network():
    cell = small_gru()
    points = torch.linspace(-1, 1, 30).double().unsqueeze(1) * normal(6)
    line = trace_line(points, normal(6), places=5)
    linear = linearize(cell, line.location, ZERO, modes=1)
    top = slowest_modes(linear, 1)
    base = linear_input_steps(linear, line, top, ZERO)
    away = [
        (input_steps(cell.step, line, top, size * normal(4, 3)) - input_steps(cell.step, line, top, ZERO))
        - (linear_input_steps(linear, line, top, size * normal(4, 3)) - base)
        for size in (1e-3, 1e-4)
    ]
    stays = line.nearest(cell.step(line.location, ZERO.expand(len(line), -1))) == torch.arange(len(line))
    assert stays.sum() > 1  # a step from others arrives at another place, and is projected there
    assert away[1][stays].abs().max() < 0.02 * away[0][stays].abs().max()


def test_integration_is_that_of_interpolated_steps():
    generator = np.random.default_rng(0)
    place, steps = np.linspace(-1.5, 1.5, 7), generator.normal(0, 0.2, (7, 5)).astype(np.float32)
    symbols, lengths = generator.integers(0, 5, (20, 30)), generator.integers(1, 31, 20)
    found = integrate(place, steps, 0.1, symbols, lengths)
    for sequence, length, end in zip(symbols, lengths, found, strict=True):
        at = 0.1
        for symbol in sequence[:length]:
            at += np.interp(at, place, steps[:, symbol])
        assert end == pytest.approx(at, abs=1e-12)


@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("4 modes are asked for", lambda linear: slowest_modes(linear, 4)),
        ("count", lambda linear: slowest_modes(linear, 0)),
        ("spread has 2 numbers", lambda linear: balanced_directions(linear, normal(3), torch.eye(2), 1)),
        ("readout has 4 weights", lambda linear: balanced_directions(linear, normal(4), torch.eye(3), 1)),
    ],
)
def test_bad_input_is_one_clear_message(part, call):
    with pytest.raises(InvalidInput, match=part):
        call(line_and_linear()[1])
