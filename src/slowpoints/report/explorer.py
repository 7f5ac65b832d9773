"""The interactive explorer of one network: a single HTML file that needs nothing else, and no connection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from slowpoints.report.marks import MARKS
from slowpoints.report.style import ALONG, MODES, NEGATIVE, NEUTRAL, POSITIVE, VISITED, Arrays

if TYPE_CHECKING:
    from jinja2 import Template

ANALYSIS = "explorer"  # whose arrays it is made from
DIGITS = {"spectra": 8}  # significant ones of the numbers in the page: a time constant of 1,000 is 1 - lambda = 0.001
DIGITS_ELSE = 4
COLOURS = {
    "positive": POSITIVE,
    "negative": NEGATIVE,
    "neutral": NEUTRAL,
    "visited": VISITED,
    "modes": MODES,
    "along": ALONG.capitalize(),
}


def make_explorer(title: str, arrays: Mapping[str, Arrays], verdicts: Sequence[tuple[str, str]] = ()) -> str | None:
    """Return the explorer as HTML; None where the arrays it is made from are not there.

    Parameters
    ----------
    title
        What the network is, and its accuracy.
    arrays
        By analysis: those of `ExplorerQuestion`.
    verdicts
        Claims, and what became of them.
    """
    if ANALYSIS not in arrays:
        return None
    from plotly.offline import get_plotlyjs

    data = {"colours": COLOURS} | {name: _plain(name, array) for name, array in arrays[ANALYSIS].items()}
    return _template().render(
        title=title,
        verdicts=[(claim, verdict, MARKS[verdict]) for claim, verdict in verdicts],
        counts=[(verdict, MARKS[verdict], sum(v == verdict for _, v in verdicts)) for verdict in MARKS],
        # a word such as </script> must not end the part of the page in which it stands
        data=json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        script=files("slowpoints.report").joinpath("explorer.js").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
    )


def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("slowpoints.report", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("explorer.html.j2")


def _plain(name: str, array: np.ndarray) -> Any:
    """Return an array as nested lists with no more digits than are shown; complex numbers as pairs, NaN as None."""
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], axis=-1)
    if array.dtype.kind != "f":
        return array.tolist()
    digits = DIGITS.get(name, DIGITS_ELSE)
    rounded = [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in array.ravel().tolist()]
    return np.array(rounded, dtype=object).reshape(array.shape).tolist()
