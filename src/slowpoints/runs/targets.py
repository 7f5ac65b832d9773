"""Which classes a configuration names: what would be built, and so run, from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TARGET = "_target_"
# What earlier versions called the classes that their configurations name
_QUESTIONS = {
    "activity.Activity": "activity.Activity",
    "bag_of_words.BagOfWords": "bag_of_words.BagOfWords",
    "explorer.Explorer": "explorer.Explorer",
    "fixed_points.FixedPoint": "fixed_points.FixedPoint",
    "inputs.Input": "inputs.Input",
    "linear_rnn.LinearRNN": "linear_rnn.LinearRNN",
    "linearization.Linearization": "linearization.Linearization",
    "linearization.LinearizedNetwork": "linearized.LinearizedNetwork",
    "linearization.MeanInput": "mean_input.MeanInput",
    "manifold.Manifold": "manifold.Manifold",
    "modes.Modes": "modes.Modes",
    "overlap.Overlap": "overlap.Overlap",
    "pca.PrincipalComponent": "pca.PrincipalComponent",
    "relaxation.Relaxation": "relaxation.Relaxation",
    "shuffled_words.ShuffledWords": "shuffled_words.ShuffledWords",
    "valence_words.ValenceWords": "valence_words.ValenceWords",
}
RENAMED = {
    f"slowpoints.analysis.{before}Analysis": f"slowpoints.questions.{now}Question" for before, now in _QUESTIONS.items()
}
# What they had in place of the class of a data set
DATA, SOURCE = "data", "source"
SOURCES = {
    source: f"slowpoints.text.options.{name}Data"
    for source, name in {"hub": "Hub", "treebank": "Treebank", "files": "File", "synthetic": "Synthetic"}.items()
}


def with_present_names(node: Any) -> Any:
    """Return a recorded configuration, however deep, with classes called as they are in this version."""
    if isinstance(node, Mapping):
        renamed = {key: with_present_names(value) for key, value in node.items()}
        data = renamed.get(DATA)
        if isinstance(data, Mapping) and TARGET not in data and data.get(SOURCE) in tuple(SOURCES):
            rest = {key: value for key, value in data.items() if key != SOURCE}
            renamed[DATA] = {TARGET: SOURCES[data[SOURCE]], **rest}
        target = node.get(TARGET)
        return renamed | {TARGET: RENAMED[target]} if isinstance(target, str) and target in RENAMED else renamed
    return [with_present_names(value) for value in node] if isinstance(node, list) else node


def targets(node: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the place and the value of each `_target_` in a configuration, however deep."""
    for key, value in _entries(node):
        here = f"{place}.{key}" if place else str(key)
        if key == TARGET:
            yield here, value
        yield from targets(value, here)


def interpolations(node: Any, place: str = "") -> Iterator[str]:
    """Yield the place of each text in a configuration that would be replaced by something else (`${...}`)."""
    for key, value in _entries(node):
        here = f"{place}.{key}" if place else str(key)
        if any(isinstance(text, str) and "${" in text for text in (key, value)):
            yield here
        yield from interpolations(value, here)


def _entries(node: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, Mapping):
        yield from node.items()
    elif isinstance(node, list | tuple):
        yield from enumerate(node)
