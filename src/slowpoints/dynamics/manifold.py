"""Where fixed points lie: along a line, a curve or a ring, in a plane or more dimensions, in pieces or one place."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from torch import Tensor

from slowpoints.dynamics import plots
from slowpoints.dynamics.checks import as_points, check_size
from slowpoints.dynamics.principal_components import PrincipalComponents
from slowpoints.dynamics.records import Record
from slowpoints.dynamics.shape import BINS, FEWEST_POINTS

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.dynamics.checks import Array
    from slowpoints.dynamics.shape import Course

SHARE = 0.9  # of the variance: held by the axes whose number is chosen from the points
# What must hold for points to be called a line
LINE_VARIANCE = 0.8
LINE_AGREEMENT = 0.9
LINE_COVERAGE = 0.5
AXIS_VARIANCE = 0.1  # of the first axis': less is no dimension of a plane or volume
CURVES = {"open": "curve", "closed": "ring", "branched": "branches"}


@dataclass(frozen=True, repr=False)
class Manifold(Record):
    """Where fixed points lie.

    Attributes
    ----------
    components
        Principal components of the points.
    axes
        `(axis, state)`: the unit vectors of the first of them, each towards positive readout where one was given.
    position
        `(point, axis)`: coordinates along the axes, from the points' mean, in units of the state.
    theta
        `(point,)`: position along a line, curve or ring in [-1, 1]. It rises with the position on the first axis; on a
        ring -1 and 1 are the same place. None where points lie along nothing of one dimension.
    points
        How many points there are.
    extent
        `(axis, 2)`: the smallest and the largest position on each axis.
    searched
        `(axis, 2)`: the range of positions in which points are looked for, that of the middle 90 % of the visited
        states where these were given, else of the states from which the points were searched. None where neither is
        known, or where those do not differ along an axis.
    coverage
        Share of `searched` in which there are points: on one axis, of 20 equal stretches; on several, of about as many
        equal cells that visited states reach. None without `searched`.
    gap
        The largest gap to be bridged from point to point, as a share of `searched`, or of `extent` without it.
    pieces
        Into how many pieces the points fall at gaps of more than a quarter.
    local_variance
        Share of the variance of a neighbourhood (a tenth of the points) in its first direction, median over points: 1
        along a curve, about 1/d in d dimensions. NaN for fewer than ten separate points.
    course
        Where points lie along a curve: whether it is "open", "closed" or "branched". None elsewhere.
    neighbours, stability, agreement
        How many neighbours the embedding that found theta used; how well it agrees with those of other numbers of
        neighbours, at worst, in [0, 1] (rank correlation |rho|); and its |rho| with the position on the first axis.
        None without theta.
    alignment
        Cosines of the principal angles between axes and readout, on the part of the state that the readout sees, the
        largest first: as many as there are axes or independent readouts, whichever are fewer. None without readout.
    """

    components: PrincipalComponents
    axes: Float[Tensor, "axis state"]
    position: Float[Tensor, "point axis"]
    theta: Float[Tensor, " point"] | None
    points: int
    extent: Float[Tensor, "axis 2"]
    searched: Float[Tensor, "axis 2"] | None
    coverage: float | None
    gap: float
    pieces: int
    local_variance: float
    course: Course | None
    neighbours: int | None
    stability: float | None
    agreement: float | None
    alignment: Float[Tensor, " angle"] | None

    whole = frozenset({"components", "axes", "extent", "searched", "alignment"})
    nested = MappingProxyType({"components": PrincipalComponents})
    table = ("position", "theta", "place")
    plot = plots.plot_time_constants

    @property
    def dimension(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @property
    def axis(self) -> Float[Tensor, " state"]:
        """The first axis m, `(state,)`."""
        return self.axes[0]

    @property
    def explained(self) -> Float[Tensor, " axis"]:
        """Share of the points' variance along each axis."""
        return self.components.explained[: self.dimension]

    @property
    def line_variance(self) -> float:
        """Share of the points' variance along the first axis."""
        return float(self.components.explained[0])

    def share(self, moved: Array) -> Float[Tensor, " point"]:
        """Return how far displacements of the state `(point, state)` go, as a share of the manifold's extent.

        Of several axes, of the longest. It is the whole way, also that across the manifold.

        Raises
        ------
        InvalidInput
            For displacements of another size than the state, or that are not finite.
        """
        moved = as_points(moved, "moved")
        check_size(moved, self.axes.shape[1], "moved", "the points' state")
        return moved.norm(dim=1) / self.extent.diff().max().to(moved)

    @property
    def reach(self) -> float | None:
        """How far the points extend along the axes, as a share of `searched`; None without it."""
        if self.searched is None:
            return None
        return float(self.extent.diff().max() / self.searched.diff().max())

    @property
    def theta_orders(self) -> bool:
        """Whether theta orders the points, whatever the number of neighbours, and on a single axis as that does.

        Where points lie in pieces with gaps between them, locally linear embedding gives a whole piece one value.
        """
        if self.stability is None or self.agreement is None:
            return False
        return min(self.stability, self.agreement if self.dimension == 1 else 1.0) >= LINE_AGREEMENT

    @property
    def place(self) -> Float[Tensor, " point"]:
        """Place on the manifold in [-1, 1]: theta where it orders the points, else their position on the first axis."""
        if self.theta is not None and self.theta_orders:
            return self.theta
        low, high = self.extent[0]
        return 2 * (self.position[:, 0] - low) / (high - low) - 1

    @property
    def shape(self) -> str:
        """What the points form.

        - `point`: one place, for all of them;
        - `pieces`: with gaps of more than a quarter of the range in between;
        - `line`: nothing speaks against it;
        - `curve`, `ring`, `branches`: of one dimension at each place, however many axes they take, and open, closed, or
          joined where more than two ends meet;
        - `plane`, `volume`: of two or more dimensions;
        - `unknown`: none of these, too few points, or points in a small part of the range, or nothing to measure their
          extent against.
        """
        if self.points < FEWEST_POINTS or self.reach is None or self.coverage is None:
            return "unknown"
        if self.reach <= 1 / BINS:
            return "point"
        if self.pieces > 1:
            return "pieces"
        if self.is_line:
            return "line"
        if self.course == "closed" or (self.course and self.dimension > 1):
            return CURVES[self.course] if self.reach >= LINE_COVERAGE else "unknown"
        explained = self.explained
        if self.dimension == 1 or self.coverage < LINE_COVERAGE or explained[-1] < AXIS_VARIANCE * explained[0]:
            return "unknown"
        return "plane" if self.dimension == 2 else "volume"

    @property
    def intrinsic_dimension(self) -> int:
        """Dimension along the manifold: 0 for a point, 1 for a line, curve or ring, else that of the axes."""
        shape = self.shape
        return 0 if shape == "point" else 1 if shape in ("line", *CURVES.values()) else self.dimension

    @property
    def objections(self) -> tuple[str, ...]:
        """What speaks against a line, each with its number; empty for a line."""
        found = []
        if self.points < FEWEST_POINTS:
            found.append(f"only {self.points} points")
        if self.line_variance < (LINE_VARIANCE if self.dimension == 1 else SHARE):
            rest = f", {self._shares()} in {self.dimension}" if self.dimension > 1 else ""
            found.append(f"only {self.line_variance:.0%} of their variance is in one dimension{rest}")
        if self.coverage is None:
            found.append("how far they reach cannot be judged without `visited` states that differ along it")
        elif self.coverage < LINE_COVERAGE:
            found.append(f"they cover only {self._covered()}")
        if self.pieces > 1:
            found.append(f"they fall into {self.pieces} pieces, with a gap of {self.gap:.0%} of the range")
        if self.course == "closed":
            found.append("they close to a ring")
        return tuple(found)

    @property
    def is_line(self) -> bool:
        """Whether nothing speaks against a line."""
        return not self.objections

    def __str__(self) -> str:
        shape = self.shape
        if shape == "unknown":
            return f"{self.points} points do not form a line: " + "; ".join(self.objections)
        if shape == "point":
            return f"{self.points} points lie in one place, and do not form a line: {'; '.join(self.objections)}"
        if shape == "pieces":
            return f"{self.points} points lie in pieces, and do not form a line: {'; '.join(self.objections)}"
        if shape != "line":
            names = {"volume": f"a volume of {self.dimension} dimensions", "branches": "a curve with branches"}
            form = names.get(shape, f"a {shape}")
            bent = " (of one dimension at each place)" if self.intrinsic_dimension == 1 else ""
            return (
                f"{self.points} points form {form}{bent}: {self._shares()} of their variance is in {self.dimension} "
                f"dimension{'s' * (self.dimension > 1)}, and they cover {self._covered()}"
            )
        text = (
            f"{self.points} points form a line: {self.line_variance:.0%} of their variance is in one "
            f"dimension, and they cover {self._covered()}"
        )
        if self.theta is None or self.theta_orders:
            return text
        return (
            f"{text}; locally linear embedding does not order them reliably (rank correlations: with the axis "
            f"{self.agreement:.2f}, between numbers of neighbours {self.stability:.2f})"
        )

    def _shares(self) -> str:
        shares = self.explained.tolist()
        each = " + ".join(f"{share:.0%}" for share in shares[:3]) + " + ..." * (len(shares) > 3)
        return f"{sum(shares):.0%}" + (f" ({each})" if len(shares) > 1 else "")

    def _covered(self) -> str:
        of = "the axis" if self.dimension == 1 else "the range that was searched"
        return f"{self.coverage:.0%} of {of}"
