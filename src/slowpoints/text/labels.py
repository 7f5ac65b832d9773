"""What the labels of a binary data set mean: one reading for all of its splits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from slowpoints.errors import UserError
from slowpoints.text.documents import Documents, Rows, Source
from slowpoints.text.options import Label
from slowpoints.text.wording import listed, quoted

NEGATIVE = {"0", "false", "neg", "negative"}
POSITIVE = {"1", "true", "pos", "positive"}


def read_rows(splits: Mapping[str, Rows], positive: Label | None = None) -> Source:
    """Check the texts of all splits, and tell which of their labels are positive.

    Parameters
    ----------
    positive
        The label that means positive, where there is one other; None for the usual spellings.

    Raises
    ------
    UserError
        If a text is no text, a label is missing, or labels cannot be understood or are more than two.
    """
    for rows in splits.values():
        check_texts(rows)
    spellings = {split: [_spelling(label) for label in rows.labels] for split, rows in splits.items()}
    first = _first_places(splits, spellings)
    classes = _usual(first) if positive is None else _named(first, positive)
    return Source.of(
        {
            split: Documents(rows.texts, np.array([classes[each] for each in spellings[split]], dtype=np.int64))
            for split, rows in splits.items()
        }
    )


def check_texts(rows: Rows) -> None:
    """Refuse what is no Unicode text.

    Raises
    ------
    UserError
        With the place of the first text that is none.
    """
    for index, text in enumerate(rows.texts):
        if not isinstance(text, str):
            raise UserError(f"{rows.place(index)}: the text is {quoted(text)}; it must be a string")
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise UserError(
                    f"{rows.place(index)}: the text holds half of a character, {text[error.start]!a}; write the "
                    "whole one, or leave it out"
                ) from error


def _first_places(splits: Mapping[str, Rows], spellings: Mapping[str, list[str]]) -> dict[str, str]:
    """Each spelling of a label, as the label is written and where it first stands: `FILE, row 3: label '2'`."""
    first: dict[str, str] = {}
    for split, rows in splits.items():
        for index, spelling in enumerate(spellings[split]):
            if not spelling:
                raise UserError(f"{rows.place(index)}: there is no label")
            if spelling not in first:
                first[spelling] = f"{rows.place(index)}: label {quoted(rows.labels[index])}"
    return first


def _usual(first: Mapping[str, str]) -> dict[str, int]:
    for spelling, label in first.items():
        if spelling not in NEGATIVE | POSITIVE:
            raise UserError(
                f"{label} is none of 0/1, false/true, neg/pos, negative/positive; where two other values are used, "
                "name the positive one with data.positive_label"
            )
    return {spelling: int(spelling in POSITIVE) for spelling in first}


def _named(first: Mapping[str, str], positive: Label) -> dict[str, int]:
    others = [spelling for spelling in first if spelling != _spelling(positive)]
    if len(others) == len(first) > 0:
        raise UserError(f"data.positive_label={positive}: no document has this label; there are {listed(others)}")
    if len(others) > 1:
        raise UserError(
            f"{first[others[1]]} is a third value ({listed(sorted(others))}, and data.positive_label={positive}); "
            "there must be two"
        )
    return {spelling: int(spelling not in others) for spelling in first}


def _spelling(label: Any) -> str:
    """One spelling for 1, 1.0, "1" and " 1 "; none for what is missing."""
    if label is None or (isinstance(label, float) and math.isnan(label)):
        return ""
    return str(label).strip().lower().removesuffix(".0")


def by_name(labels: Iterable[Any], names: list[str], positive: Label | None) -> list[Any]:
    """Labels that number a list of names, as those names.

    Two names that are numbers themselves, as of stars, are read as 0 for the lower and 1 for the higher, unless one
    of them is said to be positive. What numbers no name (-1 means "not known") is no label.
    """
    meaning: dict[Any, Any] = dict(enumerate(names))
    if positive is None and len(names) == 2 and all(name.strip().isdecimal() for name in names):
        meaning = {number: int(name == max(names, key=int)) for number, name in enumerate(names)}
    return [meaning.get(label) for label in labels]
