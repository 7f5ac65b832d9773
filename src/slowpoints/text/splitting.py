"""Stratified, seeded splits for data that come without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from slowpoints.errors import UserError
from slowpoints.text.documents import Documents, Source


def complete_splits(source: Source, validation_share: float, test_share: float, seed: int) -> Source:
    """Take the test and then the validation documents from `train` where the source has none.

    Shares are of the documents in `train` as the source gave it. Copies of one text stay together, so that no
    document held out is also trained on.

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

    first_copy = {text: index for index, text in reversed(list(enumerate(documents.texts)))}
    copy_of = np.array([first_copy[text] for text in documents.texts])
    distinct = np.unique(copy_of)
    classes, sizes = np.unique(documents.labels[distinct], return_counts=True)
    count = max(count, len(classes))
    if sizes.min() < 2 or len(distinct) - count < len(classes):
        raise UserError(
            f"data: {len(distinct)} distinct training documents ({sizes.min()} in the smallest class) are too few to "
            f"take a {split} split of {count} from; give more documents, or a {split} set of its own"
        )
    _, held = train_test_split(
        distinct, test_size=count, stratify=documents.labels[distinct], random_state=seed % 2**32
    )
    is_held = np.isin(copy_of, held)
    return documents.select(np.flatnonzero(~is_held)), documents.select(np.flatnonzero(is_held))
