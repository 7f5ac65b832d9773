"""Small data sets for the tests of slowpoints.text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from slowpoints.text.corpus import Corpus, EncodedData, offsets_of
from slowpoints.text.documents import Documents


def reviews(count: int) -> tuple[list[str], list[int]]:
    """Different texts, every other one positive."""
    texts = [f"A {'good' if i % 2 else 'bad'} film, number n{chr(97 + i % 26)}{i // 26}." for i in range(count)]
    return texts, [i % 2 for i in range(count)]


def documents(count: int) -> Documents:
    texts, labels = reviews(count)
    return Documents(texts, np.array(labels))


def write_parquet(path: Path, **columns: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def write_classes(path: Path, names: list[str], labels: list[int], column: str = "label") -> Path:
    """Numbered classes with their names, as `datasets` writes them."""
    features = {column: {"names": names, "_type": "ClassLabel"}}
    table = pa.table({"text": [f"text {i}" for i in range(len(labels))], column: labels})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), path)
    return path


def write_hub_folder(root: Path, name: str = "imdb") -> Path:
    for split, count in (("train", 60), ("test", 20)):
        texts, labels = reviews(count)
        write_parquet(root / name / f"{split}.parquet", text=texts, label=labels)
    return root


def random_corpus(documents: int, longest: int, seed: int = 0, vocabulary: int = 50) -> Corpus:
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, longest + 1, size=documents)
    tokens = generator.integers(1, vocabulary, size=lengths.sum()).astype(np.int32)
    return Corpus(tokens, offsets_of(lengths), generator.integers(0, 2, size=documents))


def encoded(**changes: Any) -> EncodedData:
    splits = {split: random_corpus(40, 12, seed) for seed, split in enumerate(("train", "validation", "test"))}
    words = ("[PAD]", "[UNK]", *(f"word{i}" for i in range(48)))
    return EncodedData(**{"name": "made-up", **splits, "words": words, "tokenizer_json": "{}", **changes})
