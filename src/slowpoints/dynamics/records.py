"""What all records of points share: choosing some, joining, moving, saving, and tables."""

from __future__ import annotations

import html
import json
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput
from slowpoints.files import new_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pandas import DataFrame

    Rows = int | slice | Sequence[int] | Sequence[bool] | Tensor | NDArray[np.generic]

HEADER = "record"  # the entry of a file that says what it holds
SHOWN = 5  # rows of a table in a notebook
UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error)

Value = TypeVar("Value")


@dataclass(frozen=True, repr=False)
class Record:
    """One entry for each of many points, in arrays whose first axis is the point.

    `record[rows]` has some of the points, `first + second` those of both.

    Attributes
    ----------
    whole
        Names of the arrays and records that are about all points together: they stay as they are when some points are
        chosen, and must be the same in records that are joined.
    nested
        Which records are kept in which field.
    each
        What there is a row for in the table: each point, or also each of something at a point.
    table
        Names of the attributes that are the table's columns.
    """

    whole: ClassVar[frozenset[str]] = frozenset()
    nested: ClassVar[Mapping[str, type]] = MappingProxyType({})
    each: ClassVar[tuple[str, ...]] = ("point",)
    table: ClassVar[tuple[str, ...]] = ()

    def __len__(self) -> int:
        return len(next(iter(self._rows().values())))

    def __iter__(self) -> Iterator[Self]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, rows: Rows) -> Self:
        chosen = _row_numbers(rows, len(self))
        return replace(self, **{name: _taken(value, chosen) for name, value in self._rows().items()})

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        rows = self._rows()
        for name, value in _values(self).items():
            if name not in rows and not same_value(value, getattr(other, name)):
                raise InvalidInput(_disagree(type(self).__name__, name, value, getattr(other, name)))
        return replace(self, **{name: joined(name, value, getattr(other, name)) for name, value in rows.items()})

    def to(self, device: torch.device | str) -> Self:
        """Return the same on another device."""
        return _mapped(self, lambda tensor: tensor.to(device))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return all arrays with one entry for each point, by name."""
        return {name: value.cpu().numpy() for name, value in self._rows().items() if isinstance(value, Tensor)}

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the columns of the table by name; of several numbers in a row each has a column."""
        values = [(name, getattr(self, name)) for name in self.table]
        arrays = {name: value.cpu().numpy() for name, value in values if value is not None}
        shape = next(iter(arrays.values())).shape[: len(self.each)]
        columns = dict(zip(self.each, np.indices(shape).reshape(len(shape), -1), strict=True))
        for name, array in arrays.items():
            columns |= _columns(name, array.reshape(math.prod(shape), math.prod(array.shape[len(shape) :])))
        return columns

    def to_frame(self) -> DataFrame:
        """Return the table of the points as a `pandas.DataFrame`.

        Raises
        ------
        ImportError
            Where pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise ImportError("to_frame() makes a pandas DataFrame, and pandas is not installed") from error
        return DataFrame(self.columns())

    def save(self, path: Path | str) -> None:
        """Write everything to a file in numpy's npz format, without pickle; it is whole or not there.

        Parameters
        ----------
        path
            The file, which is written under exactly this name; its folder is made where there is none.
        """
        arrays: dict[str, NDArray[np.generic]] = {}
        values: dict[str, Any] = {}
        _flatten(self, "", arrays, values)
        entries: dict[str, Any] = {
            HEADER: np.array(json.dumps({"record": type(self).__name__, "values": values})),
            **arrays,
        }
        with new_file(Path(path)) as temporary, temporary.open("wb") as file:
            np.savez(file, **entries)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what `save` wrote, onto the CPU.

        Raises
        ------
        InvalidInput
            Where the file cannot be read, is damaged, or holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as saved:
                arrays = dict(saved)
            header = json.loads(str(arrays.pop(HEADER)))
            kind = header["record"]
            if kind == cls.__name__:
                return _built(cls, "", arrays, header["values"])
        except UNREADABLE as error:
            raise InvalidInput(f"{path} holds no {cls.__name__} that can be read: {error}") from error
        raise InvalidInput(f"{path} holds a record of another kind: read it with {kind}.load")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def _repr_html_(self) -> str:
        columns = self.columns()
        count = max((len(column) for column in columns.values()), default=0)
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{html.escape(_shown(column[row]))}</td>' for column in columns.values())}</tr>"
            for row in range(min(count, SHOWN))
        )
        more = f"<tr><td colspan='{len(columns)}'>and {count - SHOWN} more rows</td></tr>" if count > SHOWN else ""
        return f"<table><caption>{html.escape(repr(self))}</caption><tr>{head}</tr>{body}{more}</table>"

    def _rows(self) -> dict[str, Any]:
        """Return what has one entry for each point: tensors, and records of the same points."""
        values = _values(self).items()
        return {name: value for name, value in values if isinstance(value, Tensor | Record) and name not in self.whole}


def _values(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _row_numbers(rows: Rows, count: int) -> Tensor:
    """Return the numbers of the rows that a mask, a slice, an index or several choose."""
    if isinstance(rows, Tensor):
        rows = rows.cpu().numpy()
    try:
        chosen = np.atleast_1d(np.arange(count)[rows])
    except IndexError as error:
        raise InvalidInput(f"these rows cannot be chosen of {count} points: {error}") from error
    if chosen.ndim != 1:
        raise InvalidInput("rows are chosen by a mask (point,), a slice, an index, or indices (row,)")
    return torch.from_numpy(chosen.copy())


def _taken(value: Any, rows: Tensor) -> Any:
    return value[rows.to(value.device)] if isinstance(value, Tensor) else value[rows]


def joined(name: str, first: Any, second: Any) -> Any:
    """Return the rows of two tensors or records, one after the other.

    Raises
    ------
    InvalidInput
        Where their rows are of different shapes, or on different devices.
    """
    if isinstance(first, Record):
        return first + second
    if first.shape[1:] != second.shape[1:]:
        raise InvalidInput(
            f"records to join must have rows of one shape, but those of `{name}` are {tuple(first.shape[1:])} and "
            f"{tuple(second.shape[1:])}"
        )
    if first.device != second.device:
        raise InvalidInput(f"records to join are on {first.device} and {second.device}; move one with .to(...)")
    return torch.cat([first, second])


def same_value(first: Any, second: Any) -> bool:
    """Say whether two values of a field are the same, be they tensors, records or numbers (NaN is NaN)."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return first.device == second.device and torch.equal(first, second)
    if is_dataclass(first) and type(first) is type(second):
        return all(same_value(value, getattr(second, name)) for name, value in _values(first).items())
    return bool(first == second or (first != first and second != second))


def _disagree(kind: str, name: str, first: Any, second: Any) -> str:
    values = "" if isinstance(first, Tensor) or is_dataclass(first) else f" ({first} and {second})"
    return f"{kind} to join must agree in `{name}`{values}"


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return a record with all tensors in it changed, also those of records within."""
    if isinstance(value, Tensor):
        return change(value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{name: _mapped(inner, change) for name, inner in _values(value).items()})
    return value


def _flatten(record: Any, prefix: str, arrays: dict[str, NDArray[np.generic]], values: dict[str, Any]) -> None:
    """Collect the arrays of a record, and what else it holds, under dotted names."""
    for name, value in _values(record).items():
        if isinstance(value, Tensor):
            arrays[prefix + name] = value.detach().cpu().numpy()
        elif is_dataclass(value):
            _flatten(value, f"{prefix}{name}.", arrays, values)
        else:
            values[prefix + name] = value


def _built(kind: type[Value], prefix: str, arrays: Mapping[str, NDArray[np.generic]], values: dict[str, Any]) -> Value:
    """Return the record whose parts `_flatten` collected."""
    parts: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        key = prefix + field.name
        if key in arrays:
            parts[field.name] = torch.from_numpy(arrays[key])
        elif key in values:
            parts[field.name] = values[key]
        else:
            parts[field.name] = _built(kind.nested[field.name], f"{key}.", arrays, values)  # type: ignore[attr-defined]
    return kind(**parts)


def _columns(name: str, array: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
    """Return the columns of a table's attribute `(row, number)`; those of complex numbers are two."""
    if np.iscomplexobj(array):
        return {**_columns(f"{name}_real", array.real), **_columns(f"{name}_imag", array.imag)}
    if array.shape[1] == 1:
        return {name: array[:, 0]}
    return {f"{name}_{number + 1}": array[:, number] for number in range(array.shape[1])}


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, np.floating) else str(value)
