"""Complex vectors as real rows: the real parts of all, then the imaginary parts.

Products with real matrices are products of real matrices then, and so are those with complex numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Complex, Float


def as_rows(vectors: Complex[Tensor, "point mode n"]) -> Float[Tensor, "point 2*mode n"]:
    """Return complex vectors as real rows."""
    return torch.cat([vectors.real, vectors.imag], dim=1)


def as_complex(rows: Float[Tensor, "point 2*mode n"]) -> Complex[Tensor, "point mode n"]:
    """Return real rows as complex vectors."""
    return torch.complex(*rows.chunk(2, dim=1))


def norm(rows: Float[Tensor, "point 2*mode n"]) -> Float[Tensor, "point mode"]:
    """Return the norms of complex vectors."""
    return torch.linalg.vector_norm(rows.unflatten(1, (2, -1)), dim=(1, 3))


def dot(
    rows: Float[Tensor, "point 2*mode n"], others: Float[Tensor, "point 2*mode n"]
) -> Complex[Tensor, "point mode"]:
    """Return the sums of products of complex vectors; none is conjugated."""
    real, imag = rows.chunk(2, dim=1)
    other_real, other_imag = others.chunk(2, dim=1)
    return torch.complex(
        (real * other_real - imag * other_imag).sum(dim=2), (real * other_imag + imag * other_real).sum(dim=2)
    )


def times(
    factors: Complex[Tensor, "point mode"], rows: Float[Tensor, "point 2*mode n"]
) -> Float[Tensor, "point 2*mode n"]:
    """Multiply complex vectors by complex numbers."""
    real, imag = (part.unsqueeze(-1).to(rows.dtype) for part in (factors.real, factors.imag))
    one, other = rows.chunk(2, dim=1)
    return torch.cat([real * one - imag * other, real * other + imag * one], dim=1)


def matrix_of(factors: Complex[Tensor, "point mode"]) -> Float[Tensor, "point 2*mode 2*mode"]:
    """Return the matrices that multiply complex vectors by complex numbers, by a product with their rows."""
    real, imag = torch.diag_embed(factors.real), torch.diag_embed(factors.imag)
    return torch.cat([torch.cat([real, -imag], dim=2), torch.cat([imag, real], dim=2)], dim=1)
