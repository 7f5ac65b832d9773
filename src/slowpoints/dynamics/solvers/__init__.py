"""Ways to find fixed points, one per file."""

from slowpoints.dynamics.solvers.adam import Adam
from slowpoints.dynamics.solvers.levenberg_marquardt import LevenbergMarquardt
from slowpoints.dynamics.solvers.solver import Front, Solver

__all__ = ["Adam", "Front", "LevenbergMarquardt", "Solver"]
