"""Records, drawn on matplotlib axes. Nothing else in the library needs matplotlib: it is imported when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput, as_points, as_readout, check_count, check_size
from slowpoints.dynamics.principal_components import PrincipalComponents, principal_components

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from slowpoints.dynamics.checks import Array
    from slowpoints.dynamics.eigenmodes import Eigenmodes
    from slowpoints.dynamics.fixed_points import FixedPoints
    from slowpoints.dynamics.linearization import Linearization
    from slowpoints.dynamics.manifold import Manifold

SHOWN = 10_000  # visited states that are drawn, evenly chosen
ARROW = 0.3  # length of the readout's arrow, as a share of the plot's width
NAMED = 3  # modes with a colour of their own in a spectrum
GREY, BLACK = "#D9D9D9", "#000000"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito (2008)


def _new_axes() -> Axes:
    """Return the axes of a new figure.

    Raises
    ------
    ImportError
        Where matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("plot() draws with matplotlib, which is not installed") from error
    return pyplot.subplots(layout="constrained")[1]


def plot_points(
    points: FixedPoints, axes: Axes | None = None, *, visited: Array | None = None, readout: Array | None = None
) -> Axes:
    """Draw points in the plane of two principal components, coloured by how their searches ended; return the axes.

    Parameters
    ----------
    points
        At least two, or one with visited states.
    axes
        To draw on; those of a new figure where None.
    visited
        Visited states `(visited, state)`: they are drawn too, and the plane is that of their components. That of the
        points' where None.
    readout
        Readout weights `(hidden,)` or `(axis, hidden)`: arrows, the shorter the less of them lies in the plane.

    Raises
    ------
    InvalidInput
        For fewer than two states, or shapes that do not fit.
    ImportError
        Where matplotlib is not installed.
    """
    finite = torch.isfinite(points.location).all(dim=1)
    states = points.location[finite] if visited is None else as_points(visited, "visited")
    check_size(states, points.location.shape[1], "visited", "the points' state")
    components = principal_components(states)
    rows = None if readout is None else as_readout(readout, states.shape[1])
    axes = _new_axes() if axes is None else axes
    if visited is not None:
        shown = states[:: -(-len(states) // SHOWN)]
        axes.scatter(*_plane(components, shown), s=2, color=GREY, label="visited states", rasterized=True)
    names = np.where(points.outside.cpu().numpy(), "outside", points.columns()["status"])
    x, y = _plane(components, points.location)
    for colour, name in zip(COLOURS, dict.fromkeys(names.tolist()), strict=False):
        some = names == name
        axes.scatter(x[some], y[some], s=12, color=colour, label=f"{name.replace('_', ' ')} ({some.sum()})")
    if rows is not None:
        _draw_readout(axes, components, rows)
    whose = "points" if visited is None else "visited states"
    first, second = (*components.explained[:2].tolist(), 0.0)[:2]
    axes.set_xlabel(f"first principal component of {whose} ({first:.0%} of variance)")
    axes.set_ylabel(f"second ({second:.0%})")
    axes.legend()
    return axes


def _plane(components: PrincipalComponents, states: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coordinates in the first two components; zeros in place of a second one that is not there."""
    at = components.project(states.double(), 2).cpu().numpy()
    return at[:, 0], at[:, 1] if at.shape[1] > 1 else np.zeros(len(at))


def _draw_readout(axes: Axes, components: PrincipalComponents, rows: Tensor) -> None:
    """Draw each row as an arrow from the mean, the shorter the less of it lies in the plane."""
    low, high = axes.get_xlim()
    directions = components.components[:2, : rows.shape[1]] @ rows.to(components.mean).T
    directions = ARROW * (high - low) * directions / rows.to(components.mean).norm(dim=1)
    u, v = (*directions.cpu().numpy(), np.zeros(len(rows)))[:2]
    start = np.zeros(len(rows))
    axes.quiver(start, start, u, v, angles="xy", scale_units="xy", scale=1, color=BLACK, width=0.006)
    axes.plot([], [], color=BLACK, label="readout")


def plot_spectrum(modes: Eigenmodes | Linearization, axes: Axes | None = None) -> Axes:
    """Draw the eigenvalues of all points, and both of complex pairs, against the unit circle; return the axes.

    Parameters
    ----------
    modes
        Modes, or a linearisation that has some.
    axes
        To draw on; those of a new figure where None.

    Raises
    ------
    ImportError
        Where matplotlib is not installed.
    """
    axes = _new_axes() if axes is None else axes
    circle = np.exp(2j * np.pi * np.linspace(0, 1, 361))
    axes.plot(circle.real, circle.imag, color=GREY, zorder=0)
    found: Any = modes
    values = getattr(modes, "modes", found).eigenvalues.cpu().numpy()
    for mode in range(values.shape[1]):
        named = mode < NAMED
        both = np.concatenate([values[:, mode], values[:, mode][values[:, mode].imag > 0].conj()])
        label = f"mode {mode + 1}" if named else "others" if mode == NAMED else None
        axes.scatter(
            both.real, both.imag, s=8, color=COLOURS[mode] if named else GREY, label=label, zorder=2 - mode / 1000
        )
    axes.set(xlabel="real part of the eigenvalue", ylabel="imaginary part", aspect="equal")
    axes.legend()
    return axes


def plot_time_constants(
    manifold: Manifold, linearization: Linearization, axes: Axes | None = None, *, modes: int = 3
) -> Axes:
    """Draw the leading modes' time constants at each point by its place on the manifold; return the axes.

    Modes that grow are hollow: their time constant is that of growth, not of a memory.

    Parameters
    ----------
    manifold
        Of some points.
    linearization
        Of the same points.
    axes
        To draw on; those of a new figure where None.
    modes
        How many to draw, at most.

    Raises
    ------
    InvalidInput
        Where the two have different numbers of points.
    ImportError
        Where matplotlib is not installed.
    """
    check_count(modes, "modes")
    if len(linearization) != len(manifold):
        raise InvalidInput(
            f"the linearisation has {len(linearization)} points, the manifold {len(manifold)}: both must be of the same"
        )
    axes = _new_axes() if axes is None else axes
    place = manifold.place.cpu().numpy()
    constants = linearization.time_constants.cpu().numpy()
    grows = (linearization.modes.eigenvalues.abs() > 1).cpu().numpy()
    for mode, colour in zip(range(min(modes, constants.shape[1])), COLOURS, strict=False):
        for some, face, what in ((~grows[:, mode], colour, "decays"), (grows[:, mode], "none", "grows")):
            if some.any():
                label = f"mode {mode + 1}, {what}"
                axes.scatter(place[some], constants[some, mode], s=12, facecolors=face, edgecolors=colour, label=label)
    axes.set(xlabel="place on the manifold", ylabel="time constant (steps)", yscale="log")
    axes.legend()
    return axes
