"""Leading modes of large matrices from their powers, with a bound that shows that none is missed.

Squaring a matrix again and again raises its eigenvalues to a high power, which sets large ones apart from small ones
wherever in the complex plane they lie; and products of matrices are what processors do best. The Krylov spaces of such
a power and of its transpose hold the leading modes, and many more than are asked for (Saad 2011, *Numerical Methods for
Large Eigenvalue Problems*). Taken out of the power, they leave a matrix whose further powers vanish, so that no other
eigenvalue is as large (Gelfand's formula). The same powers sum the series by which the modes are refined.

Powers are in single precision, modes in double; complex vectors are kept as real rows. A matrix for which a step fails
is tried again from a lower power, and in the end left to a decomposition of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from slowpoints.dynamics.krylov import krylov, projected_modes
from slowpoints.dynamics.real_rows import as_complex, as_rows, dot, matrix_of, norm, times

if TYPE_CHECKING:
    from jaxtyping import Bool, Complex, Float, Int

SQUARINGS = (5, 4, 2)  # before modes are sought; fewer are tried where the leading ones differ much in magnitude
FURTHER = 7  # squarings of what is left without the modes found, at most
CAPTURED = 3e-3  # error of an eigenvalue up to which its mode is taken out, as a share of the matrix's mean gain
RANGE = 1e5  # of magnitudes in a power, at most: single precision sees no smaller ones beside the largest
SMALL = 0.2  # norm of the rest at which squaring ends
BOUND = 0.5  # norm of the rest at which none of its eigenvalues can be as large as those found
STEPS = 5  # of refinement, at most
RESIDUAL = 4e-12  # which refinement must reach, as a share of the matrix's norm
OVERLAP = 1e-4  # of different modes, at most: larger where two have become the same

Record = TypeVar("Record", "_Power", "_Captured")


class Modes(NamedTuple):
    """Eigenvalues by falling magnitude with their vectors, and of which matrices; for the others they are not known."""

    eigenvalues: Complex[Tensor, "point mode"]
    right: Complex[Tensor, "point mode state"]
    left: Complex[Tensor, "point mode state"]
    rows: Int[Tensor, " point"]


class _Power(NamedTuple):
    """`J^exponent = matrix * exp(log_scale)`."""

    matrix: Float[Tensor, "point state state"]
    log_scale: Float[Tensor, " point"]
    exponent: int


class _Captured(NamedTuple):
    """Approximate modes by falling magnitude, `l_a . r_b = delta_ab`; zeros where not known. Of pairs, one is there."""

    values: Complex[Tensor, "point mode"]
    right: Float[Tensor, "point 2*mode state"]
    left: Float[Tensor, "point 2*mode state"]
    known: Bool[Tensor, "point mode"]

    @property
    def pair(self) -> Bool[Tensor, "point mode"]:
        return self.known & (self.values.imag > 0)

    @property
    def weights(self) -> Float[Tensor, "point 1 row"]:
        """Return the numbers W with which `R' W L`, of real rows, projects on the modes and the conjugates of pairs."""
        twice = 1.0 + self.pair.to(self.right.dtype)
        return torch.cat([twice, -twice], dim=1).unsqueeze(1)


def dimensions(size: int, count: int) -> int:
    """Return in how many dimensions so many modes of a matrix are sought: more where many lie close together."""
    return 20 + 4 * count + size // 16


def leading_modes(jacobians: Float[Tensor, "point state state"], count: int) -> Modes:
    """Find the leading modes of those matrices of which it can be shown that none is missed.

    Parameters
    ----------
    jacobians
        `(point, state, state)`, double precision, with more states than `dimensions(state, count)`.
    count
        How many modes; a complex pair is one.
    """
    powers = _powers(jacobians)
    rows = torch.arange(len(jacobians), device=jacobians.device)
    found = []
    for squarings in SQUARINGS:
        some = [_of(power, rows) for power in powers[: squarings + 1]]
        captured = _capture(some, count)
        magnitudes = captured.values.abs().masked_fill(~captured.known, 0).sort(dim=1, descending=True).values
        spread = (magnitudes[:, 0] / magnitudes[:, count]).log() * some[-1].exponent
        here = (spread < torch.tensor(RANGE).log()).nonzero().squeeze(1)  # false where too few are known
        modes = _refined(jacobians[rows[here]], [_of(each, here) for each in some], _of(captured, here), count)
        found.append(modes._replace(rows=rows[here][modes.rows]))
        rows = rows[~torch.isin(rows, found[-1].rows)]
        if not len(rows):
            break
    return Modes(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def _of(record: Record, rows: Tensor) -> Record:
    if len(rows) == len(record[0]):  # all of them, in their order
        return record
    chosen: dict[str, Any] = {
        name: value[rows] for name, value in record._asdict().items() if isinstance(value, Tensor)
    }
    return record._replace(**chosen)


def _powers(jacobians: Float[Tensor, "point state state"]) -> list[_Power]:
    """Return the powers 1, 2, 4 and so on."""
    matrix, scale = jacobians.float(), jacobians.new_zeros(len(jacobians))
    powers = [_Power(matrix, scale, 1)]
    for number in range(SQUARINGS[0]):
        matrix = matrix @ matrix
        size = torch.linalg.matrix_norm(matrix)
        matrix /= size[:, None, None]
        scale = 2 * scale + size.double().log()
        powers.append(_Power(matrix, scale, 2 ** (number + 1)))
    return powers


def _capture(powers: list[_Power], count: int) -> _Captured:
    """Find modes in the Krylov spaces of the last power and its transpose."""
    jacobians, last = powers[0].matrix, powers[-1].matrix
    size = dimensions(last.shape[1], count)
    right, left = krylov(torch.cat([last.mT, last]), size).chunk(2)
    values, to_right, to_left = projected_modes(left @ right.mT, left @ (right @ jacobians.mT).mT, size // 2 + count)
    right, left = to_right @ right, to_left @ left
    off = norm((right @ jacobians.mT).sub_(times(values, right))) * norm(left)
    off_left = norm((left @ jacobians).sub_(times(values, left)))
    gain = torch.linalg.matrix_norm(jacobians).unsqueeze(1) / jacobians.shape[1] ** 0.5
    known = (torch.maximum(off, off_left) < CAPTURED * gain) & (values.imag >= 0)  # false for NaN
    unknown = ~known.repeat(1, 2).unsqueeze(-1)
    return _Captured(values, right.masked_fill_(unknown, 0), left.masked_fill_(unknown, 0), known)


def _rest(
    power: _Power, captured: _Captured, radius: Float[Tensor, " point"]
) -> tuple[list[Float[Tensor, "point state state"]], Bool[Tensor, " point"]]:
    """Return powers of `J / radius` without the modes, and whether they show that its eigenvalues are below 1."""
    scale = torch.exp(power.log_scale - power.exponent * radius.log()).to(power.matrix.dtype)
    matrix = power.matrix * scale[:, None, None]
    powers = [torch.baddbmm(matrix, captured.right.mT, captured.weights.mT * (captured.left @ matrix), alpha=-1)]
    size = torch.linalg.matrix_norm(powers[0])
    falling = torch.ones_like(size, dtype=torch.bool)
    while len(powers) <= FURTHER and (falling & (size > SMALL)).any():
        powers.append(powers[-1] @ powers[-1])
        before, size = size, torch.linalg.matrix_norm(powers[-1])
        falling &= size < before  # false for NaN
    return powers, size < BOUND


def _refined(jacobians: Tensor, powers: list[_Power], captured: _Captured, count: int) -> Modes:
    """Refine the leading modes, and return those of matrices of which all is shown."""
    wanted = captured.known.byte().argsort(dim=1, descending=True, stable=True)[:, : count + 1]
    # One more than is asked for, since nearly equal magnitudes may change places.
    rest, bounded = _rest(powers[-1], captured, captured.values.gather(1, wanted[:, -1:]).squeeze(1).abs())
    rows = bounded.nonzero().squeeze(1)
    if len(rows) < len(jacobians):
        jacobians, captured, wanted = jacobians[rows], _of(captured, rows), wanted[rows]
        powers, rest = [_of(power, rows) for power in powers], [each[rows] for each in rest]
    right, left, values, worst = _iterated(jacobians, _resolvent(powers, rest, captured, wanted))
    overlap = left @ right.mT
    overlap.diagonal(dim1=-2, dim2=-1).zero_()
    distinct = (overlap.abs() / left.norm(dim=-1, keepdim=True)).amax(dim=(1, 2)) < OVERLAP
    left = left - overlap @ left
    order = values.abs().argsort(dim=1, descending=True, stable=True)[:, :count]
    place = order.unsqueeze(-1).expand(-1, -1, jacobians.shape[1])
    found = (values.gather(1, order), right.gather(1, place), left.gather(1, place), rows)
    shown = (worst <= RESIDUAL) & distinct
    return Modes(*(each[shown] for each in found))


def _iterated(
    jacobians: Float[Tensor, "point state state"], resolvent: _Resolvent
) -> tuple[Tensor, Tensor, Tensor, Float[Tensor, " point"]]:
    """Refine modes; return both vectors, eigenvalues, and the largest residual of each matrix."""
    right, left = resolvent.start()
    size = torch.linalg.matrix_norm(jacobians)
    for step in range(STEPS + 1):
        right = right / norm(right).repeat(1, 2).unsqueeze(-1)
        left = times(1 / dot(left, right), left)
        image = right @ jacobians.mT
        values = dot(left, image)
        off, off_left = image - times(values, right), left @ jacobians - times(values, left)
        worst = torch.maximum(norm(off), norm(off_left) / norm(left)).amax(dim=1) / size
        if step == STEPS or not (worst > RESIDUAL).any():
            break
        change, change_left = resolvent.solve(off, off_left)
        right, left = right + change, left + change_left
    return as_complex(right), as_complex(left), values, worst


class _Resolvent(NamedTuple):
    """`(lambda - J)^-1` for the wanted eigenvalues, approximately, and without the modes themselves.

    Along the other captured modes by division; in the rest by the series of `(J / lambda)^n`, which the powers sum:
    `1 + a + a^2 + a^3 = (1 + a)(1 + a^2)`.
    """

    captured: _Captured
    wanted: Int[Tensor, "point wanted"]  # among the captured modes
    real: Bool[Tensor, "point wanted"]
    along: Complex[Tensor, "point wanted mode"]  # 1 / (lambda - mu) for the captured modes, and for their conjugates
    along_conjugates: Complex[Tensor, "point wanted mode"]
    powers: list[Float[Tensor, "point state state"]]
    factors: list[Float[Tensor, "point wanted_row wanted_row"]]  # one for each power, and 1 / lambda

    def start(self) -> tuple[Float[Tensor, "point wanted_row state"], Float[Tensor, "point wanted_row state"]]:
        """Return right and left vectors as captured."""
        rows = torch.cat([self.wanted, self.wanted + self.captured.known.shape[1]], dim=1).unsqueeze(-1)
        sides = (self.captured.right, self.captured.left)
        right, left = (self._parts(side.gather(1, rows.expand(-1, -1, side.shape[2])).double()) for side in sides)
        return right, left

    def solve(self, off: Tensor, off_left: Tensor) -> tuple[Tensor, Tensor]:
        """Solve `(lambda - J) d = off` and `d (lambda - J) = off_left` for each mode, both with each power at a time.

        All are real rows, `(point, wanted_row, state)`.
        """
        basis, cobasis = self.captured.right, self.captured.left
        right, shares, scale = self._without_captured(off, basis, cobasis)
        left, shares_left, scale_left = self._without_captured(off_left, cobasis, basis)
        for power, factor in zip(self.powers, self.factors[:-1], strict=True):
            right = torch.baddbmm(right, factor, right @ power.mT)
            left = torch.baddbmm(left, factor, left @ power)
        right, left = (self.factors[-1] @ side for side in (right, left))
        return (
            self._with_captured(right, shares, basis, cobasis) * scale,
            self._with_captured(left, shares_left, cobasis, basis) * scale_left,
        )

    def _without_captured(self, off: Tensor, basis: Tensor, cobasis: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is left without the captured modes, their shares, and the scale of both."""
        scale = norm(off).clamp(min=1e-300).repeat(1, 2).unsqueeze(-1)  # may be too small for single precision
        drive = (off / scale).to(basis.dtype)
        shares = drive @ cobasis.mT
        return torch.baddbmm(drive, shares * self.captured.weights, basis, alpha=-1), shares, scale

    def _with_captured(self, rest: Tensor, shares: Tensor, basis: Tensor, cobasis: Tensor) -> Tensor:
        """Return the solution from that of the rest and from the shares of the captured modes."""
        within = self._within(shares) - (rest @ cobasis.mT) * self.captured.weights
        return self._parts(torch.baddbmm(rest, within, basis).double())

    def _within(self, shares: Float[Tensor, "point wanted_row row"]) -> Float[Tensor, "point wanted_row row"]:
        """Divide what lies along the captured modes, and along their conjugates."""
        by_real, by_imag = as_complex(shares).chunk(2, dim=2)
        mode = (by_real + 1j * by_imag) * self.along
        conjugate = (by_real - 1j * by_imag) * self.along_conjugates
        return as_rows(torch.cat([mode + conjugate, 1j * (mode - conjugate)], dim=2))

    def _parts(self, rows: Float[Tensor, "point wanted_row state"]) -> Tensor:
        """Return vectors with no imaginary parts where there should be none."""
        return rows.masked_fill_(torch.cat([torch.zeros_like(self.real), self.real], dim=1).unsqueeze(-1), 0)


def _resolvent(powers: list[_Power], rest: list[Tensor], captured: _Captured, wanted: Tensor) -> _Resolvent:
    values, others = captured.values.gather(1, wanted), captured.values.unsqueeze(1)
    along = torch.where(captured.known.unsqueeze(1), 1 / (values.unsqueeze(2) - others), 0)
    along = along.scatter(2, wanted.unsqueeze(2), 0)
    conjugates = torch.where(captured.pair.unsqueeze(1), 1 / (values.unsqueeze(2) - others.conj()), 0)
    radius = values[:, -1:].abs()  # by which the rest is scaled
    factors = [torch.exp(power.log_scale.unsqueeze(1) - power.exponent * values.log()) for power in powers[:-1]]
    factors += [(radius / values) ** (powers[-1].exponent * 2**number) for number in range(len(rest))]
    return _Resolvent(
        captured,
        wanted,
        values.imag == 0,
        along.to(torch.complex64),
        conjugates.to(torch.complex64),
        [*(power.matrix for power in powers[:-1]), *rest],
        [matrix_of(factor).to(captured.right.dtype) for factor in [*factors, 1 / values]],
    )
