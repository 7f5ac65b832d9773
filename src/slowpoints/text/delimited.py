"""Rows of CSV and TSV files, each with the line that it begins in."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from slowpoints.errors import UserError
from slowpoints.text.documents import Rows
from slowpoints.text.lines import lines_of
from slowpoints.text.options import FileData
from slowpoints.text.tables import require

DELIMITERS = {".csv": ",", ".tsv": "\t"}
OTHERS = (",", ";", "\t", "|")
ADVICE = "double the quotation marks inside of a quoted text, or say data.quotes=false where they belong to the texts"


@dataclass(frozen=True)
class _Row:
    """The fields of one row, and the lines of the file that it was read from."""

    number: int
    fields: list[str]
    first_line: int
    lines: list[str]

    @property
    def place(self) -> str:
        return f"row {self.number} ({_span(self.first_line, len(self.lines))})"


def read_delimited(path: Path, where: str, options: FileData) -> Rows:
    """Read texts and labels from a CSV or TSV file.

    Raises
    ------
    UserError
        If a column is missing or there twice, a row has too few or too many fields, quotation marks do not match, or
        rows seem to be lost between two that do by chance.
    """
    columns = {"data.text_column": options.text_column, "data.label_column": options.label_column}
    lines = lines_of(path, where, options.encoding, newline="")
    first = next(lines, "")
    delimiter = options.delimiter or _delimiter(first, DELIMITERS[path.suffix.lower()], tuple(columns.values()))
    rows = _rows(chain([first], lines), where, delimiter, options.quotes)
    header = [name.strip() for name in next(rows, _Row(0, [], 1, [])).fields]
    require(columns, header, f"{where}, {_first_row(header, delimiter)}")
    text, label = (header.index(name) for name in columns.values())
    texts, labels, places, suspects = [], [], [], []
    for row in rows:
        if len(row.fields) != len(header):
            raise UserError(
                f"{where}, {row.place}: {len(row.fields)} fields where the header has {len(header)}; quote texts that "
                "hold the delimiter"
            )
        texts.append(row.fields[text])
        labels.append(row.fields[label])
        places.append(row.first_line)
        if len(row.lines) > 1:
            suspects.append((row.place, _labels_inside(row, delimiter, len(header), label)))
    _check_none_lost(suspects, set(labels), where)
    return Rows(where, texts, labels, places)


def _delimiter(header: str, usual: str, columns: tuple[str, ...]) -> str:
    """The delimiter under which the header has both columns: the usual one of the file's ending, else another."""
    for delimiter in (usual, *OTHERS):
        names = next(csv.reader([header], delimiter=delimiter), [])
        if set(columns) <= {name.strip() for name in names}:
            return delimiter
    return usual


def _first_row(header: list[str], delimiter: str) -> str:
    """What the header is called in messages, with what may be wrong with all of it."""
    if any("\0" in name for name in header):
        return "header (which looks like UTF-16: data.encoding=utf-16)"
    if len(header) == 1:
        return f"header (a single field, as {delimiter!r} ends none; another delimiter is named by data.delimiter)"
    return "header"


def _rows(lines: Iterator[str], where: str, delimiter: str, quotes: bool) -> Iterator[_Row]:
    """The header as row 0, and the rows; empty lines are no rows."""
    csv.field_size_limit(2**31 - 1)
    taken: list[str] = []  # the lines that the reader has asked for since the last row
    reader = csv.reader(
        _kept(lines, taken),
        delimiter=delimiter,
        strict=True,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
    )
    number, line = 0, 1
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            place = f"{where}, {f'row {number}' if number else 'header'}"
            if "end of data" in str(error):
                raise UserError(
                    f"{place} (line {line}): a quotation mark is opened and never closed; {ADVICE}"
                ) from error
            raise UserError(f"{place} ({_span(line, len(taken))}): cannot be read: {error}; {ADVICE}") from error
        if fields:
            yield _Row(number, fields, line, list(taken))
            number += 1
        line += len(taken)
        taken.clear()


def _kept(lines: Iterator[str], kept: list[str]) -> Iterator[str]:
    for line in lines:
        kept.append(line)
        yield line


def _span(first: int, count: int) -> str:
    return f"line {first}" if count <= 1 else f"lines {first} to {first + count - 1}"


def _labels_inside(row: _Row, delimiter: str, fields: int, label: int) -> list[str]:
    """What stands in the label's place in those lines of a row that have as many fields as a row."""
    split = csv.reader(row.lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return [each[label].strip('"') for each in split if len(each) == fields]


def _check_none_lost(suspects: list[tuple[str, list[str]]], labels: set[str], where: str) -> None:
    """Refuse rows between whose quotation marks others disappeared: two or more of their lines end in a label.

    A text of several lines has its label in one of them. Where a mark opens in one row and the next one closes in
    another, both have theirs, as all rows between have.
    """
    for place, inside in suspects:
        if sum(each in labels for each in inside if each) > 1:
            raise UserError(f"{where}, {place}: a quoted field holds lines that are rows of their own; {ADVICE}")
