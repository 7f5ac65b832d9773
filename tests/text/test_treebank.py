from __future__ import annotations

import pytest
from reviews import write_classes, write_parquet

from slowpoints.errors import UserError
from slowpoints.text import treebank
from slowpoints.text.options import TreebankData

TREES = [
    "(4 (3 (2 A) (3 good)) (2 film))",
    "(0 (1 bad) (1 (2 -LRB-) (1 awful)))",
    "(2 (2 a) (2 table))",
    "(1 (1 bad) (2 plot))",
]


def write_sst(root, fine=(4, 0, 2, 1), trees=tuple(TREES)):
    sentences = ["A good film", "bad -LRB- awful", "a table", "bad plot"]
    train = {"sentence": sentences, "label": [0.9, 0.1, 0.5, 0.3], "fine": list(fine)}
    write_parquet(root / "sst" / "train.parquet", **train, **({"tree": list(trees)} if trees else {}))
    for split in ("validation", "test"):
        write_parquet(root / "sst" / f"{split}.parquet", sentence=["Good", "so so", "awful"], fine=[3, 2, 0])
    return root


def read(root, **changes):
    return treebank.read(TreebankData(name="sst", repository="someone/sst", root=root, **changes))


def test_neutral_sentences_are_dropped_and_the_rest_is_binary(tmp_path):
    source = read(write_sst(tmp_path))
    assert source.train.texts == ["A good film", "bad ( awful", "bad plot"]
    assert source.train.labels.tolist() == [1, 0, 0]
    assert source.validation.labels.tolist() == [1, 0]
    assert source.test.texts == ["Good", "awful"]


def test_all_five_classes_can_be_read(tmp_path):
    assert read(write_sst(tmp_path), classes=5).train.labels.tolist() == [4, 0, 2, 1]


def test_phrases_are_added_once_and_never_those_of_held_out_sentences(tmp_path):
    train = read(write_sst(tmp_path), phrases=True).train
    # "good" and "awful" are held out, "bad" occurs twice, neutral phrases are dropped
    assert dict(zip(train.texts[3:], train.labels[3:].tolist(), strict=True)) == {"A good": 1, "bad": 0, "( awful": 0}


def test_the_hub_form_without_trees_is_read_but_has_no_phrases(tmp_path):
    for split in ("train", "validation", "test"):
        write_parquet(tmp_path / "sst" / f"{split}.parquet", text=["good", "meh", "bad"], label=[4, 2, 0])
    assert read(tmp_path).train.labels.tolist() == [1, 0]
    with pytest.raises(UserError, match=r"data\.phrases: this copy of SST has no trees"):
        read(tmp_path, phrases=True)


def test_phrases_of_a_tree():
    assert list(treebank.phrases("(3 (2 a) (4 (4 good) (2 film)))")) == [
        ("a", 2),
        ("good", 4),
        ("film", 2),
        ("good film", 4),
        ("a good film", 3),
    ]


@pytest.mark.parametrize("tree", ["(3 (2 a)", "(3 a))", "(7 a)", "(good)"])
def test_a_broken_tree_is_named(tmp_path, tree):
    write_sst(tmp_path, trees=(TREES[0], tree, TREES[2], TREES[3]))
    with pytest.raises(UserError, match=r"data\.phrases: training split of SST, row 2: the tree is broken"):
        read(tmp_path, phrases=True)


def test_a_class_out_of_range_is_named(tmp_path):
    with pytest.raises(UserError, match="train split of SST, row 2: class 5; classes must be 0 to 4"):
        read(write_sst(tmp_path, fine=(4, 5, 2, 1)))


ORDERED = ["very negative", "negative", "neutral", "positive", "very positive"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [(ORDERED, [4, 2, 0]), (ORDERED[::-1], [0, 2, 4]), (["1", "2", "3", "4", "5"], [4, 2, 0])],
)
def test_classes_with_names_are_told_by_these(tmp_path, names, expected):
    for split in ("train", "test"):
        write_classes(tmp_path / "sst" / f"{split}.parquet", names, [4, 2, 0])
    assert read(tmp_path, classes=5).train.labels.tolist() == expected


def test_classes_with_other_names_are_refused(tmp_path):
    for split in ("train", "test"):
        write_classes(tmp_path / "sst" / f"{split}.parquet", ["neg", "pos"], [0, 1, 0])
    with pytest.raises(
        UserError, match="train split of SST: its classes are called neg, pos; they must be very negative"
    ):
        read(tmp_path)


def test_binary_labels_are_not_taken_for_the_treebanks_classes(tmp_path):
    for split in ("train", "test"):
        write_parquet(tmp_path / "sst" / f"{split}.parquet", text=["good", "bad"], label=[1, 0])
    with pytest.raises(UserError, match=r"classes of SST are only 0, 1 here, .* labels 0 and 1 are read by data=files"):
        read(tmp_path)


def test_a_sentence_that_is_no_text_is_named(tmp_path):
    for split in ("train", "test"):
        write_parquet(tmp_path / "sst" / f"{split}.parquet", text=["good", None], label=[4, 0])
    with pytest.raises(UserError, match="train split of SST, row 2: the text is None"):
        read(tmp_path)
