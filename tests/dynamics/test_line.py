import math

import pytest
import torch
from networks import bistable_network, line_attractor, normal, root_of_tanh

from slowpoints.dynamics import InvalidInput, drift_along, follow, linearize, rest_places, trace_line


def bent(position):
    """Points on a parabola over the first axis."""
    return torch.stack([position, 0.3 * position**2, torch.zeros_like(position)], dim=1)


FIRST = torch.tensor([1.0, 0.0, 0.0]).double()


def test_a_straight_line_is_met_exactly_and_goes_on_straight():
    direction = torch.tensor([3.0, 4.0]).double()
    points = torch.linspace(-2, 6, 50).double().unsqueeze(1) * direction / 5
    line = trace_line(points, direction, places=9)
    assert line.place.tolist() == pytest.approx([-1.5, -1.25, *torch.linspace(-1, 1, 9).tolist(), 1.25, 1.5])
    assert line.near.tolist() == [False] * 2 + [True] * 9 + [False] * 2
    torch.testing.assert_close(line.location, (2 + 4 * line.place).unsqueeze(1) * direction / 5)
    torch.testing.assert_close(line.place_of(line.location), line.place)
    assert (line.middle, line.reach) == pytest.approx((2, 4))
    moved = line.location + 0.3 * torch.tensor([-0.8, 0.6]).double()  # across the line: the place stays
    assert line.nearest(moved).tolist() == list(range(13))
    assert line.nearest(torch.tensor([[1e9, 1e9], [-1e9, 0.0]])).tolist() == [12, 0]


def test_a_bent_line_is_followed():
    line = trace_line(bent(torch.linspace(-1, 1, 400).double()), FIRST, places=41)
    inside = line.near & (line.place.abs() < 0.9)
    torch.testing.assert_close(line.location[inside], bent(line.place[inside]), atol=1e-3, rtol=0)


def test_gaps_are_bridged_and_marked():
    position = torch.cat([torch.linspace(-1, -0.45, 40), torch.linspace(0.45, 1, 40)]).double()
    line = trace_line(bent(position), FIRST, places=21)
    assert line.location.isfinite().all()
    torch.testing.assert_close(line.near, (line.place.abs() < 1.01) & (line.place.abs() > 0.35))


def test_the_scale_of_states_changes_nothing():
    points = bent(normal(60).clamp(-2, 2))
    small, large = trace_line(points, FIRST), trace_line(10 * points, 3 * FIRST)
    torch.testing.assert_close(10 * small.location, large.location)
    torch.testing.assert_close(small.place_of(points), large.place_of(10 * points))


def test_the_drift_of_a_leaking_integrator_is_its_leak():
    direction = torch.tensor([0.6, 0.8]).double()
    weight = 0.5 * torch.eye(2).double() + (0.97 - 0.5) * torch.outer(direction, direction)
    points = torch.tensor([-2.0, 0.5, 4.0]).double().unsqueeze(1) * direction
    linear = linearize(lambda state, input: state @ weight.T + input, points, torch.zeros(2).double())
    torch.testing.assert_close(drift_along(linear, direction), -0.03 * torch.tensor([-2.0, 0.5, 4.0]).double())


def test_what_is_soon_forgotten_is_no_drift():
    direction = torch.tensor([1.0, 1.0]).double()
    beside = torch.tensor([[2.0, -2.0]]).double()  # decays straight onto the line, which stands still
    linear = linearize(line_attractor(direction), beside, torch.zeros(2).double())
    assert abs(float(drift_along(linear, torch.tensor([0.8, 0.6]).double())[0])) < 1e-12


def test_a_pair_of_modes_drifts_with_both():
    angle, radius = 0.4, 0.9
    turn = radius * torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]).double()
    states = normal(4, 2)
    linear = linearize(lambda state, input: state @ turn.T + input, states, torch.zeros(2).double())
    torch.testing.assert_close(drift_along(linear, FIRST[:2]), (states @ turn.T - states)[:, 0])


def test_what_decays_more_slowly_across_the_line_is_no_drift_along_it():
    states = torch.tensor([[0.3, 2.0]]).double()
    linear = linearize(lambda state, input: state * torch.tensor([0.8, 0.99]) + input, states, torch.zeros(2).double())
    assert float(drift_along(linear, FIRST[:2])) == pytest.approx(-0.2 * 0.3)


def test_a_bistable_network_rests_at_its_two_stable_points_and_leaves_the_saddle():
    points = torch.stack([torch.linspace(-1, 1, 200), torch.zeros(200)], dim=1).double()
    line = trace_line(points, FIRST[:2], places=81)
    drift = drift_along(linearize(bistable_network, line.location, torch.zeros(2).double()), line.axis) / line.reach
    rest, stable = rest_places(line.place, drift, line.near)
    root = root_of_tanh(2.0)
    assert rest.tolist() == pytest.approx([-root, 0, root], abs=1e-3)
    assert stable.tolist() == [True, False, True]


def test_nothing_is_said_of_gaps_and_of_what_is_unknown():
    place, drift = torch.arange(6.0), torch.tensor([1.0, -1.0, -1.0, 3.0, math.nan, -2.0])
    everywhere = torch.ones(6, dtype=torch.bool)
    rest, stable = rest_places(place, drift, everywhere)
    assert rest.tolist() == [0.5, 2.25]
    assert stable.tolist() == [True, False]
    gap = everywhere.clone()
    gap[1] = False
    assert rest_places(place, drift, gap)[0].tolist() == [2.25]
    assert len(rest_places(place, 0 * drift, everywhere)[0]) == 0  # a perfect line rests everywhere, not at places


def test_what_follows_is_observed_from_the_start():
    observed = follow(
        lambda state, input: 0.5 * state + input,
        torch.tensor([[8.0], [0.0]]).double(),
        torch.tensor([1.0]).double(),
        steps=3,
        observe=lambda state: state[:, 0],
    )
    assert observed.tolist() == [[8, 0], [5, 1], [3.5, 1.5], [2.75, 1.75]]


@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("three points", lambda: trace_line(normal(2, 3), FIRST)),
        ("three places", lambda: trace_line(normal(20, 3), FIRST, places=2)),
        ("differ along the axis", lambda: trace_line(torch.zeros(5, 3), FIRST)),
        ("axis has 2 numbers", lambda: trace_line(normal(20, 3), FIRST[:2])),
        ("states has 2 numbers", lambda: trace_line(normal(20, 3), FIRST).place_of(normal(4, 2))),
    ],
)
def test_bad_input_is_one_clear_message(part, call):
    with pytest.raises(InvalidInput, match=part):
        call()
