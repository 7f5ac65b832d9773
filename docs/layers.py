"""Draw the layers of the package as import-linter checks them, into docs/figures/layers.svg."""

from __future__ import annotations

import ast
import tomllib
from html import escape
from pathlib import Path
from textwrap import wrap

PROJECT = Path(__file__).parents[1]
PICTURE = PROJECT / "docs" / "figures" / "layers.svg"
WIDTH, HEIGHT, GAP, MARGIN = 720, 58, 10, 12  # pixels: of the picture, a layer, between layers, around all
LETTER = 6.5  # pixels that a letter of the text takes


def layers() -> list[list[str]]:
    """Return the packages of each layer, the topmost first: each may import those below it."""
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["type"] == "layers")
    return [layer.split(" | ") for layer in contract["layers"]]


def summary(package: str) -> str:
    """Return the first line of a package's docstring."""
    path = PROJECT / "src" / package.replace(".", "/") / "__init__.py"
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return docstring.partition("\n")[0]


def drawn() -> str:
    """Return the picture as SVG: a row for each layer, with a box for each of its packages."""
    rows = layers()
    height = 2 * MARGIN + len(rows) * (HEIGHT + GAP) - GAP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, packages in enumerate(rows):
        top = MARGIN + number * (HEIGHT + GAP)
        width = (WIDTH - 2 * MARGIN - GAP * (len(packages) - 1)) / len(packages)
        for place, package in enumerate(packages):
            lines += box(package, MARGIN + place * (width + GAP), top, width)
    return "\n".join([*lines, "</svg>", ""])


def box(package: str, left: float, top: float, width: float) -> list[str]:
    """Return a package's box: its name, and what it is for."""
    frame = f'x="{left:.0f}" y="{top}" width="{width:.0f}" height="{HEIGHT}"'
    lines = [
        f'<rect {frame} rx="6" fill="#eef2f7" stroke="#5b6b7f"/>',
        f'<text x="{left + 12:.0f}" y="{top + 20}" font-size="14" font-weight="bold">{package.split(".")[-1]}</text>',
    ]
    for number, line in enumerate(wrap(summary(package), int(width / LETTER))):
        y = top + 36 + 14 * number
        lines.append(f'<text x="{left + 12:.0f}" y="{y}" font-size="11" fill="#333">{escape(line)}</text>')
    return lines


if __name__ == "__main__":
    PICTURE.write_text(drawn())
    print(PICTURE.relative_to(PROJECT))
