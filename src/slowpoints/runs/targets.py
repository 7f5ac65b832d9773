"""Which classes a configuration names: what would be built, and so run, from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TARGET = "_target_"


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
