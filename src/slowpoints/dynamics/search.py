"""The search for fixed points of a recurrent network, from states that it visits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from slowpoints.dynamics.checks import InvalidInput, as_points, check_positive, check_precision
from slowpoints.dynamics.fixed_points import FixedPoints, Status
from slowpoints.dynamics.region import Region
from slowpoints.dynamics.solve import Solution, solve
from slowpoints.dynamics.solvers import LevenbergMarquardt, Solver
from slowpoints.dynamics.system import Step, as_system, check_step

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.dynamics.checks import Array

CPU_MEMORY = 1 << 26  # bytes worked on at once: on the CPU, what stays in its caches is solved twice as fast
MEMORY = 1 << 30  # elsewhere: enough points at once to keep the device busy
SLOW = 1e-5
REGION_STATES = 4096  # are enough to know where the network goes


def find_fixed_points(
    network: Step | nn.Module,
    states: Array,
    input: Array | None = None,
    *,
    solver: Solver | None = None,
    tolerance: float = 1e-8,
    slow_tolerance: float = SLOW,
    region: Region | Literal["states"] | None = "states",
    memory: int | None = None,
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
        A `Cell`, one of torch's recurrent modules, or any `(state, input) -> state` on batches. It is copied before its
        precision is changed, and stays as it is. A plain function is called in the dtype of `states`.
    states
        Initial states `(point, state)`, best drawn from those that the network visits (`sample_states`); or one state.
    input
        The constant input x, `(input,)` for all points or `(point, input)`; zeros where None.
    solver
        `LevenbergMarquardt()` where None, or `Adam()`.
    tolerance
        Speed q below which a point has converged.
    slow_tolerance
        Speed q below which a point that has not converged is called slow.
    region
        Points that end outside it are marked so. By default it is `Region.around(states)`, for initial states that are
        not all the same; None for no limit.
    memory
        Bytes that the points in work may take in each thread; others wait. By default 64 MiB on the CPU, 1 GiB
        elsewhere.
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
        options, or a plain function without `input`.

    References
    ----------
    Sussillo & Barak (2013), Neural Computation 25; Golub & Sussillo (2018), JOSS 3(31), 1003; Maheswaranathan et al.
    (2019), arXiv 1906.10720, section 3.
    """
    return sweep_tolerances(
        network,
        states,
        input,
        solver=solver,
        tolerances=(tolerance,),
        slow_tolerance=slow_tolerance,
        region=region,
        memory=memory,
        dtype=dtype,
        progress=progress,
    )[tolerance]


def sweep_tolerances(
    network: Step | nn.Module,
    states: Array,
    input: Array | None = None,
    *,
    solver: Solver | None = None,
    tolerances: Sequence[float] = (1e-6, 1e-7, 1e-8, 1e-9, 1e-10),
    slow_tolerance: float = SLOW,
    region: Region | Literal["states"] | None = "states",
    memory: int | None = None,
    dtype: torch.dtype = torch.float64,
    progress: bool = False,
) -> dict[float, FixedPoints]:
    """Find fixed points to several tolerances in one search: what is found depends on where points stop.

    The results are those of `find_fixed_points` at each tolerance, at the cost of the smallest one alone. Parameters
    and errors are those of `find_fixed_points`; `tolerances` are several speeds q.

    Returns
    -------
    dict[float, FixedPoints]
        The record of each tolerance, from the largest tolerance to the smallest.
    """
    levels = sorted(set(tolerances), reverse=True)
    if not levels:
        raise InvalidInput("tolerances is empty: give at least one speed, such as 1e-8")
    check_positive(levels[-1], "tolerance")
    check_positive(slow_tolerance, "slow_tolerance")
    check_precision(dtype)
    _check_choices(solver, region)
    solver = LevenbergMarquardt() if solver is None else solver
    starts = as_points(states)
    if memory is None:
        memory = CPU_MEMORY if starts.device.type == "cpu" else MEMORY
    check_positive(memory, "memory")
    with torch.no_grad():
        system = as_system(network, starts, dtype)
        starts = starts.to(dtype)
        inputs = system.inputs(input, starts)
        check_step(system, starts, inputs)
        solution = solve(solver, system, starts, inputs, levels, memory, progress)
        if region == "states":
            region = _region_of(starts)
        contains = _everywhere if region is None else region.contains
        return {
            level: _record(solution, row, starts, inputs, contains, level, slow_tolerance)
            for row, level in enumerate(levels)
        }


def _region_of(starts: Float[Tensor, "point state"]) -> Region | None:
    """Return the region around the initial states, or around some of very many, evenly chosen."""
    some = starts[:: -(-len(starts) // REGION_STATES)]
    return Region.around(some) if (some != some[0]).any() else None


def _everywhere(points: Tensor) -> Tensor:
    return torch.ones(len(points), dtype=torch.bool, device=points.device)


def _check_choices(solver: object, region: object) -> None:
    if solver is not None and (isinstance(solver, type) or not (hasattr(solver, "start") and hasattr(solver, "step"))):
        raise InvalidInput(f"solver must be a solver, such as LevenbergMarquardt() or Adam(), not {solver!r}")
    if not (region is None or region == "states" or isinstance(region, Region)):
        raise InvalidInput(f'region must be "states", None or a Region, not {region!r}')


def _record(
    solution: Solution,
    row: int,
    starts: Tensor,
    inputs: Tensor,
    contains: Callable[[Tensor], Tensor],
    tolerance: float,
    slow_tolerance: float,
) -> FixedPoints:
    location, speed = solution.location[row], solution.speed[row]
    status = torch.full(speed.shape, Status.NOT_CONVERGED, dtype=torch.int8, device=speed.device)
    status[speed < slow_tolerance] = Status.SLOW
    status[speed < tolerance] = Status.CONVERGED
    status[(status != Status.NOT_CONVERGED) & ~contains(location)] = Status.OUTSIDE
    status[~(torch.isfinite(speed) & torch.isfinite(location).all(dim=1))] = Status.DIVERGED
    return FixedPoints(
        location=location,
        speed=speed,
        status=status,
        iterations=solution.iterations[row],
        displacement=(location - starts).norm(dim=1),
        input=inputs.clone(),
        index=torch.arange(len(starts), device=starts.device),
        tolerance=tolerance,
        slow_tolerance=slow_tolerance,
    )
