"""From options to encoded data, through the cache."""

from __future__ import annotations

import inspect
import itertools
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slowpoints.errors import UserError
from slowpoints.tasks.data import TARGET, own_data
from slowpoints.text.cache import cache_path, file_digest, read_cache, write_cache
from slowpoints.text.corpus import EncodedData
from slowpoints.text.documents import Source, same_words
from slowpoints.text.options import DocumentData, FileData, TextData
from slowpoints.text.splitting import complete_splits

if TYPE_CHECKING:
    from slowpoints.text.task import DocumentTask

log = logging.getLogger(__name__)

QUICK = 100e6  # bytes of files that are read, and their labels checked, before anything else

# These are applied to what the cache holds, or say where the data are, not what they are.
_NOT_IN_KEY = ("max_length", "keep", "root", "repository", "revision", "train", "validation", "test")


def load_data(options: TextData, cache_dir: Path, seed: int) -> EncodedData:
    """Read, split and encode a data set, or take it from the cache, and cut its documents.

    Parameters
    ----------
    cache_dir
        Folder for the encoded data, one file for each content and choice of options; made where missing.
    seed
        Seed of the splits that the data set lacks, and of synthetic data.

    Raises
    ------
    UserError
        If the data cannot be had, read, or used.
    """
    return find_data(options, cache_dir, seed).encoded()


@dataclass(frozen=True)
class FoundData:
    """A data set that is there, and has been read and checked where that takes seconds.

    Attributes
    ----------
    options, seed
        What it is.
    path
        Of the encoded data in the cache.
    source
        Its documents, where they have been read.
    """

    options: TextData
    seed: int
    path: Path
    source: Source | None = field(repr=False)

    def encoded(self) -> EncodedData:
        """Read what has not been read, split and encode it, or take it from the cache, and cut its documents.

        Raises
        ------
        UserError
            If the data cannot be had, read, or used.
        """
        if self.source is not None or (data := read_cache(self.path)) is None:
            source = _read(self.options, self.seed) if self.source is None else self.source
            log.info("Tokenising %s", self.options.name)
            data = encode_source(source, self.options, self.seed)
            write_cache(self.path, data)
        for notice in data.notices:
            log.warning("%s", notice)
        return data.cut(self.options.max_length, self.options.keep)

    def task(self) -> DocumentTask:
        """Return the task of telling the classes of the encoded documents.

        Raises
        ------
        UserError
            As `encoded`.
        """
        data = self.encoded()

        from slowpoints.text.task import documents

        return documents(data)


def find_data(options: TextData, cache_dir: Path, seed: int) -> FoundData:
    """Find a data set, and read small files of it at once, so that mistakes are known before anything slow begins.

    What is large, comes from elsewhere, or is in the cache already is read by `encoded`.

    Raises
    ------
    UserError
        If files are missing, or those that were read cannot be used.
    """
    path = cache_file(options, cache_dir, seed)
    here = options.files()
    at_once = here and not path.exists() and sum(file.stat().st_size for file in here) <= QUICK
    return FoundData(options, seed, path, _read(options, seed) if at_once else None)


def cache_file(options: TextData, cache_dir: Path, seed: int) -> Path:
    """Where the encoded data are, if they have been encoded.

    Raises
    ------
    UserError
        If files that they follow from are missing.
    """
    choices = {key: value for key, value in options.model_dump(mode="json").items() if key not in _NOT_IN_KEY}
    content = {"content": options.fingerprint(), "seed": seed}
    if own_data(choices[TARGET]) is None:  # whoever writes a class also changes what it reads
        content["code"] = file_digest(Path(inspect.getfile(type(options))))
    return cache_path(cache_dir, options.name, {**choices, **content})


def encode_source(source: Source, options: TextData, seed: int) -> EncodedData:
    """Complete the splits, learn the vocabulary from the training split, and encode all of them.

    Raises
    ------
    UserError
        If no word occurs often enough.
    """
    from slowpoints.text.tokenizer import Runs, encode, train_tokenizer, vocabulary

    notices = _shared_texts(source) if isinstance(options, FileData) else ()
    test_share = options.test_share if isinstance(options, DocumentData) else 0.0  # others have a test split
    source = complete_splits(source, options.validation_share, test_share, seed)
    assert source.validation is not None
    assert source.test is not None
    runs = Runs.of(source.train.texts)
    tokenizer = train_tokenizer(runs, options.vocabulary_size, options.min_count, options.lowercase)
    words = vocabulary(tokenizer)
    if len(words) < 3:
        raise UserError(
            f"data: no word of {options.name} occurs {options.min_count} times in the training texts (data.min_count)"
        )
    valence = source.valence
    return EncodedData(
        name=options.name,
        train=encode(tokenizer, runs, source.train.labels),
        validation=encode(tokenizer, Runs.of(source.validation.texts), source.validation.labels),
        test=encode(tokenizer, Runs.of(source.test.texts), source.test.labels),
        words=words,
        tokenizer_json=tokenizer.to_str(),
        valence=None if valence is None else np.array([valence.get(word, 0) for word in words], dtype=np.float32),
        classes=options.grades,
        notices=notices,
    )


def _read(options: TextData, seed: int) -> Source:
    log.info("Reading %s", options.name)
    source = options.read(seed)
    _check(source, options.name)
    return source


def _check(source: Source, name: str) -> None:
    for split, documents in (("train", source.train), ("validation", source.validation), ("test", source.test)):
        if documents is None:
            continue
        if len(documents) == 0:
            raise UserError(f"data: the {split} split of {name} is empty; it must hold documents of both classes")
        if not any(text.strip() for text in documents.texts):
            raise UserError(f"data: every document in the {split} split of {name} is empty")
        classes = np.unique(documents.labels)
        if len(classes) < 2:
            raise UserError(
                f"data: every document in the {split} split of {name} has label {classes[0]}; both classes, "
                "0 (negative) and 1 (positive), must be there"
            )


def _shared_texts(source: Source) -> tuple[str, ...]:
    """What there is to say of documents that the user's own files hold in two splits."""
    splits = {"train": source.train, "validation": source.validation, "test": source.test}
    words = {split: [same_words(text) for text in documents.texts] for split, documents in splits.items() if documents}
    notices = []
    for one, other in itertools.combinations(words, 2):
        known = set(words[one])
        if count := sum(text in known for text in words[other]):
            notices.append(
                f"{count} of the {len(words[other])} documents in data.{other} are in data.{one} too: what is measured "
                "on them says little of new documents"
            )
    return tuple(notices)
