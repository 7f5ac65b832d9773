"""Leading modes in double precision from a full decomposition in single precision, at two thirds of the time.

The single-precision decomposition sees every eigenvalue, so that no leading mode is missed, as it can be by iterative
solvers: trained networks have up to 50 eigenvalues above 0.9. It then serves as the approximate inverse in a few steps
of inverse iteration that refine both vectors of the leading modes to double precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Complex, Float, Int

SPARE = 2  # modes refined beyond those wanted: single precision may misorder nearly equal magnitudes
STEPS = 8
RESIDUAL = 1e-10  # at which refinement ends
OVERLAP = 1e-9  # of different modes, at most: larger where two have become the same


class Modes(NamedTuple):
    """Eigenvalues and unscaled vectors, and which matrices they are right for."""

    eigenvalues: Complex[Tensor, "point mode"]
    right: Complex[Tensor, "point mode state"]
    left: Complex[Tensor, "point mode state"]
    trusted: Bool[Tensor, " point"]


class _Basis(NamedTuple):
    """The decomposition in single precision, `J ~ R diag(values) L`, and which columns are refined."""

    values: Complex[Tensor, "point state"]
    right: Complex[Tensor, "point state state"]  # R
    left: Complex[Tensor, "point state state"]  # L, the inverse of R
    refined: Int[Tensor, "point mode"]


def refined_modes(
    jacobians: Float[Tensor, "point state state"], values: Tensor, vectors: Tensor, order: Tensor
) -> Modes:
    """Refine the modes at the places `order` of a single-precision decomposition.

    Parameters
    ----------
    jacobians
        `(point, state, state)`, double precision.
    values, vectors
        Eigenvalues `(point, state)` and right vectors, in columns, in single precision.
    order
        `(point, mode)`: which to refine; no entry is -1.
    """
    inverse, _ = torch.linalg.inv_ex(vectors)
    basis = _Basis(values, vectors, inverse, order)
    rows = order.unsqueeze(-1).expand(-1, -1, jacobians.shape[-1])
    right = vectors.mT.gather(1, rows).to(torch.complex128)
    left = inverse.gather(1, rows).to(torch.complex128)
    real = (values.gather(1, order).imag == 0).unsqueeze(-1)
    for step in range(STEPS):
        right, left = (torch.where(real, side.real.to(side.dtype), side) for side in (right, left))
        right = right / right.norm(dim=-1, keepdim=True)
        left = left / (left * right).sum(dim=-1, keepdim=True)
        off_right, off_left, eigenvalues = _residuals(jacobians, right, left)
        worst = torch.maximum(off_right.norm(dim=-1), off_left.norm(dim=-1) / left.norm(dim=-1)).amax(dim=1)
        if step == STEPS - 1 or not (worst > RESIDUAL).any():
            break
        right, left = _corrected(basis, right, left, off_right, off_left, eigenvalues)
    return Modes(eigenvalues, right, left, (worst <= RESIDUAL) & _distinct(right, left))


def _residuals(
    jacobians: Tensor, right: Tensor, left: Tensor
) -> tuple[Complex[Tensor, "point mode state"], Complex[Tensor, "point mode state"], Complex[Tensor, "point mode"]]:
    """Return `J r - lambda r`, `l J - lambda l`, and the two-sided Rayleigh quotients lambda."""
    image = torch.complex(right.real @ jacobians.mT, right.imag @ jacobians.mT)
    left_image = torch.complex(left.real @ jacobians, left.imag @ jacobians)
    eigenvalues = (left * image).sum(dim=-1)
    return image - eigenvalues.unsqueeze(-1) * right, left_image - eigenvalues.unsqueeze(-1) * left, eigenvalues


def _corrected(
    basis: _Basis, right: Tensor, left: Tensor, off_right: Tensor, off_left: Tensor, eigenvalues: Tensor
) -> tuple[Tensor, Tensor]:
    """Take one step of inverse iteration, `r - (J - lambda)^-1 (J r - lambda r)`, in the approximate basis."""
    gap = basis.values.unsqueeze(1) - eigenvalues.to(basis.values.dtype).unsqueeze(2)
    gap = gap.scatter(2, basis.refined.unsqueeze(2), torch.inf)  # not along the mode itself
    right_size = off_right.norm(dim=-1, keepdim=True).clamp(
        min=1e-300
    )  # residuals may be too small for single precision
    left_size = off_left.norm(dim=-1, keepdim=True).clamp(min=1e-300)
    along_right = (off_right / right_size).to(gap.dtype) @ basis.left.mT / gap
    along_left = (off_left / left_size).to(gap.dtype) @ basis.right / gap
    return (
        right - (along_right @ basis.right.mT).to(right.dtype) * right_size,
        left - (along_left @ basis.left).to(left.dtype) * left_size,
    )


def _distinct(right: Tensor, left: Tensor) -> Bool[Tensor, " point"]:
    """Say whether all modes of a matrix are different ones."""
    overlap = (left @ right.mT).abs() / left.norm(dim=-1, keepdim=True)
    overlap.diagonal(dim1=-2, dim2=-1).zero_()
    return overlap.amax(dim=(1, 2)) < OVERLAP
