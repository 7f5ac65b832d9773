"""Stratified, seeded splits for data that come without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from slowpoints.errors import UserError
from slowpoints.text.documents import Documents, Source, same_words

if TYPE_CHECKING:
    from jaxtyping import Int64


def complete_splits(source: Source, validation_share: float, test_share: float, seed: int) -> Source:
    """Take the test and then the validation documents from `train` where the source has none.

    Shares are of the documents in `train` as the source gave it, copies counted. Copies of one text stay together, so
    that no document held out is also trained on; a share may then be missed by a part of a text's copies.

    Raises
    ------
    UserError
        If a class has too few documents to be split.
    """
    total = len(source.train)
    if source.test is None:
        rest, test = _hold_out(source.train, round(total * test_share), seed, "test")
        source = replace(source, train=rest, test=test)
    if source.validation is None:
        rest, validation = _hold_out(source.train, round(total * validation_share), seed, "validation")
        source = replace(source, train=rest, validation=validation)
    return source


def _hold_out(documents: Documents, count: int, seed: int, split: str) -> tuple[Documents, Documents]:
    from sklearn.model_selection import train_test_split

    copy_of = _first_copies(documents.texts)
    distinct, sizes = np.unique(copy_of, return_counts=True)
    copies = dict(zip(distinct.tolist(), sizes.tolist(), strict=True))
    labels = documents.labels[copy_of]  # copies that are labelled otherwise go with their text
    classes, texts = np.unique(documents.labels[distinct], return_counts=True)
    count = max(count, len(classes))
    if texts.min() < 2 or len(documents) - count < len(classes):
        raise UserError(
            f"data: {len(distinct)} distinct training documents ({texts.min()} in the smallest class) are too few to "
            f"take a {split} split of {count} from; give more documents, or a {split} set of its own"
        )
    rest, drawn = train_test_split(
        np.arange(len(documents)), test_size=count, stratify=labels, random_state=seed % 2**32
    )
    # Without copies this is the split. With them, texts are held out in the order of the draw.
    order = np.concatenate([drawn, rest])
    order = order[copy_of[order] == order]
    held = [
        text
        for label in classes
        for text in _nearest(order[labels[order] == label].tolist(), copies, int((labels[drawn] == label).sum()))
    ]
    is_held = np.isin(copy_of, held)
    return documents.select(np.flatnonzero(~is_held)), documents.select(np.flatnonzero(is_held))


def _first_copies(texts: list[str]) -> Int64[np.ndarray, " document"]:
    """The index of the first document with the same words, for each document."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(same_words(text), index) for index, text in enumerate(texts)])


def _nearest(texts: list[int], copies: Mapping[int, int], wanted: int) -> list[int]:
    """The first of these texts whose copies bring the number held out nearer to `wanted`.

    At least one is held out, and one is left.
    """
    held: list[int] = []
    for text in texts:
        if copies[text] < 2 * wanted and len(held) < len(texts) - 1:
            held.append(text)
            wanted -= copies[text]
    return held or [min(texts, key=copies.__getitem__)]
