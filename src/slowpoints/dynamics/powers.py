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
KEPT = 32  # modes taken out of a power, at most
CAPTURED = 1e-3  # residual up to which a mode is taken out, as a share of the matrix's mean gain
RANGE = 1e5  # of magnitudes in a power, at most: single precision sees no smaller ones beside the largest
SMALL = 0.03  # norm of the rest at which squaring ends
BOUND = 0.5  # norm of the rest at which none of its eigenvalues can be as large as those found
STEPS = 6  # of refinement, at most
RESIDUAL = 1e-13  # at which refinement ends, as a share of the matrix's norm
ENOUGH = 1e-12  # which it must reach
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
    """Approximate modes by falling magnitude, `l_a . r_b = delta_ab`; zeros behind the last. Of pairs, one is there."""

    values: Complex[Tensor, "point mode"]
    right: Complex[Tensor, "point mode state"]
    left: Complex[Tensor, "point mode state"]
    known: Bool[Tensor, "point mode"]


class _Side(NamedTuple):
    """What corrections of right, or left, vectors are made of: bases, and matrices that act on rows from the right."""

    basis: Complex[Tensor, "point mode state"]
    cobasis: Complex[Tensor, "point mode state"]
    powers: list[_Power]
    rest: list[Float[Tensor, "point state state"]]


def dimensions(size: int, count: int) -> int:
    """Return in how many dimensions so many modes of a matrix are sought: more where many lie close together."""
    return 24 + 4 * count + size // 16


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
        radius = captured.values[:, count].abs()
        spread = (captured.values[:, 0].abs() / radius).log() * some[-1].exponent
        enough = captured.known[:, count] & (spread < torch.tensor(RANGE).log())
        here = enough.nonzero().squeeze(1)
        if len(here):
            modes = _refined(jacobians[rows[here]], [_of(each, here) for each in some], _of(captured, here), count)
            found.append(modes._replace(rows=rows[here][modes.rows]))
        rows = rows[~enough]
        if not len(rows):
            break
    if not found:
        nothing = jacobians.new_zeros(0, count, jacobians.shape[1], dtype=torch.complex128)
        return Modes(nothing[..., 0], nothing, nothing, rows[:0])
    return Modes(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def _of(record: Record, rows: Tensor) -> Record:
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
    image = right @ jacobians.mT
    values, to_right, to_left = _projected(left @ right.mT, left @ image.mT)
    scale = _combine(to_right, right).norm(dim=-1, keepdim=True)
    to_right, to_left = to_right / scale, to_left * scale
    vectors, covectors = _combine(to_right, right), _combine(to_left, left)
    own = values.to(vectors.dtype).unsqueeze(-1)
    off = (_combine(to_right, image) - own * vectors).norm(dim=-1)
    off_left = (_combine(to_left, left @ jacobians) - own * covectors).norm(dim=-1) / covectors.norm(dim=-1)
    gain = torch.linalg.matrix_norm(jacobians).unsqueeze(1) / jacobians.shape[1] ** 0.5
    known = (torch.maximum(off, off_left) < CAPTURED * gain) & (values.imag >= 0)  # false for NaN
    order = values.abs().masked_fill(~known, -1.0).argsort(dim=1, descending=True, stable=True)
    order = order[:, : max(KEPT, count + 2)]
    known, place = known.gather(1, order), order.unsqueeze(-1).expand(-1, -1, vectors.shape[-1])
    right, left = (side.gather(1, place).masked_fill(~known.unsqueeze(-1), 0) for side in (vectors, covectors))
    return _Captured(values.gather(1, order), right, left, known)


def _projected(
    overlap: Float[Tensor, "point vector vector"], image: Float[Tensor, "point vector vector"]
) -> tuple[Complex[Tensor, "point mode"], Complex[Tensor, "point mode vector"], Complex[Tensor, "point mode vector"]]:
    """Return modes of a matrix J between two spaces, from `L R'` and `L J R'`: values, and vectors by both bases.

    The residual is at right angles to the other space (Petrov and Galerkin). Where that has no solution, all are NaN.
    """
    inverse = torch.linalg.inv_ex(overlap.double())[0]
    small = inverse @ image.double()
    finite = torch.isfinite(small).all(dim=(1, 2))
    values, vectors = torch.linalg.eig(torch.where(finite[:, None, None], small, 0))
    values = values.masked_fill(~finite.unsqueeze(1), torch.nan)
    to_left = torch.linalg.solve_ex(vectors, inverse.to(vectors.dtype))[0]
    return values, vectors.mT.to(torch.complex64), to_left.to(torch.complex64)


def _combine(rows: Complex[Tensor, "point mode n"], matrix: Float[Tensor, "... n m"]) -> Tensor:
    """Multiply complex rows by real matrices, without making those complex."""
    both = torch.cat([rows.real, rows.imag], dim=-2) @ matrix
    return torch.complex(both[..., : rows.shape[-2], :], both[..., rows.shape[-2] :, :])


def _real_bases(captured: _Captured) -> tuple[Tensor, Tensor]:
    """Return real rows R and L with which `R' L` projects on the modes and the other halves of pairs."""
    twice = torch.where(captured.values.imag > 0, 2.0, 1.0).unsqueeze(-1).to(captured.left.real.dtype)
    left = twice * captured.left
    right = torch.cat([captured.right.real, captured.right.imag], dim=1)
    return right, torch.cat([left.real, -left.imag], dim=1)


def _rest(
    power: _Power, captured: _Captured, radius: Float[Tensor, " point"]
) -> tuple[list[Float[Tensor, "point state state"]], Bool[Tensor, " point"]]:
    """Return powers of `J / radius` without the modes, and whether they show that its eigenvalues are below 1."""
    right, left = _real_bases(captured)
    matrix = power.matrix - right.mT @ (left @ power.matrix)
    matrix = matrix - (matrix @ right.mT) @ left
    scale = torch.exp(power.log_scale - power.exponent * radius.log()).to(matrix.dtype)
    powers = [matrix * scale[:, None, None]]
    norm = torch.linalg.matrix_norm(powers[0])
    while len(powers) <= FURTHER and (norm > SMALL).any():
        powers.append(powers[-1] @ powers[-1])
        norm = torch.linalg.matrix_norm(powers[-1])
    return powers, norm < BOUND


def _refined(jacobians: Tensor, powers: list[_Power], captured: _Captured, count: int) -> Modes:
    """Refine the leading modes, and return those of matrices of which all is shown."""
    radius = captured.values[:, count].abs()
    rest, bounded = _rest(powers[-1], captured, radius)
    rows = bounded.nonzero().squeeze(1)
    if len(rows) < len(jacobians):
        jacobians, captured, powers = jacobians[rows], _of(captured, rows), [_of(power, rows) for power in powers]
        rest = [each[rows] for each in rest]
    transposed = [power._replace(matrix=power.matrix.mT) for power in powers]
    right, left, values, worst = _iterated(
        jacobians,
        _Side(captured.right, captured.left, transposed, [each.mT for each in rest]),
        _Side(captured.left, captured.right, powers, rest),
        captured,
        count + 1,  # one more than wanted: nearly equal magnitudes may change places
    )
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
    jacobians: Float[Tensor, "point state state"], to_right: _Side, to_left: _Side, captured: _Captured, count: int
) -> tuple[Tensor, Tensor, Tensor, Float[Tensor, " point"]]:
    """Refine as many modes as asked for; return both vectors, eigenvalues, and the largest residual of each matrix."""
    right, left = (side.basis[:, :count].to(torch.complex128) for side in (to_right, to_left))
    real = (captured.values[:, :count].imag == 0).unsqueeze(-1)
    norm = torch.linalg.matrix_norm(jacobians)
    for step in range(STEPS + 1):
        right, left = (torch.where(real, side.real.to(side.dtype), side) for side in (right, left))
        right = right / right.norm(dim=-1, keepdim=True)
        left = left / (left * right).sum(dim=-1, keepdim=True)
        image = _combine(right, jacobians.mT)
        values = (left * image).sum(dim=-1)
        off = image - values.unsqueeze(-1) * right
        off_left = _combine(left, jacobians) - values.unsqueeze(-1) * left
        worst = torch.maximum(off.norm(dim=-1), off_left.norm(dim=-1) / left.norm(dim=-1)).amax(dim=1) / norm
        if step == STEPS or not (worst > RESIDUAL).any():
            break
        right = right + _correction(to_right, captured, off)
        left = left + _correction(to_left, captured, off_left)
    return right, left, values, worst


def _correction(
    side: _Side, captured: _Captured, off: Complex[Tensor, "point mode state"]
) -> Complex[Tensor, "point mode state"]:
    """Solve `(lambda - J) d = off` for each mode, approximately and without a part along the mode itself.

    Along the other captured modes by division; in the rest by the series of `(J / lambda)^n`, which the powers sum:
    `1 + a + a^2 + a^3 = (1 + a)(1 + a^2)`.
    """
    scale = off.norm(dim=-1, keepdim=True).clamp(min=1e-300)  # may be too small for single precision
    wanted = captured.values[:, : off.shape[1]]
    pair = (captured.values.imag > 0).unsqueeze(-1)
    values = torch.cat([captured.values, captured.values.conj()], dim=1)
    basis, cobasis = (
        torch.cat([each, torch.where(pair, each.conj(), 0)], dim=1) for each in (side.basis, side.cobasis)
    )
    inverse = 1 / (wanted.unsqueeze(2) - values.unsqueeze(1))
    inverse.diagonal(dim1=1, dim2=2).zero_()
    inverse = torch.where(torch.isfinite(inverse.abs()), inverse, 0)
    drive = (off / scale).to(torch.complex64)
    along = drive @ cobasis.mT
    within = (along * inverse.to(drive.dtype)) @ basis
    rest = drive - along @ basis
    for power in side.powers[:-1]:
        factor = torch.exp(power.log_scale.unsqueeze(1) - power.exponent * wanted.log())
        rest = rest + factor.to(drive.dtype).unsqueeze(-1) * _combine(rest, power.matrix)
    radius = wanted[:, -1:].abs()  # by which the rest is scaled
    for number, matrix in enumerate(side.rest):
        factor = (radius / wanted) ** (side.powers[-1].exponent * 2**number)
        rest = rest + factor.to(drive.dtype).unsqueeze(-1) * _combine(rest, matrix)
    rest = rest - (rest @ cobasis.mT) @ basis
    return (within + rest / wanted.to(drive.dtype).unsqueeze(-1)).to(off.dtype) * scale
