"""Slowness beside a network's own typical step: what is found does not change with the scale of its states."""

import numpy as np
import pytest
import torch
from networks import SOLVERS, line_attractor, linear_network, normal

from slowpoints.dynamics import (
    FixedPoints,
    InvalidInput,
    drift,
    find_fixed_points,
    find_manifold,
    linearize,
    readout_change,
    relaxation,
    sample_states,
    sweep_tolerances,
    typical_step,
    visited_states,
)

SIZE, KEPT, LOST = 6, 0.98, 0.5  # of a leaky integrator: what is kept along its line and across it in each step
LINE = torch.eye(SIZE).double()[0]
PLACES = torch.linspace(-1, 1, 41).double()
POINTS = PLACES[:, None] * LINE


def leaky(state, input=None):
    return state * torch.tensor([KEPT] + [LOST] * (SIZE - 1), dtype=state.dtype)


def test_the_typical_step_is_the_median_over_what_is_visited():
    states = torch.tensor([[[1.0, 0.0], [1.0, 3.0], [5.0, 3.0]], [[0.0, 2.0], [0.0, 99.0], [99.0, 0.0]]])
    assert typical_step(states[:1]) == 3  # of 3 and 4, the lower
    assert typical_step(states, [3, 1]) == 3
    assert typical_step(states, [3, 1], torch.zeros(2)) == 2  # of 1, 3, 4 and 2
    assert typical_step(states, np.array([3, 0]), np.zeros((2, 2), dtype=np.float32)) == 3  # of 1, 3 and 4
    assert typical_step(10 * states, [3, 1]) == 30
    unused = states.clone()
    unused[1, 1:] = torch.nan
    assert typical_step(unused, [3, 1]) == 3


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("no step", (torch.ones(3, 1, 2),)),
        ("no step", (torch.ones(2, 5, 2), [1, 0])),
        ("NaN or infinite", (torch.full((1, 3, 2), torch.nan),)),
        ("between 0 and the 5", (torch.ones(2, 5, 2), [6, 1])),
        (r"\(batch, time, state\)", (torch.ones(5, 2),)),
        ("need lengths", (torch.ones(2, 5, 2), [5])),
        ("initial has 3 numbers", (torch.ones(2, 5, 2), [5, 5], torch.zeros(3))),
        ("initial has 3 rows for 2", (torch.ones(2, 5, 2), [5, 5], torch.zeros(3, 2))),
    ],
)
def test_what_has_no_typical_step_is_one_message(message, arguments):
    with pytest.raises(InvalidInput, match=message):
        typical_step(*arguments)


@pytest.mark.parametrize("solver", SOLVERS)
def test_relative_speed_is_the_distance_moved_in_typical_steps(solver):
    found = find_fixed_points(leaky, POINTS, torch.zeros(1), typical_step=0.5, solver=solver)
    moved = (leaky(found.location) - found.location).norm(dim=1)
    torch.testing.assert_close(found.relative_speed, moved / 0.5)
    assert found.typical_step == 0.5
    assert found.tolerance == pytest.approx((0.01 * 0.5) ** 2 / SIZE)
    assert found.slow_tolerance == pytest.approx((0.1 * 0.5) ** 2 / SIZE)
    assert (found.relative_speed < 0.01).all()
    torch.testing.assert_close(found.location[:, 0].abs().max().item() * (1 - KEPT), 0.005, rtol=0.2, atol=0)


def test_each_point_stops_where_it_first_is_slow_enough():
    levels = sweep_tolerances(leaky, 9.7 * POINTS, torch.zeros(1), typical_step=1.0, levels=(0.01, 0.1))
    assert list(levels) == [0.1, 0.01]
    for level, found in levels.items():
        assert found.converged_share == 1
        assert (found.relative_speed < level).all()
        started_slow = 9.7 * PLACES.abs() * (1 - KEPT) < level
        assert torch.equal(found.iterations == 0, started_slow)
    assert list(sweep_tolerances(leaky, POINTS, torch.zeros(1), typical_step=1.0)) == [0.3, 0.1, 0.03, 0.01]


def test_tolerances_that_are_given_are_in_q_also_with_a_typical_step():
    found = find_fixed_points(leaky, POINTS, torch.zeros(1), typical_step=0.5, tolerance=1e-3, slow_tolerance=1e-2)
    assert (found.tolerance, found.slow_tolerance) == (1e-3, 1e-2)
    several = sweep_tolerances(leaky, POINTS, torch.zeros(1), typical_step=0.5, tolerances=np.array([1e-6, 1e-4]))
    assert [(key, each.tolerance) for key, each in several.items()] == [(1e-4, 1e-4), (1e-6, 1e-6)]


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("typical_step must be above 0", {"typical_step": 0.0}),
        ("typical_step must be above 0", {"typical_step": float("nan")}),
        ("levels are shares", {"levels": (0.1,)}),
        ("levels are shares", {"levels": (0.1,), "tolerances": (1e-6,), "typical_step": 1.0}),
        ("levels is empty", {"levels": (), "typical_step": 1.0}),
        ("each of levels must be above 0", {"levels": (0.1, 0.0), "typical_step": 1.0}),
    ],
)
def test_levels_without_a_measure_are_one_message(message, options):
    with pytest.raises(InvalidInput, match=message):
        sweep_tolerances(leaky, POINTS, torch.zeros(1), **options)


def test_the_record_tells_relative_speed_only_where_it_is_known(tmp_path):
    pytest.importorskip("pandas")
    unknown = find_fixed_points(leaky, POINTS, torch.zeros(1))
    with pytest.raises(InvalidInput, match=r"typical_step=typical_step\(states\)"):
        _ = unknown.relative_speed
    assert "relative_speed" not in unknown.to_frame()
    assert "relative" not in str(unknown)

    found = find_fixed_points(leaky, POINTS, torch.zeros(1), typical_step=0.5)
    assert found.to_frame()["relative_speed"].tolist() == found.relative_speed.tolist()
    assert repr(found).endswith("relative speed 0.01))")
    assert "relative_speed" in found._repr_html_()
    found.save(tmp_path / "found.npz")
    assert torch.equal(FixedPoints.load(tmp_path / "found.npz").relative_speed, found.relative_speed)
    assert len(found[:3] + found[3:]) == len(found)
    with pytest.raises(InvalidInput, match="agree in `typical_step`"):
        found + find_fixed_points(
            leaky,
            POINTS,
            torch.zeros(1),
            typical_step=0.25,
            tolerance=found.tolerance,
            slow_tolerance=found.slow_tolerance,
        )


def test_a_leak_drifts_as_it_must():
    steps = 100
    moved = drift(leaky, POINTS, steps, torch.zeros(1))
    torch.testing.assert_close(moved, (KEPT**steps - 1) * POINTS)
    manifold = find_manifold(POINTS, visited=POINTS)
    torch.testing.assert_close(manifold.share(moved), (1 - KEPT**steps) * PLACES.abs() / 2)  # the line is 2 long
    weights = torch.stack([3 * LINE, torch.ones(SIZE).double()])
    torch.testing.assert_close(
        readout_change(moved, weights), (KEPT**steps - 1) * PLACES[:, None] * torch.tensor([3, 1])
    )
    assert readout_change(moved, weights[0, :2]).shape == (len(POINTS), 1)


def test_drift_is_under_the_points_own_input_unless_another_is_given():
    network = linear_network(torch.eye(2).double() * 0.5)
    inputs = torch.tensor([1.0, -1.0]).double()
    points = find_fixed_points(network, normal(5, 2), inputs, region=None, tolerance=1e-20)
    torch.testing.assert_close(drift(network, points, 50), torch.zeros(5, 2).double(), atol=1e-8, rtol=0)
    under_none = drift(network, points, 1, torch.zeros(2))
    torch.testing.assert_close(under_none, -inputs.expand(5, 2), atol=1e-8, rtol=0)


def test_drift_and_relaxation_go_the_same_way():
    network = line_attractor(normal(SIZE))
    starts = normal(7, SIZE, seed=1)
    one, two = (drift(network, starts, steps, torch.zeros(SIZE)) for steps in (1, 2))
    changes = relaxation(network, starts, torch.zeros(SIZE), steps=2)
    torch.testing.assert_close(one.norm(dim=1) / starts.norm(dim=1), changes[0])
    torch.testing.assert_close((two - one).norm(dim=1) / (starts + one).norm(dim=1), changes[1])


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("steps must be", lambda: drift(leaky, POINTS, 0, torch.zeros(1))),
        ("points has|points is", lambda: drift(leaky, POINTS[:0], 3, torch.zeros(1))),
        ("moved has 2 numbers", lambda: find_manifold(POINTS).share(torch.ones(3, 2))),
        ("readout has 7 weights", lambda: readout_change(POINTS, torch.ones(7))),
    ],
)
def test_impossible_drifts_are_one_message(message, call):
    with pytest.raises(InvalidInput, match=message):
        call()


def saturating(scale):
    """Nearly a line attractor, bent by tanh; its states are as large as `scale`, and inputs move it along the line."""
    weight = LOST * torch.eye(SIZE).double() + (1.01 - LOST) * torch.outer(LINE, LINE)
    mix = torch.linalg.qr(normal(SIZE, SIZE, seed=5))[0]
    weight, drive = mix @ weight @ mix.T, torch.stack([mix @ LINE, normal(SIZE)], dim=1) * torch.tensor([0.1, 0.02])
    return lambda state, input: scale * torch.tanh((state / scale) @ weight.T + input @ drive.T)


def analysed(scale):
    """Return all that the library says of this network, after inputs that come at random."""
    network = saturating(scale)
    states, inputs = [torch.zeros(30, SIZE).double()], normal(60, 30, 2, seed=3)
    for input in inputs:
        states.append(network(states[-1], input))
    trajectories = torch.stack(states[1:], dim=1)
    visited = visited_states(trajectories, [60] * 30)
    step = typical_step(trajectories, initial=torch.zeros(SIZE))
    starts = sample_states(visited, 100)
    found = sweep_tolerances(network, starts, torch.zeros(2), typical_step=step, levels=(0.1, 0.01))
    points = found[0.1]
    manifold = find_manifold(points.converged, visited=visited, readout=normal(SIZE, seed=9))
    return step, found, manifold, linearize(network, points.converged), drift(network, points.converged, 60)


def test_all_that_is_said_stays_as_it_is_when_states_are_rescaled():
    (step, found, manifold, linear, moved), (step10, found10, manifold10, linear10, moved10) = analysed(1), analysed(10)
    assert step10 == pytest.approx(10 * step)
    for level, points in found.items():
        scaled = found10[level]
        assert torch.equal(scaled.status, points.status)
        assert torch.equal(scaled.outside, points.outside)
        assert torch.equal(scaled.iterations, points.iterations)
        torch.testing.assert_close(scaled.location, 10 * points.location, rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(scaled.relative_speed, points.relative_speed, rtol=1e-5, atol=1e-9)
        torch.testing.assert_close(scaled.q, 100 * points.q, rtol=1e-5, atol=1e-9)
    assert found[0.1].converged_share > 0.5
    assert found[0.01].counts() != found[0.1].counts() or not torch.equal(found[0.01].location, found[0.1].location)
    assert str(manifold10) == str(manifold)
    torch.testing.assert_close(manifold10.place, manifold.place, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(manifold10.share(moved10), manifold.share(moved), rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(linear10.modes.eigenvalues, linear.modes.eigenvalues, rtol=1e-6, atol=1e-9)
    direction = manifold.axis
    torch.testing.assert_close(
        linear10.oriented(direction).modes.right, linear.oriented(direction).modes.right, rtol=1e-5, atol=1e-6
    )
