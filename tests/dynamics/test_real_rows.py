"""Complex vectors in real rows are computed with as complex ones are."""

import torch

from slowpoints.dynamics.real_rows import as_complex, as_rows, dot, matrix_of, norm, times


def vectors(seed: int) -> torch.Tensor:
    return torch.randn(4, 3, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.complex128)


def test_rows_are_products_of_complex_vectors():
    one, other, factors = vectors(0), vectors(1), vectors(2)[..., 0]
    scaled = factors.unsqueeze(-1) * one
    assert torch.equal(as_complex(as_rows(one)), one)
    torch.testing.assert_close(dot(as_rows(one), as_rows(other)), (one * other).sum(dim=2))
    torch.testing.assert_close(norm(as_rows(one)), one.norm(dim=2))
    torch.testing.assert_close(times(factors, as_rows(one)), as_rows(scaled))
    torch.testing.assert_close(matrix_of(factors) @ as_rows(one), as_rows(scaled))
