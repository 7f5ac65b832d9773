"""The search for fixed points of a recurrent network, from states that it visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from slowpoints.dynamics.checks import InvalidInput, as_points, check_positive, check_precision
from slowpoints.dynamics.fixed_points import FixedPoints, Status
from slowpoints.dynamics.region import Region
from slowpoints.dynamics.solve import Solution, solve
from slowpoints.dynamics.solvers import LevenbergMarquardt, Solver
from slowpoints.dynamics.system import System, as_system
from slowpoints.dynamics.tolerances import Usual, tolerance_of, usual_levels

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from slowpoints.cells.jacobians import Step
    from slowpoints.dynamics.calls import GivenStep
    from slowpoints.dynamics.checks import Array

CPU_MEMORY = 1 << 26  # bytes worked on at once: on the CPU, what stays in its caches is solved twice as fast
MEMORY = 1 << 30  # elsewhere: enough points at once to keep the device busy
SAMPLE = 4096  # states are enough to know where the network goes


def find_fixed_points(
    network: Step | nn.Module,
    states: Array,
    input: Array | None = None,
    *,
    solver: Solver | None = None,
    tolerance: float | None = None,
    slow_tolerance: float | None = None,
    typical_step: float | None = None,
    region: Region | Literal["states"] | None = "states",
    memory: int | None = None,
    step: GivenStep | None = None,
    dtype: torch.dtype = torch.float64,
    progress: bool = False,
) -> FixedPoints:
    """Find where a network under constant input stands still, from each of many initial states.

    Each point stops on its own as soon as `q(h) = ||h - F(h, x)||^2 / N` is below the tolerance. It is not improved
    further: minimised to machine precision, the slow points of a line attractor slide along it into the few exact fixed
    points, and the line is no longer seen.

    Parameters
    ----------
    network
        A `Cell`, one of torch's recurrent modules, a module whose forward names its arguments, or any function
        `(state, input) -> state`, or `(state) -> state`, on batches. A module is copied before its precision is
        changed, and stays as it is. A function is called in `dtype`, or in the precision in which it can compute.
    states
        Initial states `(point, state)`, best drawn from those that the network visits (`sample_states`); or one state.
    input
        The constant input x, `(input,)` for all points or `(point, input)`; zeros where None.
    solver
        `LevenbergMarquardt()` where None, or `Adam()`.
    tolerance
        q below which a point has converged. Where None, 1e-8; but for a network that takes small steps, which is
        slow everywhere, as much less as its squared pace is below .0025. The pace is the root mean square of
        `I - dF/dh` over directions, its median over the initial states: about a for `h + a (G(h) - h)`. The record says
        what was used.
    slow_tolerance
        q below which a point that has not converged is called slow. Where None, 1e-5, or less as above.
    typical_step
        How far the network moves in a step while it does its task, `slowpoints.typical_step(states)`. It makes slowness
        relative: tolerances that are not given are then those at which a point moves by .01 (fixed) and .1 (slow) of
        it, `(.01 * typical_step)^2 / N`, and `points.relative_speed` says how far each one moves.
    region
        Points that end beyond it are marked as outside. By default it is `Region.around(states)`, for initial states
        that are not all the same; None for no limit. Points beyond what a cell's states can be (`Cell.bounds`), by more
        than the cell would move from there, are outside in any case.
    memory
        Bytes that the points in work may take in each thread; others wait. By default 64 MiB on the CPU, 1 GiB
        elsewhere.
    step
        How the network is called, `(network, state, input) -> state`, where it does not tell by the names of its
        arguments: `step=lambda module, state, input: module(input, state)`.
    dtype
        Precision of the search and of its result.
    progress
        Whether to show a progress bar.

    Returns
    -------
    FixedPoints
        One entry for each initial state, in their order, on their device.

    Raises
    ------
    InvalidInput
        For states that are not finite, shapes that do not fit the network or one another, mixed devices, impossible
        options, a plain function without `input`, or a step that is random, couples the rows of its batch, or does not
        tell which of its arguments is the state.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import find_fixed_points
    >>> found = find_fixed_points(lambda h: torch.tanh(2 * h), torch.tensor([[-1.5], [0.8]]))
    >>> found.location.flatten().round(decimals=3).tolist(), found.counts()["converged"]
    ([-0.958, 0.958], 2)

    References
    ----------
    Sussillo & Barak (2013), Neural Computation 25; Golub & Sussillo (2018), JOSS 3(31), 1003; Maheswaranathan et al.
    (2019), arXiv 1906.10720, section 3.
    """
    search = _Search(
        solver or LevenbergMarquardt(), slow_tolerance, typical_step, region, memory, step, dtype, progress
    )
    if tolerance is not None:
        check_positive(tolerance, "tolerance")
    tolerances = None if tolerance is None else (tolerance,)
    (found,) = search(network, states, input, tolerances, levels=(search.usual.fixed,)).values()
    return found


def sweep_tolerances(
    network: Step | nn.Module,
    states: Array,
    input: Array | None = None,
    *,
    solver: Solver | None = None,
    tolerances: Sequence[float] | None = None,
    levels: Sequence[float] | None = None,
    slow_tolerance: float | None = None,
    typical_step: float | None = None,
    region: Region | Literal["states"] | None = "states",
    memory: int | None = None,
    step: GivenStep | None = None,
    dtype: torch.dtype = torch.float64,
    progress: bool = False,
) -> dict[float, FixedPoints]:
    """Find fixed points to several tolerances in one search: what is found depends on where points stop.

    The results are those of `find_fixed_points` at each tolerance, at the cost of the smallest one alone. Parameters
    and errors are those of `find_fixed_points`, and:

    Parameters
    ----------
    tolerances
        Several values of q. Where neither they nor levels are given, from 1e-6 to 1e-10 (less for a network that takes
        small steps); with a typical step, levels .3, .1, .03 and .01.
    levels
        Several relative speeds in their place, shares of the typical step, such as `levels=(.1, .01)`.

    Returns
    -------
    dict[float, FixedPoints]
        The record of each tolerance, or of each level, from the largest to the smallest.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import sweep_tolerances
    >>> starts = torch.linspace(-1, 1, 5).unsqueeze(1)
    >>> found = sweep_tolerances(lambda h: torch.tanh(h), starts, tolerances=(1e-4, 1e-8))
    >>> [round(points.location.max().item(), 2) for points in found.values()]  # slow at 0, where points slide to
    [0.25, 0.06]
    """
    tolerances, levels = _numbers(tolerances, "tolerances", 1e-8), _numbers(levels, "levels", 0.1)
    if levels is not None and (tolerances is not None or typical_step is None):
        raise InvalidInput(
            "levels are shares of the network's typical step: give typical_step=typical_step(states), and no tolerances"
        )
    search = _Search(
        solver or LevenbergMarquardt(), slow_tolerance, typical_step, region, memory, step, dtype, progress
    )
    return search(network, states, input, tolerances, levels or search.usual.several)


def _numbers(given: Sequence[float] | None, name: str, such: float) -> list[float] | None:
    if given is None:
        return None
    if not len(given):
        raise InvalidInput(f"{name} is empty: give at least one, such as {such}")
    for number in given:
        check_positive(number, f"each of {name}")
    return [float(number) for number in given]


@dataclass(frozen=True)
class _Search:
    """The options of a search, checked; see `find_fixed_points`."""

    solver: Solver
    slow_tolerance: float | None
    typical_step: float | None
    region: Region | Literal["states"] | None
    memory: int | None
    step: GivenStep | None
    dtype: torch.dtype
    progress: bool

    def __post_init__(self) -> None:
        for name in ("slow_tolerance", "typical_step", "memory"):
            if getattr(self, name) is not None:
                check_positive(getattr(self, name), name)
        check_precision(self.dtype)
        made = not isinstance(self.solver, type)
        if not (made and hasattr(self.solver, "start") and hasattr(self.solver, "step")):
            raise InvalidInput(f"solver must be a solver, such as LevenbergMarquardt() or Adam(), not {self.solver!r}")
        if not (self.region is None or self.region == "states" or isinstance(self.region, Region)):
            raise InvalidInput(f'region must be "states", None or a Region, not {self.region!r}')

    @property
    def usual(self) -> Usual:
        """Levels where none are given."""
        return usual_levels(self.typical_step)

    def __call__(
        self,
        network: Step | nn.Module,
        states: Array,
        input: Array | None,
        tolerances: Sequence[float] | None,
        levels: Sequence[float],
    ) -> dict[float, FixedPoints]:
        """Return the record of each tolerance, the largest first; where there are none, of each level.

        Levels of relative speed are told by themselves, those of q by what they are at the network's pace.
        """
        starts = as_points(states)
        with torch.inference_mode(False), torch.no_grad():
            system, starts, inputs = as_system(network, starts, input, self.dtype, self.step)
            to_q = tolerance_of(system, starts, inputs, self.typical_step)
            in_q = tolerances or [to_q(level) for level in levels]
            names = in_q if tolerances or self.typical_step is None else levels
            falling = sorted(set(in_q), reverse=True)
            memory = int(self.memory or 0) or (CPU_MEMORY if starts.device.type == "cpu" else MEMORY)
            solution = solve(self.solver, system, starts, inputs, falling, memory, self.progress)
            region = _region_of(starts) if self.region == "states" else self.region
            slow = self.slow_tolerance or to_q(self.usual.slow)
            found = {
                tolerance: _record(solution, row, system, region, starts, inputs, tolerance, slow, self.typical_step)
                for row, tolerance in enumerate(falling)
            }
        return {name: found[q] for name, q in sorted(zip(names, in_q, strict=True), reverse=True)}


def _region_of(starts: Float[Tensor, "point state"]) -> Region | None:
    """Return the region around the initial states, or around some of very many, evenly chosen."""
    some = starts[:: -(-len(starts) // SAMPLE)]
    return Region.around(some) if (some != some[0]).any() else None


def _outside(
    location: Tensor, q: Tensor, region: Region | None, bounds: tuple[Tensor, Tensor] | None
) -> Bool[Tensor, " point"]:
    """Say which points are where the network never comes; beyond bounds counts what one more step does not undo."""
    outside = torch.zeros_like(q, dtype=torch.bool) if region is None else ~region.contains(location)
    if bounds is not None:
        lower, upper = (bound.to(location) for bound in bounds)  # which are where they were made, on the CPU
        beyond = torch.maximum(lower - location, location - upper).amax(dim=1)
        outside = outside | (beyond > (location.shape[1] * q).sqrt())
    return outside


def _record(
    solution: Solution,
    row: int,
    system: System,
    region: Region | None,
    starts: Tensor,
    inputs: Tensor,
    tolerance: float,
    slow_tolerance: float,
    typical_step: float | None,
) -> FixedPoints:
    location, q = solution.location[row], solution.q[row]
    status = torch.full(q.shape, Status.NOT_CONVERGED, dtype=torch.int8, device=q.device)
    status[q < slow_tolerance] = Status.SLOW
    status[q < tolerance] = Status.CONVERGED
    status[~(torch.isfinite(q) & torch.isfinite(location).all(dim=1))] = Status.DIVERGED
    return FixedPoints(
        location=location,
        q=q,
        status=status,
        outside=_outside(location, q, region, system.bounds),
        iterations=solution.iterations[row],
        displacement=(location - starts).norm(dim=1),
        input=inputs.clone(),
        index=torch.arange(len(starts), device=starts.device),
        starts=starts.clone(),
        tolerance=tolerance,
        slow_tolerance=slow_tolerance,
        typical_step=typical_step,
    )
