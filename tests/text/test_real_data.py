"""What is known of the real data sets, and what was promised for them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from slowpoints.tasks.data import data_class
from slowpoints.tasks.datamodule import TaskData
from slowpoints.text.load import load_data
from slowpoints.text.task import documents

CONF = Path(__file__).parents[2] / "conf" / "data"

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def load(name, data_root, cache, **changes):
    config = yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))
    return load_data(data_class(config).model_validate({**config, "root": data_root, **changes}), cache, 0)


def unknown_share(corpus):
    return (corpus.tokens == 1).mean()


def test_sst_without_neutral_sentences(data_root, cache):
    data = load("sst", data_root, cache)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [6_920, 872, 1_821]
    assert [int(split.labels.sum()) for split in (data.train, data.validation, data.test)] == [3_610, 444, 909]
    assert {"n't", "'s", "(", '"'} <= set(data.words)
    assert not {"lrb", "rrb", "``"} & set(data.words)
    assert unknown_share(data.test) < 0.1


def test_sst_with_phrases(data_root, cache):
    data = load("sst", data_root, cache, phrases=True)
    assert len(data.train) > 60_000
    assert [len(data.validation), len(data.test)] == [872, 1_821]


def test_sst_with_five_classes(data_root, cache):
    data = load("sst", data_root, cache, classes=5)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [8_544, 1_101, 2_210]
    assert [int((data.train.labels == grade).sum()) for grade in range(5)] == [1_092, 2_218, 1_624, 2_322, 1_288]


def test_yelp(data_root, cache):
    data = load("yelp", data_root, cache)
    assert len(data.train) + len(data.validation) == 41_049
    assert len(data.test) == 4_561
    assert data.validation.labels.mean() == pytest.approx(data.train.labels.mean(), abs=1e-3)
    assert unknown_share(data.test) < 0.03


def test_imdb_starts_from_the_cache_within_a_second_and_pads_little(data_root, cache):
    data = load("imdb", data_root, cache)
    started = time.perf_counter()
    load("imdb", data_root, cache)
    assert time.perf_counter() - started < 1

    assert len(data.train) + len(data.validation) == len(data.test) == 25_000
    assert unknown_share(data.test) < 0.05
    loader = TaskData(documents(data), 64, 0).train_dataloader()
    cells = sum(batch.tokens.numel() for batch in loader)
    assert 1 - data.train.lengths.sum() / cells < 0.1
