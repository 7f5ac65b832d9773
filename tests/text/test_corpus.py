from __future__ import annotations

import numpy as np
import pytest
from reviews import random_corpus

from slowpoints.text.corpus import Corpus


def test_documents_are_slices_of_one_array():
    corpus = Corpus(np.arange(5, dtype=np.int32), np.array([0, 2, 5]), np.array([0, 1]))
    assert len(corpus) == 2
    assert corpus.lengths.tolist() == [2, 3]
    assert corpus.document(1).tolist() == [2, 3, 4]


@pytest.mark.parametrize("max_length", [1, 3, 8, 20])
@pytest.mark.parametrize("keep", ["first", "last"])
def test_cut_keeps_the_first_or_last_tokens(keep, max_length):
    corpus = random_corpus(documents=50, longest=12)
    cut = corpus.cut(max_length, keep)
    for index in range(len(corpus)):
        whole = corpus.document(index)
        kept = whole[:max_length] if keep == "first" else whole[-max_length:]
        np.testing.assert_array_equal(cut.document(index), kept)
    np.testing.assert_array_equal(cut.labels, corpus.labels)


@pytest.mark.parametrize(("max_length", "keep"), [(0, "first"), (-1, "last"), (3, "middle")])
def test_cut_refuses_what_it_cannot_do(max_length, keep):
    with pytest.raises(ValueError, match="cannot keep"):
        random_corpus(3, 5).cut(max_length, keep)
