"""What the dynamics of a recurrent network are: fixed points, modes, manifold, effects of inputs, rollouts."""

from slowpoints.dynamics.checks import InvalidInput
from slowpoints.dynamics.decomposition import eigenmodes, spectrum
from slowpoints.dynamics.effects import input_effects, input_projections, mode_overlaps, random_overlaps
from slowpoints.dynamics.eigenmodes import Eigenmodes, time_constants
from slowpoints.dynamics.fixed_points import FixedPoints, Status
from slowpoints.dynamics.line import Line, drift_along, rest_places, trace_line
from slowpoints.dynamics.linearization import Linearization, linearize
from slowpoints.dynamics.main_axes import find_manifold
from slowpoints.dynamics.manifold import Manifold
from slowpoints.dynamics.principal_components import PrincipalComponents, principal_components
from slowpoints.dynamics.records import Record
from slowpoints.dynamics.reduction import (
    Directions,
    balanced_directions,
    input_steps,
    integrate,
    linear_input_steps,
    slowest_modes,
)
from slowpoints.dynamics.region import Region
from slowpoints.dynamics.rest import drift, follow, readout_change, relaxation
from slowpoints.dynamics.rollouts import (
    linearized_states,
    nearest_points,
    one_step_errors,
    predict_one_step,
)
from slowpoints.dynamics.sampling import sample_states, typical_step, visited_states
from slowpoints.dynamics.search import find_fixed_points, sweep_tolerances
from slowpoints.dynamics.solvers import Adam, Front, LevenbergMarquardt, Solver

__all__ = [
    "Adam",
    "Directions",
    "Eigenmodes",
    "FixedPoints",
    "Front",
    "InvalidInput",
    "LevenbergMarquardt",
    "Line",
    "Linearization",
    "Manifold",
    "PrincipalComponents",
    "Record",
    "Region",
    "Solver",
    "Status",
    "balanced_directions",
    "drift",
    "drift_along",
    "eigenmodes",
    "find_fixed_points",
    "find_manifold",
    "follow",
    "input_effects",
    "input_projections",
    "input_steps",
    "integrate",
    "linear_input_steps",
    "linearize",
    "linearized_states",
    "mode_overlaps",
    "nearest_points",
    "one_step_errors",
    "predict_one_step",
    "principal_components",
    "random_overlaps",
    "readout_change",
    "relaxation",
    "rest_places",
    "sample_states",
    "slowest_modes",
    "spectrum",
    "sweep_tolerances",
    "time_constants",
    "trace_line",
    "typical_step",
    "visited_states",
]
