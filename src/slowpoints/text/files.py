"""Bring your own reviews: csv, tsv, jsonl or parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from slowpoints.errors import UserError
from slowpoints.text.cache import file_digest
from slowpoints.text.documents import Documents, Source
from slowpoints.text.options import FileData

NEGATIVE = {"0", "false", "neg", "negative"}
POSITIVE = {"1", "true", "pos", "positive"}
DELIMITERS = {".csv": ",", ".tsv": "\t"}

Row = tuple[Any, Any]  # text, label


def fingerprint(options: FileData) -> str:
    """Hash of the content of every file.

    Raises
    ------
    UserError
        If a file is missing.
    """
    return " ".join(f"{split}:{file_digest(path)}" for split, path in _paths(options).items())


def read(options: FileData) -> Source:
    """Read the files.

    Raises
    ------
    UserError
        If a file or column is missing, a file cannot be read, or a label cannot be understood.
    """
    return Source.of({split: _documents(path, split, options) for split, path in _paths(options).items()})


def _paths(options: FileData) -> dict[str, Path]:
    paths = {
        split: path if options.root is None else options.root / path
        for split, path in (("train", options.train), ("validation", options.validation), ("test", options.test))
        if path is not None
    }
    for split, path in paths.items():
        if not path.is_file():
            raise UserError(f"data.{split}: there is no file {path} (looked for {path.absolute()})")
        if path.suffix.lower() not in {*DELIMITERS, ".jsonl", ".parquet"}:
            raise UserError(
                f"data.{split}: {path} must end in .csv, .tsv, .jsonl or .parquet, to say how it is written"
            )
    return paths


def _documents(path: Path, split: str, options: FileData) -> Documents:
    texts, labels = [], []
    seen: set[str] = set()
    for number, (text, label) in enumerate(_rows(path, split, options), start=1):
        if not isinstance(text, str):
            raise UserError(f"data.{split}: {path}, row {number}: the text is {text!r}; it must be a string")
        texts.append(text)
        labels.append(_class(label, options.positive_label, seen, f"data.{split}: {path}, row {number}"))
    if not texts:
        raise UserError(f"data.{split}: {path} is empty: it has no row with a text and a label")
    return Documents(texts, np.array(labels, dtype=np.int64))


def _class(label: Any, positive: str | float | None, seen: set[str], where: str) -> int:
    """0 or 1: by the usual spellings, or by what the user calls positive, when there may be one other value."""
    if label is None or not str(label).strip():
        raise UserError(f"{where}: there is no label")
    spelling = _spelling(label)
    if positive is None:
        if spelling in NEGATIVE:
            return 0
        if spelling in POSITIVE:
            return 1
        raise UserError(
            f"{where}: label {label!r} is none of 0/1, false/true, neg/pos, negative/positive; where two other values "
            "are used, name the positive one with data.positive_label"
        )
    seen.add(spelling)
    others = seen - {_spelling(positive)}
    if len(others) > 1:
        raise UserError(
            f"{where}: label {label!r} is a third value ({', '.join(sorted(others))}, and "
            f"data.positive_label={positive}); there must be two"
        )
    return int(spelling == _spelling(positive))


def _spelling(label: Any) -> str:
    """One spelling for 1, 1.0, "1" and " 1 "."""
    return str(label).strip().lower().removesuffix(".0")


def _rows(path: Path, split: str, options: FileData) -> Iterator[Row]:
    where = f"data.{split}: {path}"
    columns = (options.text_column, options.label_column)
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _parquet_rows(path, where, columns)
    rows = _json_rows if suffix == ".jsonl" else _table_rows
    return rows(path, where, columns)


def _table_rows(path: Path, where: str, columns: tuple[str, str]) -> Iterator[Row]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=DELIMITERS[path.suffix.lower()], strict=True)
        number = 0  # 0 is the header
        try:
            header = next(reader, [])
            _require(columns, header, where)
            text, label = (header.index(column) for column in columns)
            for row in reader:
                if not row:
                    continue
                number += 1
                if len(row) != len(header):
                    raise UserError(
                        f"{where}, row {number} (line {reader.line_num}): {len(row)} fields where the header has "
                        f"{len(header)}; quote texts that hold the delimiter"
                    )
                yield row[text], row[label]
        except (csv.Error, UnicodeDecodeError) as error:
            raise UserError(
                f"{where}, row {number + 1} (line {reader.line_num + 1}): cannot be read: {error}"
            ) from error


def _json_rows(path: Path, where: str, columns: tuple[str, str]) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise UserError(f"{where}, row {number}: is not JSON: {error}") from error
            if not isinstance(record, dict):
                raise UserError(f'{where}, row {number}: must be an object such as {{"text": "...", "label": 1}}')
            _require(columns, list(record), f"{where}, row {number}")
            yield record[columns[0]], record[columns[1]]


def _parquet_rows(path: Path, where: str, columns: tuple[str, str]) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _require(columns, file.schema_arrow.names, where)
            table = file.read(columns=list(columns))
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{where}: cannot be read as parquet: {error}") from error
    yield from zip(*(table.column(column).to_pylist() for column in columns), strict=True)


def _require(columns: tuple[str, str], present: list[str], where: str) -> None:
    for option, column in zip(("text_column", "label_column"), columns, strict=True):
        if column not in present:
            raise UserError(
                f"{where}: there is no column {column!r}; name one of {', '.join(present) or '(none)'} with "
                f"data.{option}"
            )
