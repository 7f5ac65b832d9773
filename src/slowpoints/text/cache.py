"""Encoded data on disk: one safetensors file, written atomically and verified on reading."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from slowpoints.files import new_file
from slowpoints.text.corpus import Corpus, EncodedData

log = logging.getLogger(__name__)

FORMAT = "4"  # part of every key: raise it when what is stored, or how text is read, changes
SPLITS = ("train", "validation", "test")


def cache_path(folder: Path, name: str, choices: Mapping[str, object]) -> Path:
    """Where the data that follow from these choices are kept."""
    text = json.dumps([FORMAT, choices], sort_keys=True, default=str)
    return folder / f"{name}-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}.safetensors"


def file_digest(path: Path) -> str:
    """Hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def write_cache(path: Path, data: EncodedData) -> None:
    """Store `data`; a folder that cannot be written to costs a warning, not the run."""
    from safetensors.numpy import save

    arrays, texts = _pack(data)
    try:
        with new_file(path) as temporary:  # others may be building the same, or reading it
            temporary.write_bytes(save(arrays, metadata={**texts, "checksum": _checksum(arrays, texts)}))
    except OSError as error:
        log.warning("The encoded data could not be cached in %s: %s", path.parent, error)


def read_cache(path: Path) -> EncodedData | None:
    """The stored data, or None where there are none, or damaged ones (with a warning)."""
    if not path.exists():
        return None
    try:
        return _read(path)
    except Exception as error:  # whatever a damaged file makes of its readers, the cure is to build it again
        log.warning("The cached data in %s are damaged (%s) and are built again.", path, error)
        return None


def _read(path: Path) -> EncodedData:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        texts = dict(file.metadata())
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    if texts.pop("checksum") != _checksum(arrays, texts):
        raise ValueError("checksum differs")
    splits = {
        split: Corpus(*(arrays[f"{split}.{field}"] for field in ("tokens", "offsets", "labels"))) for split in SPLITS
    }
    return EncodedData(
        name=texts["name"],
        **splits,
        words=tuple(json.loads(texts["words"])),
        tokenizer_json=texts["tokenizer"],
        valence=arrays.get("valence"),
        classes=int(texts["classes"]),
        notices=tuple(json.loads(texts["notices"])),
    )


def _pack(data: EncodedData) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    arrays = {
        f"{split}.{field}": np.ascontiguousarray(getattr(getattr(data, split), field))
        for split in SPLITS
        for field in ("tokens", "offsets", "labels")
    }
    if data.valence is not None:
        arrays["valence"] = data.valence
    texts = {
        "name": data.name,
        "words": json.dumps(data.words),
        "tokenizer": data.tokenizer_json,
        "classes": str(data.classes),
        "notices": json.dumps(data.notices),
    }
    return arrays, texts


def _checksum(arrays: Mapping[str, np.ndarray], texts: Mapping[str, str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for key in sorted(arrays):
        digest.update(f"{key} {arrays[key].dtype} {arrays[key].shape}".encode())
        digest.update(arrays[key].data)
    for key in sorted(texts):
        digest.update(f"{key} {texts[key]}".encode())
    return digest.hexdigest()
