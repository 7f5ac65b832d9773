"""Data sets: the options of `conf/data/*.yaml`, and the task that follows from them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from inspect import isclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, SerializerFunctionWrapHandler, ValidationInfo, model_serializer, model_validator

from slowpoints.errors import UserError
from slowpoints.options import NO_EFFECT, FileName, Options

if TYPE_CHECKING:
    from slowpoints.tasks.task import Task

TARGET = "_target_"
OWN = ("slowpoints.tasks.", "slowpoints.text.")  # where the data sets of this project are


def is_text(value: Any, info: ValidationInfo) -> Any:
    """Return a value that is not a number; ValueError, with how to write it as a text, for one that is."""
    if isinstance(value, bool | int | float):
        quoted = f"'data.{info.field_name}=\"{value}\"'"
        raise ValueError(f"must be a text; what looks like a number is put in quotes within quotes: {quoted}")
    return value


class Data(Options):
    """A data set, chosen by `_target_`: a class whose fields are its options, checked on entry.

    Attributes
    ----------
    name
        As in the names of runs.
    root
        A folder to read from, where there is something to read. Here for all: a sweep over data sets may name one that
        some of them have no use for.
    """

    root: Annotated[Path | None, NO_EFFECT] = None
    # The name is that of a folder and of cache files too.
    name: Annotated[FileName, BeforeValidator(is_text)]

    @abstractmethod
    def task(self, seed: int, cache: Path) -> Task:
        """Return the task, the same for the same options and seed.

        Parameters
        ----------
        cache
            Folder for what takes long to make, which may not be there yet.

        Raises
        ------
        UserError
            If data cannot be had, read, or used.
        """

    def find(self, seed: int, cache: Path) -> Callable[[], Task]:
        """Look whether what is needed is there, before anything that takes long, and return what makes the task.

        Raises
        ------
        UserError
            If it is not.
        """
        return partial(self.task, seed, cache)

    @classmethod
    def described_by(cls, given: Mapping[str, Any]) -> type[Options] | None:
        """Return the data set of this project that options are of; another's is not imported for that."""
        target = given.get(TARGET)
        return own_data(target) if isinstance(target, str) else None

    @model_validator(mode="before")
    @classmethod
    def _without_target(cls, given: Any) -> Any:
        return {key: value for key, value in given.items() if key != TARGET} if isinstance(given, Mapping) else given

    @model_serializer(mode="wrap")
    def _with_target(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {TARGET: f"{type(self).__module__}.{type(self).__qualname__}", **handler(self)}


def own_data(target: str) -> type[Data] | None:
    """Return the data set that a target names, where it is one of this project; nothing else is imported."""
    if not target.startswith(OWN):
        return None
    module, _, name = target.rpartition(".")
    try:
        thing = getattr(import_module(module), name, None)
    except ImportError:
        return None
    return thing if isclass(thing) and issubclass(thing, Data) and thing.__module__ == module else None


def data_class(given: object) -> type[Data]:
    """Return the class that the options of a data set name.

    Raises
    ------
    UserError
        If they name none, or one that cannot be imported, or is not complete.
    """
    target = given.get(TARGET) if isinstance(given, Mapping) else None
    if not isinstance(target, str):
        raise UserError("data: needs a `_target_`: the class of the data set, such as slowpoints.text.options.FileData")
    module, _, name = target.rpartition(".")
    try:
        thing = getattr(import_module(module), name)
    except Exception as error:  # the module may be the user's own, and fail in any way
        raise UserError(f"data: cannot import {target} ({(str(error).splitlines() or [repr(error)])[0]})") from error
    if not (isclass(thing) and issubclass(thing, Data)):
        raise UserError(f"data: {target} is no data set (a class derived from slowpoints.tasks.Data)")
    if missing := sorted(thing.__abstractmethods__):
        raise UserError(f"data: {target} lacks {', '.join(missing)}, which slowpoints.tasks.Data asks of a data set")
    return thing
