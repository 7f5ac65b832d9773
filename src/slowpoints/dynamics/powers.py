"""Leading modes of large matrices from their powers, with a bound that shows that none is missed.

Squaring a matrix again and again raises its eigenvalues to a high power, which sets large ones apart from small ones
wherever in the complex plane they lie; and products of matrices are what processors do best. The Krylov spaces of such
a power and of its transpose hold the leading modes, and many more than are asked for (Saad 2011, *Numerical Methods for
Large Eigenvalue Problems*). Taken out of the power, they leave a matrix whose further powers vanish, so that no other
eigenvalue is as large (Gelfand's formula). The same powers sum the series by which the modes are refined.

Powers are in single precision, modes in double. A matrix for which a step fails is left to a decomposition of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Complex, Float, Int

SQUARINGS = (5, 4, 2)  # before modes are sought; fewer are tried where the leading ones differ much in magnitude
FURTHER = 7  # squarings of what is left without the modes found, at most
CAPTURED = 3e-3  # residual up to which a mode is taken out, as a share of the matrix's mean gain
RANGE = 1e5  # of magnitudes in a power, at most: single precision sees no smaller ones beside the largest
SMALL = 0.03  # norm of the rest at which squaring ends
BOUND = 0.5  # norm of the rest at which none of its eigenvalues can be as large as those found
STEPS = 6  # of refinement, at most
RESIDUAL = 2e-11  # at which refinement ends, as a share of the matrix's norm
ENOUGH = 5e-11  # which it must reach
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
    right: Float[Tensor, "point part*mode state"]  # the real parts of all vectors, then the imaginary ones
    left: Float[Tensor, "point part*mode state"]
    known: Bool[Tensor, "point mode"]


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
        magnitude = captured.values.abs().masked_fill(~captured.known, 0).sort(dim=1, descending=True).values
        spread = (magnitude[:, 0] / magnitude[:, count]).log() * some[-1].exponent  # not finite where fewer are known
        here = (spread < torch.tensor(RANGE).log()).nonzero().squeeze(1)
        modes = _refined(jacobians[rows[here]], [_of(each, here) for each in some], _of(captured, here), count)
        found.append(modes._replace(rows=rows[here][modes.rows]))
        rows = rows[~torch.isin(rows, found[-1].rows)]
        if not len(rows):
            break
    return Modes(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def _of(record: Record, rows: Tensor) -> Record:
    if len(rows) == len(record[0]):  # all, in their order
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
        norm = torch.linalg.matrix_norm(matrix)
        matrix = matrix / norm[:, None, None]
        scale = 2 * scale + norm.double().log()
        powers.append(_Power(matrix, scale, 2 ** (number + 1)))
    return powers


def _krylov(matrices: Float[Tensor, "point state state"], size: int, seed: int) -> Float[Tensor, "point vector state"]:
    """Return orthonormal rows that span v, v M, v M M and so on, for a random v (Arnoldi 1951)."""
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(matrices.shape[1], generator=generator, dtype=matrices.dtype).to(matrices.device)
    basis = matrices.new_zeros(len(matrices), size, matrices.shape[1])
    basis[:, 0] = start / start.norm()
    for number in range(1, size):
        vector, before = basis[:, number - 1 : number] @ matrices, basis[:, :number]
        for _ in range(2):  # once leaves them askew
            vector = vector - (vector @ before.mT) @ before
        basis[:, number] = (vector / vector.norm(dim=2, keepdim=True)).squeeze(1)
    return basis


def _capture(powers: list[_Power], count: int) -> _Captured:
    """Find modes in the Krylov spaces of the last power and its transpose."""
    jacobians, last = powers[0].matrix, powers[-1].matrix
    size = dimensions(last.shape[1], count)
    right, left = _krylov(last.mT, size, 0), _krylov(last, size, 1)
    values, to_right, to_left = _projected(left @ right.mT, left @ (right @ jacobians.mT).mT, size // 2 + count)
    right, left = to_right @ right, to_left @ left
    off = _norm((right @ jacobians.mT).sub_(_times(values, right))) * _norm(left)
    off_left = _norm((left @ jacobians).sub_(_times(values, left)))
    gain = torch.linalg.matrix_norm(jacobians).unsqueeze(1) / jacobians.shape[1] ** 0.5
    known = (torch.maximum(off, off_left) < CAPTURED * gain) & (values.imag >= 0)  # false for NaN
    unknown = ~known.repeat(1, 2).unsqueeze(-1)
    return _Captured(values, right.masked_fill_(unknown, 0), left.masked_fill_(unknown, 0), known)


def _projected(
    overlap: Float[Tensor, "point vector vector"], image: Float[Tensor, "point vector vector"], count: int
) -> tuple[Complex[Tensor, "point mode"], Float[Tensor, "point row vector"], Float[Tensor, "point row vector"]]:
    """Return leading modes of a matrix J between two spaces, from `L R'` and `L J R'`: values, and vectors by bases.

    The residual is at right angles to the other space (Petrov and Galerkin). Where that has no solution, all are NaN.
    """
    inverse = torch.linalg.inv_ex(overlap.double())[0]
    small = inverse @ image.double()
    finite = torch.isfinite(small).all(dim=(1, 2))
    values, vectors = torch.linalg.eig(torch.where(finite[:, None, None], small, 0).float())
    to_left = torch.linalg.inv_ex(vectors)[0]
    order = values.abs().masked_fill(values.imag < 0, -1.0).argsort(dim=1, descending=True, stable=True)[:, :count]
    place = order.unsqueeze(-1).expand(-1, -1, overlap.shape[1])
    to_right, to_left = (_rows(side.gather(1, place)) for side in (vectors.mT, to_left))
    values = values.gather(1, order).to(torch.complex128).masked_fill(~finite.unsqueeze(1), torch.nan)
    return values, to_right, to_left @ inverse.float()


def _rows(vectors: Complex[Tensor, "point mode n"]) -> Float[Tensor, "point part*mode n"]:
    """Return complex vectors as real rows: the real parts of all, then the imaginary parts."""
    return torch.cat([vectors.real, vectors.imag], dim=1)


def _complex(rows: Float[Tensor, "point part*mode n"]) -> Complex[Tensor, "point mode n"]:
    return torch.complex(*rows.chunk(2, dim=1))


def _norm(rows: Float[Tensor, "point part*mode n"]) -> Float[Tensor, "point mode"]:
    return torch.linalg.vector_norm(rows.unflatten(1, (2, -1)), dim=(1, 3))


def _times(factors: Complex[Tensor, "point mode"], rows: Float[Tensor, "point part*mode n"]) -> Tensor:
    """Multiply vectors in real rows by complex numbers."""
    real, imag = (part.unsqueeze(-1).to(rows.dtype) for part in (factors.real, factors.imag))
    one, other = rows.chunk(2, dim=1)
    return torch.cat([real * one - imag * other, real * other + imag * one], dim=1)


def _rest(
    power: _Power, captured: _Captured, radius: Float[Tensor, " point"]
) -> tuple[list[Float[Tensor, "point state state"]], Bool[Tensor, " point"]]:
    """Return powers of `J / radius` without the modes, and whether they show that its eigenvalues are below 1."""
    weights = _weights(captured)
    scale = torch.exp(power.log_scale - power.exponent * radius.log()).to(power.matrix.dtype)[:, None, None]
    matrix = power.matrix * scale
    powers = [matrix - captured.right.mT @ (weights.mT * (captured.left @ matrix))]
    norm = torch.linalg.matrix_norm(powers[0])
    falling = torch.ones_like(norm, dtype=torch.bool)
    while len(powers) <= FURTHER and (falling & (norm > SMALL)).any():
        powers.append(powers[-1] @ powers[-1])
        before, norm = norm, torch.linalg.matrix_norm(powers[-1])
        falling &= norm < before  # false for NaN
    return powers, norm < BOUND


def _weights(captured: _Captured) -> Float[Tensor, "point 1 part*mode"]:
    """Return the numbers W with which `R' W L`, of real rows, projects on the modes and the other halves of pairs."""
    twice = torch.where(captured.values.imag > 0, 2.0, 1.0)
    return torch.cat([twice, -twice], dim=1).unsqueeze(1).to(captured.right.dtype)


def _refined(jacobians: Tensor, powers: list[_Power], captured: _Captured, count: int) -> Modes:
    """Refine the leading modes, and return those of matrices of which all is shown."""
    leading = captured.known.byte().argsort(dim=1, descending=True, stable=True)[:, : count + 1]
    # One more than wanted: nearly equal magnitudes may change places.
    values = captured.values.gather(1, leading)
    rest, bounded = _rest(powers[-1], captured, values[:, -1].abs())
    rows = bounded.nonzero().squeeze(1)
    if len(rows) < len(jacobians):
        jacobians, captured, powers = jacobians[rows], _of(captured, rows), [_of(power, rows) for power in powers]
        rest, values, leading = [each[rows] for each in rest], values[rows], leading[rows]
    right, left, values, worst = _iterated(jacobians, _resolvent(powers, rest, captured, values, leading))
    overlap = left @ right.mT
    overlap.diagonal(dim1=-2, dim2=-1).zero_()
    distinct = (overlap.abs() / left.norm(dim=-1, keepdim=True)).amax(dim=(1, 2)) < OVERLAP
    left = left - overlap @ left
    order = values.abs().argsort(dim=1, descending=True, stable=True)[:, :count]
    place = order.unsqueeze(-1).expand(-1, -1, jacobians.shape[1])
    found = (values.gather(1, order), right.gather(1, place), left.gather(1, place), rows)
    shown = (worst <= ENOUGH) & distinct
    return Modes(*(each[shown] for each in found))


def _iterated(
    jacobians: Float[Tensor, "point state state"], resolvent: _Resolvent
) -> tuple[Tensor, Tensor, Tensor, Float[Tensor, " point"]]:
    """Refine modes; return both vectors, eigenvalues, and the largest residual of each matrix."""
    right, left = resolvent.start()
    real = (resolvent.values.imag == 0).unsqueeze(-1)
    norm = torch.linalg.matrix_norm(jacobians)
    for step in range(STEPS + 1):
        right, left = (torch.where(real, side.real.to(side.dtype), side) for side in (right, left))
        right = right / right.norm(dim=-1, keepdim=True)
        left = left / (left * right).sum(dim=-1, keepdim=True)
        image = _complex(_rows(right) @ jacobians.mT)
        values = (left * image).sum(dim=-1)
        off = image - values.unsqueeze(-1) * right
        off_left = _complex(_rows(left) @ jacobians) - values.unsqueeze(-1) * left
        worst = torch.maximum(off.norm(dim=-1), off_left.norm(dim=-1) / left.norm(dim=-1)).amax(dim=1) / norm
        if step == STEPS or not (worst > RESIDUAL).any():
            break
        right = right + resolvent.of_right(off)
        left = left + resolvent.of_left(off_left)
    return right, left, values, worst


class _Resolvent(NamedTuple):
    """`(lambda - J)^-1` for the leading eigenvalues, approximately, and without the modes themselves.

    Along the other captured modes by division; in the rest by the series of `(J / lambda)^n`, which the powers sum:
    `1 + a + a^2 + a^3 = (1 + a)(1 + a^2)`.
    """

    values: Complex[Tensor, "point leading"]
    captured: _Captured
    leading: Int[Tensor, "point leading"]  # places of the modes among the captured ones
    along: Complex[Tensor, "point leading mode"]  # 1 / (lambda - mu) for the captured modes, and for their conjugates
    along_conjugates: Complex[Tensor, "point leading mode"]
    powers: list[Float[Tensor, "point state state"]]  # scaled, as are the factors: lambda^-exponent, for real rows
    factors: list[Float[Tensor, "point part*leading part*leading"]]

    def start(self) -> tuple[Complex[Tensor, "point leading state"], Complex[Tensor, "point leading state"]]:
        """Return right and left vectors as captured."""
        rows = torch.cat([self.leading, self.leading + self.captured.known.shape[1]], dim=1).unsqueeze(-1)
        sides = (self.captured.right, self.captured.left)
        right, left = (_complex(side.gather(1, rows.expand(-1, -1, side.shape[2])).double()) for side in sides)
        return right, left

    def of_right(self, off: Complex[Tensor, "point leading state"]) -> Complex[Tensor, "point leading state"]:
        """Solve `(lambda - J) d = off`, for each mode."""
        return self._solved(off, self.captured.right, self.captured.left, [power.mT for power in self.powers])

    def of_left(self, off: Complex[Tensor, "point leading state"]) -> Complex[Tensor, "point leading state"]:
        """Solve `d (lambda - J) = off`, for each mode."""
        return self._solved(off, self.captured.left, self.captured.right, self.powers)

    def _solved(self, off: Tensor, basis: Tensor, cobasis: Tensor, powers: list[Tensor]) -> Tensor:
        scale = off.norm(dim=-1, keepdim=True).clamp(min=1e-300)  # may be too small for single precision
        drive, weights = _rows(off / scale).to(basis.dtype), _weights(self.captured)
        shares = drive @ cobasis.mT
        rest = drive - (shares * weights) @ basis
        for power, factor in zip(powers, self.factors, strict=False):
            rest = torch.baddbmm(rest, factor, rest @ power)
        rest = self.factors[-1] @ rest
        found = rest + (self._within(shares) - (rest @ cobasis.mT) * weights) @ basis
        return _complex(found).to(off.dtype) * scale

    def _within(self, shares: Float[Tensor, "point part*leading part*mode"]) -> Tensor:
        """Divide what lies along the captured modes, and along their conjugates."""
        by_real, by_imag = _complex(shares).chunk(2, dim=2)
        mode = (by_real + 1j * by_imag) * self.along
        conjugate = (by_real - 1j * by_imag) * self.along_conjugates
        return _rows(torch.cat([mode + conjugate, 1j * (mode - conjugate)], dim=2))


def _resolvent(
    powers: list[_Power], rest: list[Tensor], captured: _Captured, values: Tensor, leading: Tensor
) -> _Resolvent:
    difference = values.unsqueeze(2) - captured.values.unsqueeze(1)
    along = torch.where(captured.known.unsqueeze(1), 1 / difference, 0).scatter(2, leading.unsqueeze(2), 0)
    pair = (captured.values.imag > 0) & captured.known
    conjugates = torch.where(pair.unsqueeze(1), 1 / (values.unsqueeze(2) - captured.values.conj().unsqueeze(1)), 0)
    radius = values[:, -1:].abs()  # by which the rest is scaled
    factors = [torch.exp(power.log_scale.unsqueeze(1) - power.exponent * values.log()) for power in powers[:-1]]
    factors += [(radius / values) ** (powers[-1].exponent * 2**number) for number in range(len(rest))]
    return _Resolvent(
        values,
        captured,
        leading,
        along.to(torch.complex64),
        conjugates.to(torch.complex64),
        [power.matrix for power in powers[:-1]] + rest,
        [_on_rows(factor).to(captured.right.dtype) for factor in [*factors, 1 / values]],
    )


def _on_rows(factors: Complex[Tensor, "point mode"]) -> Float[Tensor, "point part*mode part*mode"]:
    """Return the matrices that multiply vectors in real rows by complex numbers."""
    real, imag = torch.diag_embed(factors.real), torch.diag_embed(factors.imag)
    return torch.cat([torch.cat([real, -imag], dim=2), torch.cat([imag, real], dim=2)], dim=1)
