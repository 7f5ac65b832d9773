"""The plane in which visited states are drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torch.nn.functional import pad

if TYPE_CHECKING:
    from slowpoints.dynamics import PrincipalComponents


def at_least_a_plane(components: PrincipalComponents) -> PrincipalComponents:
    """Return components of which there are two: where states have one dimension, nothing varies in the second."""
    missing = 2 - len(components.components)
    if missing <= 0:
        return components
    return replace(
        components,
        components=pad(components.components, (0, 0, 0, missing)),
        variance=pad(components.variance, (0, missing)),
    )
