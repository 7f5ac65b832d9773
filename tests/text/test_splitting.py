from __future__ import annotations

import numpy as np
import pytest
from reviews import documents, reviews

from slowpoints.errors import UserError
from slowpoints.text.documents import Documents, Source, same_words
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


def sizes(source):
    return [len(split) for split in (source.train, source.validation, source.test)]


def assert_no_text_is_shared(source):
    one, two, three = ({same_words(text) for text in s.texts} for s in (source.train, source.validation, source.test))
    assert not one & two | one & three | two & three


def test_copies_stay_together_and_a_split_is_a_share_of_rows():
    texts, labels = reviews(300)
    split = complete_splits(Source(Documents(texts * 3, np.array(labels * 3))), 0.1, 0.1, 0)
    assert sizes(split) == [720, 90, 90]
    assert [s.labels.mean() for s in (split.train, split.validation, split.test)] == [0.5, 0.5, 0.5]
    assert_no_text_is_shared(split)


@pytest.mark.parametrize("seed", range(5))
def test_shares_hold_where_some_texts_are_copied_far_more_often_than_others(seed):
    texts, labels = reviews(400)
    copies = np.array([500, 200, 50, 50] + [1] * 396)  # a thousand rows, 4 in 5 of them copies
    copied = Documents(np.repeat(texts, copies).tolist(), np.repeat(labels, copies))
    split = complete_splits(Source(copied), 0.1, 0.2, seed)
    assert sizes(split) == pytest.approx([0.7 * 1196, 0.1 * 1196, 0.2 * 1196], abs=25)
    shares = [s.labels.mean() for s in (split.train, split.validation, split.test)]
    assert shares == pytest.approx([copied.labels.mean()] * 3, abs=0.15)
    assert_no_text_is_shared(split)


def test_a_text_that_differs_in_blanks_and_capitals_alone_is_a_copy():
    texts, labels = reviews(100)
    copied = Documents([*texts, *(f" {text.upper()}  " for text in texts)], np.array(labels * 2))
    split = complete_splits(Source(copied), 0.2, 0.2, 0)
    assert sizes(split) == [120, 40, 40]
    assert_no_text_is_shared(split)


def test_copies_with_another_label_go_with_their_text():
    texts, labels = reviews(40)
    split = complete_splits(Source(Documents([*texts, texts[0]], np.array([*labels, 1 - labels[0]]))), 0.2, 0.2, 0)
    assert sum(sizes(split)) == 41
    assert_no_text_is_shared(split)


def test_one_text_of_each_class_is_held_out_however_often_it_is_there():
    texts, labels = reviews(4)
    split = complete_splits(Source(Documents(texts * 9, np.array(labels * 9)), test=documents(4)), 0.1, 0.1, 0)
    assert (len(split.train), len(split.validation)) == (18, 18)
    assert set(split.train.labels) == set(split.validation.labels) == {0, 1}


def test_too_few_documents_to_split_are_refused():
    with pytest.raises(UserError, match=r"too few to take a test split"):
        complete_splits(Source(Documents(["good", "bad", "awful"], np.array([1, 0, 0]))), 0.1, 0.1, 0)
