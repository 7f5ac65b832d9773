"""All figures of a network, by the analysis whose arrays they are drawn from."""

from __future__ import annotations

from collections.abc import Mapping

from slowpoints.figures import (
    activity,
    dimensions,
    fixed_points,
    inputs,
    linearization,
    manifold,
    modes,
    overlap,
    relaxation,
    state_plane,
    valence_words,
)
from slowpoints.figures.style import Drawing

CATALOG: Mapping[str, Mapping[str, Drawing]] = {
    "activity": activity.FIGURES,
    "pca": dimensions.FIGURES | state_plane.FIGURES,
    "relaxation": relaxation.FIGURES,
    "fixed_points": fixed_points.FIGURES,
    "manifold": manifold.FIGURES,
    "modes": modes.FIGURES,
    "inputs": inputs.FIGURES,
    "overlap": overlap.FIGURES,
    "linearization": linearization.FIGURES,
    "valence_words": valence_words.FIGURES,
}
