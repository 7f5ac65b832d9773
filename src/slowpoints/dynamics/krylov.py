"""Krylov spaces of many matrices at once, and the modes of other matrices between two such spaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.real_rows import as_rows

if TYPE_CHECKING:
    from jaxtyping import Complex, Float


def krylov(matrices: Float[Tensor, "matrix state state"], size: int) -> Float[Tensor, "matrix vector state"]:
    """Return orthonormal rows that span v, v M, v M M and so on, for a random v (Arnoldi 1951)."""
    start = torch.randn(matrices.shape[1], generator=torch.Generator().manual_seed(0)).to(matrices)
    basis = matrices.new_zeros(len(matrices), size, matrices.shape[1])
    basis[:, 0] = start / start.norm()
    for number in range(1, size):
        vector, before = basis[:, number - 1 : number] @ matrices, basis[:, :number]
        for _ in range(2):  # once leaves them askew
            vector = torch.baddbmm(vector, vector @ before.mT, before, alpha=-1)
        torch.div(vector, vector.norm(dim=2, keepdim=True), out=basis[:, number : number + 1])
    return basis


def projected_modes(
    overlap: Float[Tensor, "point vector vector"], image: Float[Tensor, "point vector vector"], count: int
) -> tuple[Complex[Tensor, "point mode"], Float[Tensor, "point 2*mode vector"], Float[Tensor, "point 2*mode vector"]]:
    """Return leading modes of a matrix J between two spaces, from `L R'` and `L J R'`: values, and vectors by bases.

    The residual is at right angles to the other space (Petrov and Galerkin). Where that has no solution, all are NaN.
    """
    inverse = torch.linalg.inv_ex(overlap.double())[0]
    small = inverse @ image.double()
    finite = torch.isfinite(small).all(dim=(1, 2))
    values, vectors = torch.linalg.eig(torch.where(finite[:, None, None], small, 0).float())
    order = values.abs().masked_fill(values.imag < 0, -1.0).argsort(dim=1, descending=True, stable=True)[:, :count]
    place = order.unsqueeze(-1).expand(-1, -1, overlap.shape[1])
    to_right, to_left = (as_rows(side.gather(1, place)) for side in (vectors.mT, torch.linalg.inv_ex(vectors)[0]))
    values = values.gather(1, order).to(torch.complex128).masked_fill(~finite.unsqueeze(1), torch.nan)
    return values, to_right, to_left @ inverse.float()
