"""What docs/design.md says is there."""

from __future__ import annotations

import importlib.util
import keyword
import re
import tokenize
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
DESIGN = (PROJECT / "docs" / "design.md").read_text()
OTHERS = {"J", "NAME", "xxx", "partial"}  # symbols, what stands for others, part of a file name


@cache
def names() -> set[str]:
    """Return all names in the source, the tests' and the configuration's keys."""
    found = set(keyword.kwlist)
    for path in (PROJECT / "src").rglob("*.py"):
        with tokenize.open(path) as file:
            found |= {token.string for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.NAME}
        found |= set(path.relative_to(PROJECT / "src").with_suffix("").parts)
    for path in (PROJECT / "conf").rglob("*.yaml"):
        found |= set(re.findall(r"\w+", path.read_text()))
    return found


def test_every_name_on_the_page_exists():
    prose = re.sub(r"```.*?```", "", DESIGN, flags=re.DOTALL)
    missing = []
    for span in re.findall(r"`([^`\n]+)`", prose):
        if "/" in span and " " not in span:
            places = [PROJECT / span, PROJECT / "src" / "slowpoints" / span]
            found = any(place.exists() or list(PROJECT.glob(span)) for place in places)
        else:
            found = set(re.findall(r"[A-Za-z_]\w*", span)) <= names() | OTHERS
        if not found:
            missing.append(span)
    assert not missing


def test_every_folder_on_the_page_exists_and_none_is_left_out():
    (listing,) = re.findall(r"```\n(conf/.*?)```", DESIGN, flags=re.DOTALL)
    folders = re.findall(r"^  (\w+)/", listing, flags=re.MULTILINE)
    package = PROJECT / "src" / "slowpoints"
    assert sorted(folders) == sorted(path.name for path in package.iterdir() if (path / "__init__.py").exists())


def test_the_picture_of_the_layers_is_that_of_the_contract():
    spec = importlib.util.spec_from_file_location("layers", PROJECT / "docs" / "layers.py")
    layers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(layers)
    assert layers.PICTURE.read_text() == layers.drawn()
