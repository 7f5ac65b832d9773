"""Leading modes of a matrix from the decomposition of a nearby one, with a proof that none is missed.

The Jacobians along a line of fixed points change little from point to point. In the eigenvectors of one of them,
`J0 = R D L`, the others are nearly diagonal, `L J R = D + E`, and their leading modes follow for less than half the
cost of a decomposition. With D split behind its p largest eigenvalues, what the rest can contribute is bounded (Bauer &
Fike 1960; `_none_missed`). Where the bound does not prove that the modes found are the leading ones, the matrix is left
to a decomposition of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from slowpoints.dynamics.reference import SPARE, Reference

if TYPE_CHECKING:
    from jaxtyping import Bool, Complex, Float, Int

STEPS = 6  # of refinement at most
SWEEPS = 4  # within a step of refinement
RESIDUAL = 1e-10  # at which refinement ends
OVERLAP = 1e-6  # of different modes, at most: larger where two have become the same
SLACK = 1e-5  # on bounds computed in single precision


class Modes(NamedTuple):
    """Eigenvalues and unscaled vectors, and of which matrices; others could not be proven right."""

    eigenvalues: Complex[Tensor, "point mode"]
    right: Complex[Tensor, "point mode state"]
    left: Complex[Tensor, "point mode state"]
    rows: Int[Tensor, " point"]


class _Side(NamedTuple):
    """The nearly diagonal matrix `L J R = [[B11, B12], [B21, D22 + E22]]` as it acts on rows from one side.

    For right vectors the transpose acts on rows; B11 is given by its eigenvalues and vectors.
    """

    basis: Float[Tensor, "state state"]  # from coordinates to states
    cobasis: Float[Tensor, "state state"]  # from states to coordinates
    down: Float[Tensor, "point lead rest"]
    up: Float[Tensor, "point rest lead"]
    error: Float[Tensor, "point rest rest"]
    to_modes: Complex[Tensor, "point lead lead"]
    from_modes: Complex[Tensor, "point lead lead"]
    sign: int  # of the turn


_PER_POINT = ("down", "up", "error", "to_modes", "from_modes")


class _Frame(NamedTuple):
    """Both sides, and the approximate eigenvalues of the leading block."""

    reference: Reference
    right: _Side
    left: _Side
    values: Complex[Tensor, "point lead"]
    refined: Int[Tensor, "point mode"]
    complete: Bool[Tensor, " point"]  # all modes asked for are there
    smallest: Float[Tensor, " point"]  # magnitude of the last mode that is wanted, not more than
    following: Float[Tensor, " point"]  # magnitude of the largest approximate eigenvalue that is not refined


def follow(jacobians: Float[Tensor, "point state state"], reference: Reference, count: int) -> Modes:
    """Find the leading modes of matrices near a decomposed one.

    Parameters
    ----------
    jacobians
        `(point, state, state)`, double precision.
    reference
        The decomposition of a matrix near them.
    count
        How many modes, as with `make_reference`; they come back by falling magnitude.
    """
    frame = _frame(jacobians, reference, count)
    rows = _none_missed(frame).nonzero().squeeze(1)
    if len(rows) < len(jacobians):
        jacobians, frame = jacobians[rows], _select(frame, rows)
    right, left = (_first_vectors(side, frame) for side in (frame.right, frame.left))
    real = (frame.values.gather(1, frame.refined).imag == 0).unsqueeze(-1)
    for step in range(STEPS + 1):
        right, left = (torch.where(real, side.real.to(side.dtype), side) for side in (right, left))
        right = right / right.norm(dim=-1, keepdim=True)
        left = left / (left * right).sum(dim=-1, keepdim=True)
        off_right, off_left, eigenvalues = _residuals(jacobians, right, left)
        worst = torch.maximum(off_right.norm(dim=-1), off_left.norm(dim=-1) / left.norm(dim=-1)).amax(dim=1)
        if step == STEPS or not (worst > RESIDUAL).any():
            break
        right = right - _correction(frame.right, frame, off_right, eigenvalues)
        left = left - _correction(frame.left, frame, off_left, eigenvalues)
    left, distinct = _biorthogonal(right, left)
    order = eigenvalues.abs().argsort(dim=1, descending=True, stable=True)[:, :count]
    eigenvalues = eigenvalues.gather(1, order)
    right, left = (side.gather(1, order.unsqueeze(-1).expand(-1, -1, side.shape[-1])) for side in (right, left))
    right_ones = distinct & (worst <= RESIDUAL) & (eigenvalues[:, -1].abs() >= frame.smallest)  # false for NaN
    return Modes(eigenvalues[right_ones], right[right_ones], left[right_ones], rows[right_ones])


def _frame(jacobians: Tensor, reference: Reference, count: int) -> _Frame:
    lead, wanted = reference.lead, count + SPARE
    # the difference is small, so that single precision serves; and D is known
    b = reference.left @ ((jacobians - reference.matrix).float() @ reference.right)
    place = torch.arange(lead, device=b.device)
    b[:, place, place] += reference.middle[:lead]
    b[:, place, reference.partner[:lead]] += reference.turn[:lead]
    within, down, up, error = b[:, :lead, :lead], b[:, :lead, lead:], b[:, lead:, :lead], b[:, lead:, lead:]
    usable = torch.isfinite(b).all(dim=2).all(dim=1)
    values, vectors = torch.linalg.eig(torch.where(usable[:, None, None], within, 0.0))
    inverse = torch.linalg.inv_ex(vectors)[0]
    magnitude = values.abs().masked_fill(values.imag < 0, -1.0)  # one of each pair
    falling, order = magnitude.sort(dim=1, descending=True, stable=True)
    return _Frame(
        reference,
        _Side(reference.right.mT, reference.left.mT, up.mT, down.mT, error.mT, inverse.mT, vectors.mT, 1),
        _Side(reference.left, reference.right, down, up, error, vectors, inverse, -1),
        values,
        order[:, :wanted],
        usable & (falling[:, wanted - 1] >= 0),
        falling[:, count - 1] - SLACK,
        falling[:, wanted] if lead > wanted else torch.zeros_like(falling[:, 0]),  # all may be refined
    )


def _select(frame: _Frame, rows: Int[Tensor, " row"]) -> _Frame:
    """Return some of the points."""
    right, left = (
        side._replace(**{field: getattr(side, field)[rows] for field in _PER_POINT})
        for side in (frame.right, frame.left)
    )
    points: tuple[Tensor, ...] = frame[3:]
    return _Frame(frame.reference, right, left, *(value[rows] for value in points))


def _none_missed(frame: _Frame) -> Bool[Tensor, " point"]:
    """Say whether every eigenvalue of a magnitude of at least `frame.smallest` is among those that are refined.

    Such an eigenvalue z is one of `B11 - B12 (D22 + E22 - z)^-1 B21`, if the inverse exists. With g the distance of
    D22's eigenvalues from the circle of radius `smallest`, and each matrix scaled by `g^(-1/2)` on the side of D22, the
    inverse exists where `|E22| < 1`, and z is closer than `|U^-1 B12| |B21 U| / (1 - |E22|)` to an eigenvalue of B11,
    U being its vectors. As many z are near a group of eigenvalues of B11 as there are of these.
    """
    reference, side = frame.reference, frame.left
    rest = torch.hypot(reference.middle, reference.turn)[reference.lead :]
    gap = frame.smallest.unsqueeze(1) - rest
    scale = gap.clamp(min=0).rsqrt()
    error = _norm(scale.unsqueeze(2) * side.error * scale.unsqueeze(1))
    down = _norm(frame.left.from_modes @ (side.down * scale.unsqueeze(1)).to(torch.complex64))
    up = _norm((scale.unsqueeze(2) * side.up).to(torch.complex64) @ frame.left.to_modes)
    radius = down * up / (1 - error)
    inside = (gap > 0).all(dim=1) & (error < 1)
    return frame.complete & inside & (frame.following + radius + SLACK < frame.smallest)  # false for NaN


def _norm(matrix: Tensor) -> Float[Tensor, " point"]:
    """Return an upper bound of the spectral norm: Schatten's 4-norm, `|M'M|^(1/2)` with the Frobenius norm inside."""
    smaller = matrix @ matrix.mH if matrix.shape[-2] < matrix.shape[-1] else matrix.mH @ matrix
    return torch.linalg.matrix_norm(smaller).sqrt()


def _first_vectors(side: _Side, frame: _Frame) -> Complex[Tensor, "point mode state"]:
    """Return vectors of the leading block, with what they first spill into the rest."""
    lead = side.from_modes.gather(1, frame.refined.unsqueeze(-1).expand(-1, -1, frame.reference.lead))
    divide = _division(side, frame.reference, frame.values.gather(1, frame.refined))
    rest = -divide(_times(lead, side.down))
    return _times(torch.cat([lead, rest], dim=-1), side.basis).to(torch.complex128)


def _correction(side: _Side, frame: _Frame, off: Tensor, eigenvalues: Tensor) -> Complex[Tensor, "point mode state"]:
    """Solve `(J - lambda) d = J r - lambda r` for all modes, approximately and without a part along the mode itself."""
    size = frame.reference.lead
    scale = off.norm(dim=-1, keepdim=True).clamp(min=1e-300)  # may be too small for single precision
    values = eigenvalues.to(torch.complex64)
    inverse_gap = 1 / (frame.values.unsqueeze(1) - values.unsqueeze(2)).scatter(
        2, frame.refined.unsqueeze(2), torch.inf
    )
    divide = _division(side, frame.reference, values)
    drive = _times((off / scale).to(torch.complex64), side.cobasis)
    lead = drive[..., :size] @ side.to_modes * inverse_gap @ side.from_modes
    rest = divide(drive[..., size:] - _times(lead, side.down))
    for _ in range(SWEEPS - 1):
        lead = (drive[..., :size] - _times(rest, side.up)) @ side.to_modes * inverse_gap @ side.from_modes
        rest = divide(drive[..., size:] - _times(lead, side.down) - _times(rest, side.error))
    return _times(torch.cat([lead, rest], dim=-1), side.basis).to(off.dtype) * scale


def _division(side: _Side, reference: Reference, eigenvalues: Tensor) -> Callable[[Tensor], Tensor]:
    """Return what multiplies rows by `(D22 - lambda)^-1`, or by its transpose."""
    gap = reference.middle[reference.lead :] - eigenvalues.unsqueeze(-1)
    turn = side.sign * reference.turn[reference.lead :]
    partner = reference.partner[reference.lead :] - reference.lead
    determinant = gap * gap + turn * turn
    same, other = gap / determinant, turn / determinant
    return lambda rows: same * rows - other * rows.index_select(-1, partner)


def _times(rows: Complex[Tensor, "point mode n"], matrix: Float[Tensor, "... n m"]) -> Tensor:
    """Multiply complex rows by real matrices, without making those complex."""
    both = torch.cat([rows.real, rows.imag], dim=-2) @ matrix
    return torch.complex(both[..., : rows.shape[-2], :], both[..., rows.shape[-2] :, :])


def _residuals(
    jacobians: Tensor, right: Tensor, left: Tensor
) -> tuple[Complex[Tensor, "point mode state"], Complex[Tensor, "point mode state"], Complex[Tensor, "point mode"]]:
    """Return `J r - lambda r`, `l J - lambda l`, and the two-sided Rayleigh quotients lambda."""
    image, left_image = _times(right, jacobians.mT), _times(left, jacobians)
    eigenvalues = (left * image).sum(dim=-1)
    return image - eigenvalues.unsqueeze(-1) * right, left_image - eigenvalues.unsqueeze(-1) * left, eigenvalues


def _biorthogonal(right: Tensor, left: Tensor) -> tuple[Complex[Tensor, "point mode state"], Bool[Tensor, " point"]]:
    """Take from left vectors what they still share with other modes; say whether all modes are different ones."""
    overlap = left @ right.mT
    overlap.diagonal(dim1=-2, dim2=-1).zero_()
    largest = (overlap.abs() / left.norm(dim=-1, keepdim=True)).amax(dim=(1, 2))
    return left - overlap @ left, largest < OVERLAP
