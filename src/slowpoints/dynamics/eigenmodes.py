"""The leading modes of many Jacobians: how fast a network forgets or grows along which direction."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics import plots
from slowpoints.dynamics.checks import as_points, as_tensor, check_size
from slowpoints.dynamics.records import Record

if TYPE_CHECKING:
    from jaxtyping import Bool, Complex, Float, Int

    from slowpoints.dynamics.checks import Array

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}  # to which eigenvalues and vectors must be known


@dataclass(frozen=True, repr=False)
class Eigenmodes(Record):
    """The modes of each Jacobian of a batch, by falling magnitude of the eigenvalue; a complex pair is one mode.

    Of a pair, the eigenvalue with positive imaginary part stands for both; the other's vectors are the conjugates. A
    matrix with fewer modes than others of the batch has NaN in place of the missing ones. The vectors of a mode that
    cannot be trusted are NaN too (see `trusted`).

    Attributes
    ----------
    eigenvalues
        `(point, mode)`.
    right
        `(point, mode, state)`: unit vectors r_a with `J r_a = lambda_a r_a`.
    left
        `(point, mode, state)`: vectors l_a with `l_a J = lambda_a l_a`, scaled so that `l_a . r_b = delta_ab` (no
        complex conjugate): a change v of the state excites mode a by `l_a . v`.
    residual
        `(point, mode)`: the larger of `|J r - lambda r|` and `|l J - lambda l| / |l|`.
    unstable
        `(point,)`: how many modes grow, of all that the matrix has and not only of those asked for: 0 for a stable
        point, 1 or more for a saddle. Closer to the unit circle than 1e-10 (1e-4 in single precision) none does.
    unstable_eigenvalues
        `(point,)`: the same, with both eigenvalues of a pair counted.
    """

    eigenvalues: Complex[Tensor, "point mode"]
    right: Complex[Tensor, "point mode state"]
    left: Complex[Tensor, "point mode state"]
    residual: Float[Tensor, "point mode"]
    unstable: Int[Tensor, " point"]
    unstable_eigenvalues: Int[Tensor, " point"]

    @property
    def trusted(self) -> Bool[Tensor, "point mode"]:
        """Whether there is such a mode, and it can be told from others.

        A matrix without a basis of eigenvectors, or almost without one (a Jordan block), has modes whose vectors no
        computation finds. A mode is trusted where its residual is below 1e-10 (1e-4 in single precision) of the
        matrix's Frobenius norm, and rounding in the matrix moves its eigenvalue by no more than that: to first order,
        by `|l|` times the precision. The eigenvalue of another mode is an estimate; its vectors are NaN.
        """
        return torch.isfinite(self.left.abs().sum(dim=-1))

    each, table = ("point", "mode"), ("eigenvalues", "time_constants", "residual", "trusted")
    plot = plots.plot_spectrum

    @property
    def time_constants(self) -> Float[Tensor, "point mode"]:
        """Time constants in steps, `1 / |log |lambda||`: the time to decay, or grow, by a factor e."""
        return time_constants(self.eigenvalues)

    def __str__(self) -> str:
        slowest = self.time_constants[:, :1].nanmedian().item()
        return f"{len(self)} points, slowest of {self.eigenvalues.shape[1]} time constants {slowest:.3g} (median)"

    def oriented(self, direction: Array) -> Eigenmodes:
        """Return the same modes with the signs at which `r_a . direction` `(state,)` is real and not negative.

        Signs (phases, for complex modes) of eigenvectors are arbitrary: fix them before averaging over points.

        Raises
        ------
        InvalidInput
            Where the direction has another size than the state.
        """
        along = as_points(direction, "direction")[0]
        check_size(along, self.right.shape[-1], "direction", "the state")
        along = self.right @ along.to(self.right)
        return self._turned(torch.where(along.abs() > 0, along / along.abs(), 1))

    def _turned(self, phase: Complex[Tensor, "point mode"]) -> Eigenmodes:
        phase = phase.unsqueeze(-1)
        return replace(self, right=self.right / phase, left=self.left * phase)


def time_constants(eigenvalues: Array) -> Tensor:
    """Return `1 / |log |lambda||` in steps; infinite on the unit circle, 0 for lambda = 0.

    Returns
    -------
    Tensor
        In the shape of the eigenvalues.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import time_constants
    >>> time_constants(torch.tensor([1.0, 0.99, -0.99, 0.0])).round(decimals=1).tolist()
    [inf, 99.5, 99.5, 0.0]
    """
    return 1 / as_tensor(eigenvalues, "eigenvalues").abs().log().abs()


def joined(parts: list[Eigenmodes], rows: Int[Tensor, " point"] | None = None) -> Eigenmodes:
    """Put modes together, in the order of their rows; where there are fewer than elsewhere, NaN."""
    width = max(part.eigenvalues.shape[1] for part in parts)

    def widened(values: Tensor) -> Tensor:
        if values.ndim == 1 or values.shape[1] == width:
            return values
        padding = values.new_full((len(values), width - values.shape[1], *values.shape[2:]), torch.nan)
        return torch.cat([values, padding], dim=1)

    joined = {
        field.name: torch.cat([widened(getattr(part, field.name)) for part in parts]) for field in fields(Eigenmodes)
    }
    if rows is not None:
        joined = {name: values[rows.argsort()] for name, values in joined.items()}
    return Eigenmodes(**joined)
