from __future__ import annotations

import numpy as np
import pytest
from reviews import documents, reviews

from slowpoints.errors import UserError
from slowpoints.text.documents import Documents, Source
from slowpoints.text.splitting import complete_splits


def test_missing_splits_are_stratified_and_seeded():
    one, two, other = (complete_splits(Source(documents(200)), 0.1, 0.2, seed) for seed in (3, 3, 4))
    assert (len(one.train), len(one.validation), len(one.test)) == (140, 20, 40)
    for split in (one.train, one.validation, one.test):
        assert split.labels.mean() == pytest.approx(0.5)
    assert one.test.texts == two.test.texts
    assert one.test.texts != other.test.texts
    assert sorted(one.train.texts + one.validation.texts + one.test.texts) == sorted(documents(200).texts)


def test_splits_that_exist_are_left_alone():
    source = Source(documents(40), documents(10), documents(12))
    completed = complete_splits(source, 0.1, 0.1, 0)
    assert completed == source


def test_copies_of_a_text_stay_on_one_side():
    texts, labels = reviews(100)
    copied = Documents(texts * 3, np.array(labels * 3))
    split = complete_splits(Source(copied, test=documents(4)), 0.2, 0.2, 0)
    assert len(split.train) + len(split.validation) == 300
    assert not set(split.train.texts) & set(split.validation.texts)


def test_too_few_documents_to_split_are_refused():
    with pytest.raises(UserError, match=r"too few to take a test split"):
        complete_splits(Source(Documents(["good", "bad", "awful"], np.array([1, 0, 0]))), 0.1, 0.1, 0)
