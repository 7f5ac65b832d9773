"""Values and names inside messages, kept short: a file may hold anything where a label or a name is expected."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60

NAMES, LETTERS = 8, 40  # as many names, and letters of each, are listed


def quoted(value: object) -> str:
    """Return a value as Python writes it, its middle left out where it is long."""
    return _SHORT.repr(value)


def listed(names: Sequence[object]) -> str:
    """Return names separated by commas: the first few, and how many more there are."""
    shown = [shortened(str(name), LETTERS) for name in names[:NAMES]]
    more = [f"and {len(names) - NAMES} more"] if len(names) > NAMES else []
    return ", ".join(shown + more) or "(none)"


def shortened(text: str, letters: int = 300) -> str:
    """Return a text on one line, its end left out where it is long."""
    line = " ".join(text[: 10 * letters].split())
    return line if len(line) <= letters else line[: letters - 3] + "..."
