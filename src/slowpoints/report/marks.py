"""How verdicts on claims are marked, wherever they are shown: a sign and a colour that say the same."""

from __future__ import annotations

from dataclasses import dataclass

# Okabe & Ito (2008): told apart with every common colour blindness.
POSITIVE, NEGATIVE, NEUTRAL = "#0072B2", "#D55E00", "#8C8C8C"


@dataclass(frozen=True)
class Mark:
    """How one verdict is shown.

    Attributes
    ----------
    sign, colour
        On pages and in figures.
    style
        Its colour on a terminal.
    word
        In tables: `yes`, `weakly`, `no`, `not judged`, or nothing where it was not measured.
    """

    sign: str
    colour: str
    style: str
    word: str


MARKS = {
    "holds": Mark("\N{BLACK CIRCLE}", POSITIVE, "green", "yes"),
    "holds weakly": Mark("\N{CIRCLE WITH LEFT HALF BLACK}", NEUTRAL, "yellow", "weakly"),
    "does not hold": Mark("\N{WHITE CIRCLE}", NEGATIVE, "red", "no"),
    "not measured": Mark("\N{EN DASH}", NEUTRAL, "dim", ""),
    "not judged": Mark("\N{MULTIPLICATION SIGN}", NEUTRAL, "dim", "not judged"),
}
