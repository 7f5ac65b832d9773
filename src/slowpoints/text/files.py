"""Bring your own reviews: csv, tsv, jsonl or parquet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slowpoints.errors import UserError
from slowpoints.text.cache import file_digest
from slowpoints.text.delimited import DELIMITERS, read_delimited
from slowpoints.text.documents import Rows, Source
from slowpoints.text.labels import read_rows
from slowpoints.text.lines import lines_of
from slowpoints.text.options import FileData
from slowpoints.text.tables import read_parquet, require, rows_of
from slowpoints.text.wording import shortened


def fingerprint(options: FileData) -> str:
    """Hash of the content of every file.

    Raises
    ------
    UserError
        If a file is missing, or cannot be read.
    """
    try:
        return " ".join(f"{split}:{file_digest(path)}" for split, path in paths(options).items())
    except OSError as error:
        raise UserError(f"data: {error.filename} cannot be read: {error.strerror}") from error


def read(options: FileData) -> Source:
    """Read the files.

    Raises
    ------
    UserError
        If a file or column is missing, a file cannot be read, or a label cannot be understood.
    """
    splits = {split: _rows(path, f"data.{split}: {path}", options) for split, path in paths(options).items()}
    for rows in splits.values():
        if not rows.texts:
            raise UserError(f"{rows.where} is empty: it has no row with a text and a label")
    return read_rows(splits, options.positive_label)


def paths(options: FileData) -> dict[str, Path]:
    """Return the file of each split.

    Raises
    ------
    UserError
        If one is missing, or its name does not say how it is written.
    """
    files = {
        split: path if options.root is None else options.root / path
        for split, path in (("train", options.train), ("validation", options.validation), ("test", options.test))
        if path is not None
    }
    for split, path in files.items():
        if not _is_file(path):
            raise UserError(f"data.{split}: there is no file {path} (looked for {path.absolute()})")
        if path.suffix.lower() not in {*DELIMITERS, ".jsonl", ".parquet"}:
            raise UserError(
                f"data.{split}: {path} must end in .csv, .tsv, .jsonl or .parquet, to say how it is written"
            )
    return files


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for any file
        return False


def _rows(path: Path, where: str, options: FileData) -> Rows:
    columns = {"data.text_column": options.text_column, "data.label_column": options.label_column}
    match path.suffix.lower():
        case ".parquet":
            table = read_parquet(path, where, columns)
            return rows_of(table, options.text_column, options.label_column, where, options.positive_label)
        case ".jsonl":
            return _json_rows(path, where, columns, options.encoding)
        case _:
            return read_delimited(path, where, options)


def _json_rows(path: Path, where: str, columns: dict[str, str], encoding: str | None) -> Rows:
    texts: list[Any] = []
    labels: list[Any] = []
    lines: list[int] = []
    for number, line in enumerate(lines_of(path, where, encoding, newline="\n"), start=1):
        if not line.strip():
            continue
        place = f"{where}, row {len(texts) + 1} (line {number})"
        record = _record(line, place)
        require(columns, list(record), place)
        for found, name in zip((texts, labels), columns.values(), strict=True):
            found.append(record[name])
        lines.append(number)
    return Rows(where, texts, labels, lines)


def _record(line: str, place: str) -> dict[str, Any]:
    try:
        record = json.loads(line, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{place}: is not JSON that can be read: {shortened(str(error))}") from error
    if not isinstance(record, dict):
        raise UserError(f'{place}: must be an object such as {{"text": "...", "label": 1}}')
    return record


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return record
