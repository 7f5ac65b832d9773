"""What records look like on matplotlib axes."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from networks import line_attractor, normal

from slowpoints.dynamics import InvalidInput, Status, find_fixed_points, find_manifold, linearize, principal_components

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

DIRECTION = normal(6) / normal(6).norm()
NETWORK = line_attractor(DIRECTION)
VISITED = 3 * normal(200, 6, seed=1)


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    pyplot.close("all")


def searched(count=30):
    return find_fixed_points(NETWORK, VISITED[:count], torch.zeros(6))


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize("kind", [torch.clone, np.asarray])
def test_points_are_drawn_in_the_plane_of_visited_states_with_the_readout(kind):
    points = searched()
    axes = points.plot(visited=kind(VISITED), readout=kind(torch.stack([DIRECTION, normal(6, seed=3)])))
    assert labels(axes) == ["visited states", "converged (30)", "readout"]
    plane = principal_components(VISITED)
    visited, drawn = (np.asarray(each.get_offsets()) for each in axes.collections[:2])
    np.testing.assert_allclose(visited, plane.project(VISITED, 2))
    np.testing.assert_allclose(drawn, plane.project(points.location, 2))
    arrows = axes.collections[2]
    np.testing.assert_allclose(
        arrows.V[0] / arrows.U[0], *(plane.components[1:2] @ DIRECTION / (plane.components[0] @ DIRECTION))
    )
    assert "visited states" in axes.get_xlabel()


def test_points_that_ended_differently_have_colours_of_their_own():
    points = searched()
    points.status[:5] = Status.NOT_CONVERGED
    points.status[5] = Status.DIVERGED
    points.location[5] = torch.nan
    axes = points.plot()
    assert labels(axes) == ["not converged (5)", "diverged (1)", "converged (24)"]
    assert "component of points (100% of variance)" in axes.get_xlabel()


def test_points_are_drawn_on_the_axes_that_are_given():
    _, axes = pyplot.subplots()
    assert searched().plot(axes) is axes
    assert len(pyplot.get_fignums()) == 1


def test_the_spectrum_shows_both_of_a_pair_inside_the_unit_circle():
    turn = torch.tensor([[0.6, 0.5, 0.0], [-0.5, 0.6, 0.0], [0.0, 0.0, 0.3]]).double()
    linear = linearize(lambda state, input: state @ turn + input, normal(4, 3), torch.zeros(3))
    for axes in (linear.plot(), linear.modes.plot()):
        pair, real = (np.unique(np.asarray(each.get_offsets()).round(6), axis=0) for each in axes.collections)
        np.testing.assert_allclose(pair, [[0.6, -0.5], [0.6, 0.5]])
        np.testing.assert_allclose(real, [[0.3, 0.0]])
        assert labels(axes) == ["mode 1", "mode 2"]
        assert np.hypot(*axes.lines[0].get_data()) == pytest.approx(1)


def test_time_constants_are_drawn_by_place_and_growing_modes_hollow():
    points = searched()
    linear, manifold = linearize(NETWORK, points), find_manifold(points)
    growing = linearize(lambda state, input: 1.1 * state + input, points)
    axes = manifold.plot(linear, modes=1)
    drawn = np.concatenate([np.asarray(each.get_offsets()) for each in axes.collections])
    np.testing.assert_allclose(np.sort(drawn[:, 0]), np.sort(manifold.place))
    assert axes.get_yscale() == "log"
    axes = manifold.plot(growing, modes=1)
    assert labels(axes) == ["mode 1, grows"]
    assert len(axes.collections[0].get_facecolor()) == 0
    np.testing.assert_allclose(np.asarray(axes.collections[0].get_offsets())[:, 1], 1 / np.log(1.1))


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("29 points, the manifold 30", lambda points: find_manifold(points).plot(linearize(NETWORK, points[1:]))),
        ("visited has 5", lambda points: points.plot(visited=normal(9, 5))),
        ("readout has 7", lambda points: points.plot(readout=normal(7))),
        ("at least two states", lambda points: points[:1].plot()),
    ],
)
def test_what_does_not_fit_is_one_clear_message_and_no_empty_figure(message, call):
    with pytest.raises(InvalidInput, match=message):
        call(searched())
    assert not pyplot.get_fignums()


def test_the_library_loads_neither_matplotlib_nor_pandas_before_they_are_asked_for():
    code = "import slowpoints.dynamics, sys; print({'matplotlib', 'pandas'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
