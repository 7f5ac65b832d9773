from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from reviews import encoded

from slowpoints.text.cache import cache_path, file_digest, read_cache, write_cache


def assert_same(one, two):
    for split in ("train", "validation", "test"):
        for field in ("tokens", "offsets", "labels"):
            first, second = getattr(getattr(one, split), field), getattr(getattr(two, split), field)
            np.testing.assert_array_equal(first, second)
            assert first.dtype == second.dtype
    for field in ("name", "words", "tokenizer_json", "classes", "notices"):
        assert getattr(one, field) == getattr(two, field)


@pytest.mark.parametrize("valence", [None, np.linspace(-1, 1, 50, dtype=np.float32)])
def test_what_is_written_is_read(tmp_path, valence):
    data = encoded(valence=valence, classes=5, notices=("two are the same",))
    write_cache(tmp_path / "new" / "a.safetensors", data)
    read = read_cache(tmp_path / "new" / "a.safetensors")
    assert_same(read, data)
    np.testing.assert_array_equal(read.valence, valence)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.safetensors"]  # no half-written file is left


def test_nothing_cached_is_no_cause_for_a_notice(tmp_path, caplog):
    assert read_cache(tmp_path / "a.safetensors") is None
    assert not caplog.records


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "text", "other"])
def test_a_damaged_file_is_noticed(tmp_path, caplog, damage):
    path = tmp_path / "a.safetensors"
    write_cache(path, encoded())
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-9] ^= 1
    elif damage == "truncate":
        del content[-100:]
    elif damage == "other":  # a sound file of something else
        from safetensors.numpy import save

        content = save({"weights": np.zeros(3)}, metadata={"format": "pt"})
    else:
        content = b"" if damage == "empty" else b"not safetensors at all"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert read_cache(path) is None
    assert "are damaged" in caplog.text
    assert str(path) in caplog.text


def test_a_folder_that_cannot_be_written_to_costs_a_warning(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    write_cache(tmp_path / "file" / "a.safetensors", encoded())
    assert "could not be cached" in caplog.text


def test_several_may_write_the_same_at_once(tmp_path):
    path, data = tmp_path / "a.safetensors", encoded()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: write_cache(path, data), range(32)))
    assert_same(read_cache(path), data)
    assert list(tmp_path.iterdir()) == [path]


def test_the_path_follows_the_choices(tmp_path):
    path = cache_path(tmp_path, "imdb", {"seed": 0, "min_count": 2})
    assert path == cache_path(tmp_path, "imdb", {"min_count": 2, "seed": 0})
    assert path != cache_path(tmp_path, "imdb", {"min_count": 3, "seed": 0})
    assert path.name.startswith("imdb-")


def test_the_digest_follows_the_content(tmp_path):
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b") != file_digest(tmp_path / "c")
