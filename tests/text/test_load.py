from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from reviews import reviews, write_hub_folder
from tokenizers import Tokenizer

from slowpoints.errors import UserError
from slowpoints.text import load
from slowpoints.text.load import load_data
from slowpoints.text.options import FileData, HubData, SyntheticData


def hub_options(root, **changes):
    return HubData(**{"name": "imdb", "repository": "someone/imdb", "root": root, "min_count": 1, **changes})


def write_csv(path, texts, labels):
    path.write_text("text,label\n" + "".join(f'"{t}",{label}\n' for t, label in zip(texts, labels, strict=True)))
    return FileData(name="mine", train=path, min_count=1)


def text_of(data, corpus, index):
    return " ".join(data.words[token] for token in corpus.document(index))


def test_documents_are_split_encoded_and_cut(tmp_path):
    data = load_data(hub_options(write_hub_folder(tmp_path), max_length=3), tmp_path / "cache", seed=0)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [54, 6, 20]
    assert data.words[:2] == ("[PAD]", "[UNK]")
    assert text_of(data, data.test, 0) == "a bad film"
    assert data.validation.labels.mean() == 0.5
    assert data.valence is None
    assert Tokenizer.from_str(data.tokenizer_json).encode("good").ids == [data.words.index("good")]


def test_the_vocabulary_comes_from_the_training_split_alone(tmp_path):
    texts, labels = reviews(30)
    train = write_csv(tmp_path / "train.csv", texts, labels)
    write_csv(tmp_path / "test.csv", ["unheard of", "a film"], [0, 1])
    data = load_data(train.model_copy(update={"test": tmp_path / "test.csv"}), tmp_path / "cache", seed=0)
    assert "unheard" not in data.words
    assert text_of(data, data.test, 0) == "[UNK] [UNK]"


def test_the_second_time_nothing_is_read_or_tokenised(tmp_path, monkeypatch):
    options = hub_options(write_hub_folder(tmp_path))
    first = load_data(options, tmp_path / "cache", seed=0)
    monkeypatch.setattr(load, "encode_source", None)
    moved = (tmp_path / "imdb").rename(tmp_path / "elsewhere")
    (tmp_path / "root").mkdir()
    moved.rename(tmp_path / "root" / "imdb")
    # the same files in another place, and what is applied to the cache, make no new entry
    again = load_data(hub_options(tmp_path / "root", max_length=2, keep="last"), tmp_path / "cache", seed=0)
    np.testing.assert_array_equal(again.train.tokens, first.train.cut(2, "last").tokens)
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize("change", [{"min_count": 2}, {"lowercase": False}, {"validation_share": 0.2}])
def test_options_that_matter_make_a_new_entry(tmp_path, change):
    write_hub_folder(tmp_path)
    load_data(hub_options(tmp_path), tmp_path / "cache", seed=0)
    load_data(hub_options(tmp_path, **change), tmp_path / "cache", seed=0)
    load_data(hub_options(tmp_path), tmp_path / "cache", seed=1)
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_a_corrupt_cache_is_built_again_with_a_notice(tmp_path, caplog):
    options = hub_options(write_hub_folder(tmp_path))
    first = load_data(options, tmp_path / "cache", seed=0)
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_bytes(cached.read_bytes()[:-50])
    again = load_data(options, tmp_path / "cache", seed=0)
    assert "damaged" in caplog.text
    np.testing.assert_array_equal(again.train.tokens, first.train.tokens)
    caplog.clear()
    load_data(options, tmp_path / "cache", seed=0)
    assert "documents in data.test" not in caplog.text


def test_the_cached_path_imports_neither_datasets_nor_tokenizers(tmp_path):
    write_hub_folder(tmp_path)
    load_data(hub_options(tmp_path), tmp_path / "cache", seed=0)
    code = f"""
import sys
from pathlib import Path
from slowpoints.text.load import load_data
from slowpoints.text.options import HubData
options = HubData(name="imdb", repository="someone/imdb", root=Path({str(tmp_path)!r}), min_count=1)
load_data(options, Path({str(tmp_path / "cache")!r}), 0)
print([name for name in ("datasets", "tokenizers", "sklearn", "torch", "pyarrow") if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (["good", "fine", "great"], [1, 1, 1], "every document in the train split of mine has label 1; both classes"),
        (["", " ", ""], [1, 0, 1], "every document in the train split of mine is empty"),
        ([], [], "is empty"),
        (["one", "two"], [0, 1], "too few to take a test split"),
    ],
)
def test_data_that_cannot_be_learnt_from_are_refused(tmp_path, texts, labels, message):
    with pytest.raises(UserError, match=message):
        load_data(write_csv(tmp_path / "r.csv", texts, labels), tmp_path / "cache", seed=0)
    assert not (tmp_path / "cache").exists()


def test_a_minimal_count_that_no_word_reaches_is_refused(tmp_path):
    options = hub_options(write_hub_folder(tmp_path), min_count=1_000)
    with pytest.raises(UserError, match=r"no word of imdb occurs 1000 times .*data\.min_count"):
        load_data(options, tmp_path / "cache", seed=0)


def test_documents_that_the_users_files_share_are_counted_whenever_the_data_are_loaded(tmp_path, caplog):
    texts, labels = reviews(30)
    options = write_csv(tmp_path / "train.csv", texts, labels)
    write_csv(tmp_path / "test.csv", [*texts[:3], texts[3].upper(), "new", "newer"], [0, 1, 0, 1, 0, 1])
    options = options.model_copy(update={"test": tmp_path / "test.csv"})
    for _ in range(2):  # the second time from the cache
        caplog.clear()
        load_data(options, tmp_path / "cache", seed=0)
        assert "4 of the 6 documents in data.test are in data.train too" in caplog.text
    caplog.clear()
    load_data(write_csv(tmp_path / "r.csv", texts, labels), tmp_path / "cache", seed=0)
    assert "documents in data" not in caplog.text


def test_synthetic_data_are_the_same_from_the_cache(tmp_path):
    options = SyntheticData(name="synthetic", documents=100)
    first, again = (load_data(options, tmp_path, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.valence, again.valence)
    np.testing.assert_array_equal(first.train.tokens, again.train.tokens)
    assert first.words == again.words
