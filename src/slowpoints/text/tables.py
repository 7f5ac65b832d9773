"""Parquet files and their columns, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slowpoints.errors import UserError
from slowpoints.text.documents import Rows
from slowpoints.text.labels import by_name
from slowpoints.text.options import Label
from slowpoints.text.wording import listed, quoted, shortened


def read_parquet(path: Path, where: str, needed: Mapping[str, str] | None = None) -> Any:
    """Read a file as a pyarrow table.

    Parameters
    ----------
    where
        How messages name the file.
    needed
        The columns to read, by the option that names each; None for all that the file has.

    Raises
    ------
    UserError
        If the file cannot be read, or a column is missing or there twice.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            if needed is None:
                return file.read()
            require(needed, file.schema_arrow.names, where)
            return file.read(columns=list(needed.values()))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise UserError(f"{where} cannot be read as parquet: {shortened(str(error))}") from error


def require(needed: Mapping[str, str], present: Sequence[str], where: str) -> None:
    """Refuse columns that are missing, or of which there are several.

    Raises
    ------
    UserError
        With the option that names the column, and the columns that there are.
    """
    for option, name in needed.items():
        if (count := present.count(name)) == 0:
            raise UserError(f"{where}: there is no column {quoted(name)}; name one of {listed(present)} with {option}")
        if count > 1:
            raise UserError(
                f"{where}: {count} columns are called {quoted(name)}; give the one meant by {option} a name of its own"
            )


def rows_of(table: Any, text: str, label: str, where: str, positive: Label | None) -> Rows:
    """Take texts and labels from a table; labels that number the names of classes become these names.

    Raises
    ------
    UserError
        If a column is missing, there twice, or holds no Unicode.
    """
    texts = column(table, text, "data.text_column", where)
    labels = column(table, label, "data.label_column", where)
    names = class_names(table, label)
    return Rows(where, texts, labels if names is None else by_name(labels, names, positive))


def column(table: Any, name: str, option: str, where: str) -> list[Any]:
    """One column of a pyarrow table as a list.

    Raises
    ------
    UserError
        If there is no such column, several, or one that holds no Unicode.
    """
    require({option: name}, table.column_names, where)
    found = table.column(name)
    try:
        values: list[Any] = found.to_pylist()
    except UnicodeDecodeError as error:
        row = next(index for index, value in enumerate(found, start=1) if not _is_unicode(value))
        raise UserError(f"{where}, row {row}: column {name!r} holds what is no UTF-8: {error}") from error
    return values


def _is_unicode(value: Any) -> bool:
    try:
        value.as_py()
    except UnicodeDecodeError:
        return False
    return True


def class_names(table: Any, name: str) -> list[str] | None:
    """The names of the classes that a column numbers, where the file's own description (of `datasets`) has them."""
    try:
        described = json.loads((table.schema.metadata or {})[b"huggingface"])
        names = described["info"]["features"][name]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return [str(each) for each in names] if isinstance(names, list) else None
