"""Eigenvalues and leading modes of many Jacobians, by full decompositions or, where that is cheaper, from powers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput, as_tensor, check_count
from slowpoints.dynamics.eigenmodes import TOLERANCE, Eigenmodes, joined
from slowpoints.dynamics.parallel import chunk_rows, in_threads
from slowpoints.dynamics.powers import dimensions, leading_modes

if TYPE_CHECKING:
    from jaxtyping import Bool, Complex, Float, Int

    from slowpoints.dynamics.checks import Array


def spectrum(jacobians: Array) -> Complex[Tensor, "point state"]:
    """Return all eigenvalues of each Jacobian `(point, state, state)`, by falling magnitude.

    Returns
    -------
    Tensor
        `(point, state)`, complex.

    Raises
    ------
    InvalidInput
        For anything but square, finite matrices.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import spectrum
    >>> spectrum(torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])).abs().tolist()
    [[1.0, 1.0]]
    """
    jacobians = _square(jacobians)
    values = torch.linalg.eigvals(jacobians)
    return values.gather(1, values.abs().argsort(dim=1, descending=True, stable=True))


def eigenmodes(jacobians: Array, count: int = 10) -> Eigenmodes:
    """Find the leading modes of each Jacobian, with right and left vectors.

    Few modes of large Jacobians in double precision are found from powers of these, where it can be shown that none is
    missed (see `powers`); all others by full decompositions. Which way was taken does not show in the result: residuals
    are below 1e-10 of the norm either way. Each right vector's largest entry is made real and positive.

    Parameters
    ----------
    jacobians
        `(point, state, state)`.
    count
        How many modes; a complex pair is one.

    Returns
    -------
    Eigenmodes
        One entry for each Jacobian, in their order.

    Raises
    ------
    InvalidInput
        For anything but square, finite matrices, or a count below 1.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import eigenmodes
    >>> eigenmodes(torch.tensor([[[0.5, 1.0], [0.0, -0.75]]]), count=1).eigenvalues.tolist()
    [[(-0.75+0j)]]

    References
    ----------
    Maheswaranathan et al. (2019), arXiv 1906.10720, section 4 and appendix.
    """
    jacobians = _square(jacobians)
    check_count(count, "count")
    parts = jacobians.split(chunk_rows(jacobians))
    found = in_threads(lambda part: _modes(part, count), parts, jacobians.device)
    return joined(found)


def _modes(jacobians: Float[Tensor, "point state state"], count: int) -> Eigenmodes:
    """Find the leading modes in the way that suits the size."""
    size = jacobians.shape[1]
    if jacobians.dtype != torch.float64 or 2 * dimensions(size, count) > size:
        return _full(jacobians, count)
    found = leading_modes(jacobians, count)
    some = jacobians[found.rows]
    missing = torch.zeros_like(found.eigenvalues, dtype=torch.bool)
    outside = _outside_among(some, found.eigenvalues)
    parts = [assemble(some, found.eigenvalues, found.right, found.left, missing, outside)]
    others = torch.ones(len(jacobians), dtype=torch.bool, device=jacobians.device)
    others[found.rows] = False
    if others.any():
        parts.append(_full(jacobians[others], count))
    return joined(parts, torch.cat([found.rows, others.nonzero().squeeze(1)]))


def _full(jacobians: Float[Tensor, "point state state"], count: int) -> Eigenmodes:
    """Find the leading modes by full decompositions."""
    values, vectors = torch.linalg.eig(jacobians)
    return _chosen(jacobians, values, vectors, count)


def _chosen(jacobians: Tensor, values: Tensor, vectors: Tensor, count: int) -> Eigenmodes:
    """Return the leading modes of decomposed Jacobians."""
    order = leading(values)[:, :count]
    chosen = values.gather(1, order.clamp(min=0))
    right = vectors.mT.gather(1, order.clamp(min=0).unsqueeze(-1).expand(-1, -1, jacobians.shape[-1]))
    left = _rows_of_inverse(vectors, order.clamp(min=0))
    wrong = ~(_off(left, jacobians, chosen) <= _tolerance(jacobians))  # true for NaN
    defective = (wrong & (order >= 0)).any(dim=1)
    if defective.any():
        left[defective] = _left_vectors(jacobians[defective], chosen[defective])
    return assemble(jacobians, chosen, right, left, missing=order < 0, outside=_outside(values))


def leading(values: Complex[Tensor, "point value"]) -> Int[Tensor, "point mode"]:
    """Return the positions of the eigenvalues that stand for modes, by falling magnitude; -1 pads short rows."""
    magnitude = values.abs().masked_fill(values.imag < 0, -1.0)
    order = magnitude.argsort(dim=1, descending=True, stable=True)
    order = order.masked_fill(magnitude.gather(1, order) < 0, -1)
    return order[:, : int((order >= 0).sum(dim=1).max())]


def _outside(values: Complex[Tensor, "point value"]) -> Int[Tensor, "kind point"]:
    """Return how many modes, and how many eigenvalues, lie outside the unit circle; a pair's two stand among them."""
    outside = values.abs() > 1 + TOLERANCE[values.real.dtype]
    return torch.stack([(outside & (values.imag >= 0)).sum(dim=1), outside.sum(dim=1)])


def _outside_among(
    jacobians: Float[Tensor, "point state state"], modes: Complex[Tensor, "point mode"]
) -> Int[Tensor, "kind point"]:
    """Return the same from the leading modes, with all eigenvalues where the last of these lies outside as well."""
    both = torch.cat([modes, torch.where(modes.imag > 0, modes.conj(), 0)], dim=1)
    outside = _outside(both)
    more = (modes[:, -1].abs() > 1).nonzero().squeeze(1)
    if len(more):
        outside[:, more] = _outside(torch.linalg.eigvals(jacobians[more]))
    return outside


def _rows_of_inverse(vectors: Complex[Tensor, "point state state"], rows: Int[Tensor, "point mode"]) -> Tensor:
    """Return rows of the inverse of R: the left vectors, biorthogonal to all right ones."""
    selected = torch.zeros(*rows.shape, vectors.shape[-1], dtype=vectors.dtype, device=vectors.device)
    selected.scatter_(2, rows.unsqueeze(-1), 1.0)
    return torch.linalg.solve_ex(vectors.mT, selected.mT)[0].mT


def _left_vectors(jacobians: Tensor, values: Complex[Tensor, "point mode"]) -> Complex[Tensor, "point mode state"]:
    """Return left vectors as the right ones of the transposed matrix, where R has no inverse that can be computed."""
    transposed_values, vectors = torch.linalg.eig(jacobians.mT)
    same = (values.unsqueeze(-1) - transposed_values.unsqueeze(1)).abs().argmin(dim=-1)
    return vectors.mT.gather(1, same.unsqueeze(-1).expand(-1, -1, jacobians.shape[-1]))


def assemble(
    jacobians: Float[Tensor, "point state state"],
    eigenvalues: Complex[Tensor, "point mode"],
    right: Complex[Tensor, "point mode state"],
    left: Complex[Tensor, "point mode state"],
    missing: Bool[Tensor, "point mode"],
    outside: Int[Tensor, "kind point"],
) -> Eigenmodes:
    """Scale vectors as `Eigenmodes` promises, measure residuals, and put NaN where there is no mode to be trusted."""
    real = (eigenvalues.imag == 0).unsqueeze(-1)
    right = right / right.norm(dim=-1, keepdim=True)
    largest = right.gather(2, right.abs().argmax(dim=2, keepdim=True))
    right = right * (largest.abs() / largest)
    right = torch.where(real, right.real.to(right.dtype), right)
    left = left / (left * right).sum(dim=-1, keepdim=True)
    left = torch.where(real, left.real.to(left.dtype), left)
    residual = torch.maximum(_off(right, jacobians.mT, eigenvalues), _off(left, jacobians, eigenvalues))
    moved = left.norm(dim=-1) * torch.finfo(jacobians.dtype).eps  # of the norm: by rounding
    known = (residual <= _tolerance(jacobians)) & (moved <= TOLERANCE[jacobians.dtype])  # false for NaN
    doubtful = ~known | missing
    nan = torch.nan
    return Eigenmodes(
        eigenvalues.masked_fill(missing, nan),
        right.masked_fill(doubtful.unsqueeze(-1), nan),
        left.masked_fill(doubtful.unsqueeze(-1), nan),
        residual.masked_fill(missing, nan),
        *outside,
    )


def _off(rows: Complex[Tensor, "point mode state"], matrices: Tensor, eigenvalues: Tensor) -> Tensor:
    """Return `|v M - lambda v| / |v|` of vectors in rows, `(point, mode)`."""
    return (_times(rows, matrices) - eigenvalues.unsqueeze(-1) * rows).norm(dim=-1) / rows.norm(dim=-1)


def _tolerance(jacobians: Float[Tensor, "point state state"]) -> Float[Tensor, "point 1"]:
    """Return what residuals must be below."""
    return TOLERANCE[jacobians.dtype] * torch.linalg.matrix_norm(jacobians).unsqueeze(1)


def _times(rows: Complex[Tensor, "point mode state"], matrix: Float[Tensor, "point state state"]) -> Tensor:
    """Multiply complex rows by real matrices, without making those complex."""
    return torch.complex(rows.real @ matrix, rows.imag @ matrix)


def _square(array: Array) -> Float[Tensor, "point state state"]:
    jacobians = as_tensor(array, "jacobians")
    if jacobians.ndim != 3 or jacobians.shape[1] != jacobians.shape[2] or jacobians.numel() == 0:
        raise InvalidInput(f"Jacobians must have the shape (point, state, state), not {tuple(jacobians.shape)}")
    if not all(torch.isfinite(some).all() for some in jacobians.split(64)):  # it makes copies of what it is given
        raise InvalidInput("the Jacobians hold NaN or infinite values: leave out points that diverged")
    return jacobians
