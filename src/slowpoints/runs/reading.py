"""Read files that may be damaged, or somebody else's: plain values come out, or one error."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import yaml

from slowpoints.errors import DamagedFile

T = TypeVar("T")


def read_file(path: Path, parse: Callable[[bytes], T], remedy: str) -> T:
    """Return what is made of a file's content.

    Raises
    ------
    DamagedFile
        If the file cannot be read, or `parse` raises anything: readers fail in many ways on what they do not expect.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedFile(path, f"cannot be read ({error.strerror})", remedy) from error
    try:
        return parse(content)
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        kind = "" if type(error) is ValueError else f"{type(error).__name__}: "  # those of this project are sentences
        raise DamagedFile(path, f"is damaged ({kind}{reason})", remedy) from error


def digest(content: bytes) -> str:
    """Return what tells this content from any other."""
    return blake2b(content, digest_size=16).hexdigest()


def digest_of_values(values: Any) -> str:
    """Return what tells plain values, as they are read from JSON, from any others."""
    return digest(json.dumps(values, sort_keys=True).encode())


def json_mapping(content: bytes) -> dict[str, Any]:
    """Return the object in a JSON text; ValueError where it is none."""
    return _mapping(json.loads(content.decode("utf-8")))


def yaml_mapping(content: bytes) -> dict[str, Any]:
    """Return the mapping in a YAML text, of plain values; ValueError or YAMLError where it is none."""
    return _mapping(yaml.load(content.decode("utf-8"), _PlainLoader))


def _mapping(value: object) -> dict[str, Any]:
    if not (isinstance(value, dict) and all(isinstance(key, str) for key in value)):
        raise ValueError("holds no names with values")
    return value


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Refuses references from one place of a text to another: a few lines of them stand for billions of values."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("refers from one place to another (*)")
        return super().compose_node(parent, index)
