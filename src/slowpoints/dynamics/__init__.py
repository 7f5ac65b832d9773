"""What the dynamics of a recurrent network are: fixed points, and the dimensions of the states it visits."""

from slowpoints.dynamics.checks import InvalidInput
from slowpoints.dynamics.fixed_points import FixedPoints, Status
from slowpoints.dynamics.principal_components import PrincipalComponents, principal_components
from slowpoints.dynamics.region import Region
from slowpoints.dynamics.sampling import sample_states, visited_states
from slowpoints.dynamics.search import find_fixed_points, sweep_tolerances
from slowpoints.dynamics.solvers import Adam, LevenbergMarquardt, Solution, Solver

__all__ = [
    "Adam",
    "FixedPoints",
    "InvalidInput",
    "LevenbergMarquardt",
    "PrincipalComponents",
    "Region",
    "Solution",
    "Solver",
    "Status",
    "find_fixed_points",
    "principal_components",
    "sample_states",
    "sweep_tolerances",
    "visited_states",
]
