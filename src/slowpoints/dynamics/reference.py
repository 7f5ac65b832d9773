"""The decomposed matrix from which the leading modes of nearby ones are followed (`continuation`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Complex, Float, Int

SPARE = 3  # modes refined beyond those wanted: nearly equal magnitudes may change places
GAP = 0.04  # in magnitude, between the modes wanted and those that are only bounded


@dataclass(frozen=True)
class Reference:
    """A decomposed matrix in real form, `J0 = R D L`, by falling magnitude of the eigenvalues.

    A complex pair `a +- bi` stands as the block `[[a, b], [-b, a]]` of D, its vectors as real and imaginary part.

    Attributes
    ----------
    middle
        `(state,)`: a for each place of D's diagonal.
    turn
        `(state,)`: b and -b for the two places of a pair, 0 for a real eigenvalue.
    partner
        `(state,)`: the other place of a pair, or the place itself.
    matrix
        `(state, state)`: J0, double precision.
    right, left
        R and L, single precision.
    lead
        How many places p are followed: the pairs among them are complete.
    rest
        Largest magnitude of the eigenvalues behind them.
    """

    middle: Float[Tensor, " state"]
    turn: Float[Tensor, " state"]
    partner: Int[Tensor, " state"]
    matrix: Float[Tensor, "state state"]
    right: Float[Tensor, "state state"]
    left: Float[Tensor, "state state"]
    lead: int
    rest: float


def make_reference(
    matrix: Float[Tensor, "state state"],
    values: Complex[Tensor, " state"],
    vectors: Complex[Tensor, "state state"],
    count: int,
) -> Reference | None:
    """Return the real form of a decomposition, or None where too few eigenvalues can be told from the rest."""
    order = values.abs().argsort(descending=True, stable=True)
    values, vectors = values[order], vectors[:, order]
    first, second = values.imag > 0, values.imag < 0
    place = torch.arange(len(values), device=values.device)
    partner = place + first.long() - second.long()
    if not (values[partner] == values.conj()).all():
        return None  # an exact tie of magnitudes has come between a pair
    right = torch.where(first, vectors.real * 2**0.5, torch.where(second, -vectors.imag * 2**0.5, vectors.real))
    left, failure = torch.linalg.inv_ex(right)
    lead = _lead(values, count)
    if failure or lead is None:
        return None
    return Reference(
        values.real.float(),
        values.imag.float(),
        partner,
        matrix,
        right.float(),
        left.float(),
        lead,
        float(values[lead].abs()),
    )


def _lead(values: Complex[Tensor, " state"], count: int) -> int | None:
    """Return the first place behind which the rest is smaller than the wanted modes by `GAP`, or by most."""
    magnitude = values.abs()
    modes = (values.imag >= 0).nonzero().squeeze(1)
    if len(modes) <= count + SPARE:
        return None
    start = int(modes[count + SPARE])
    end = max(start + 1, len(values) // 2)
    gap = magnitude[modes[count - 1]] - magnitude[start:end]
    gap = gap.clamp(max=GAP).masked_fill(values.imag[start:end] < 0, -1.0)  # not between the two of a pair
    best = int(gap.argmax())
    return start + best if gap[best] > 0 else None
