from __future__ import annotations

import os

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reviews import reviews, write_classes, write_hub_folder, write_parquet

from slowpoints.errors import UserError
from slowpoints.text import hub
from slowpoints.text.options import HubData


def options(root=None, **changes):
    return HubData(**{"name": "imdb", "repository": "someone/imdb", "root": root, **changes})


def test_a_local_folder_is_read(tmp_path):
    source = hub.read(options(write_hub_folder(tmp_path)))
    texts, labels = reviews(60)
    assert source.train.texts == texts
    assert source.train.labels.tolist() == labels
    assert source.validation is None
    assert len(source.test) == 20


def test_reading_leaves_nothing_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "home")
    hub.read(options(write_hub_folder(tmp_path / "data")))
    assert not (tmp_path / "home").exists()


def test_the_hub_is_read(monkeypatch):
    texts, labels = reviews(6)
    split = datasets.Dataset.from_dict({"text": texts, "label": labels})
    monkeypatch.setattr(hub, "hub_answers", lambda: True)
    monkeypatch.setattr(
        datasets,
        "load_dataset",
        lambda name, revision: datasets.DatasetDict(train=split, test=split, unsupervised=split),
    )
    source = hub.read(options())
    assert source.train.texts == texts
    assert source.test.labels.tolist() == labels


def test_without_network_and_folder_the_ways_out_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "hub_answers", lambda: False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    with pytest.raises(
        UserError, match=r"(?s)someone/imdb.*network.*data\.root=FOLDER.*imdb/train.parquet.*data=synthetic"
    ):
        hub.read(options())


def test_a_closed_port_does_not_answer(monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:9")
    assert not hub.hub_answers()


def test_the_hub_is_not_asked_when_everything_is_to_stay_offline(monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub.urllib.request, "urlopen", lambda *_, **__: pytest.fail("asked"))
    assert not hub.hub_answers()


@pytest.mark.parametrize("missing", ["imdb", "imdb/train.parquet", "imdb/test.parquet"])
def test_a_missing_folder_or_file_is_named(tmp_path, missing):
    write_hub_folder(tmp_path)
    os.rename(tmp_path / missing, tmp_path / "gone")
    with pytest.raises(UserError, match=rf"data\.root: there is no (folder|file) .*{missing}"):
        hub.fingerprint(options(tmp_path))


def test_a_missing_column_is_named_with_those_there_are(tmp_path):
    with pytest.raises(UserError, match=r"train split of imdb: .* 'review'; name one of text, label with data\.text_c"):
        hub.read(options(write_hub_folder(tmp_path), text_column="review"))


@pytest.mark.parametrize(("text", "label"), [("fine", 3), ("fine", None), (None, 1)])
def test_a_row_that_is_no_labelled_text_is_named(tmp_path, text, label):
    write_hub_folder(tmp_path)
    write_parquet(tmp_path / "imdb" / "train.parquet", text=["good", text], label=[1, label])
    with pytest.raises(UserError, match="train split of imdb, row 2"):
        hub.read(options(tmp_path))


def test_classes_with_names_are_told_by_these_and_others_by_the_positive_one(tmp_path):
    for split in ("train", "test"):
        write_classes(tmp_path / "imdb" / f"{split}.parquet", ["good", "bad"], [0, 1, 0])
    with pytest.raises(UserError, match=r"train split of imdb, row 1: label 'good' is none .*data\.positive_label"):
        hub.read(options(tmp_path))
    assert hub.read(options(tmp_path, positive_label="good")).train.labels.tolist() == [1, 0, 1]


def test_two_columns_of_one_name_are_refused(tmp_path):
    write_hub_folder(tmp_path)
    table = pa.table([["a"], ["b"], [1]], names=["text", "text", "label"])
    pq.write_table(table, tmp_path / "imdb" / "test.parquet")
    with pytest.raises(UserError, match="test split of imdb: 2 columns are called 'text'"):
        hub.read(options(tmp_path))


@pytest.mark.parametrize("content", [b"", b"this is not parquet", b"PAR1" + bytes(100) + b"PAR1"])
def test_an_unreadable_file_is_named(tmp_path, content):
    write_hub_folder(tmp_path)
    (tmp_path / "imdb" / "test.parquet").write_bytes(content)
    with pytest.raises(UserError, match=r"data\.root: .*test\.parquet cannot be read as parquet"):
        hub.read(options(tmp_path))


def test_the_fingerprint_follows_the_content(tmp_path):
    before = hub.fingerprint(options(write_hub_folder(tmp_path / "a")))
    assert hub.fingerprint(options(write_hub_folder(tmp_path / "b"))) == before
    write_parquet(tmp_path / "b" / "imdb" / "test.parquet", text=["other"], label=[1])
    assert hub.fingerprint(options(tmp_path / "b")) != before
