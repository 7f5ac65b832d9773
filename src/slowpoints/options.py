"""What all sections of a run's options have in common: how they are checked, and the ranges of numbers and names."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from slowpoints.errors import UserError

LARGEST = 1e18  # of a number that networks compute with: single precision, which ends at 3e38, holds products of two
MANY = 2**31 - 1  # of what is counted
LONGEST_SHOWN = 80  # characters of a value in a message

Count = Annotated[int, Field(gt=0, le=MANY)]
CountOrNone = Annotated[int, Field(ge=0, le=MANY)]  # none of them is a choice, too
Size = Annotated[int, Field(gt=0, le=2**16)]  # of a layer
Threads = Annotated[int, Field(gt=0, le=1024)]  # more of them end Python
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Share = Annotated[float, Field(ge=0, lt=1)]
Seconds = Annotated[float, Field(ge=0, le=30 * 24 * 3600)]
# A name becomes that of files and folders, beside others in one name: 255 bytes are the most that systems take.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]


class NoEffect:
    """Marks an option that results do not follow from: `console: Annotated[Mode, NO_EFFECT]`.

    Such are where things are read, kept and recorded, what is said, and on what machine, which rounds in its own way.
    Whatever asks whether two runs have the same options goes by this mark alone (`with_effect`).
    """


NO_EFFECT = NoEffect()


class Options(BaseModel):
    """Options that are checked on entry: no unknown key, no value out of range, no change afterwards.

    Numbers are finite everywhere, and `true` is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def described_by(cls, given: Mapping[str, Any]) -> type[Options] | None:
        """Return the class that plain options are of, which may say so themselves; None where that is not known."""
        return cls

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, given: Any) -> Any:
        """Give booleans to the fields of numbers as texts, which these refuse: pydantic takes them for 0 and 1."""
        if not isinstance(given, Mapping):
            return given
        fields = cls.model_fields
        return {
            name: _as_text(value, fields[name].annotation) if name in fields else value for name, value in given.items()
        }


Checked = TypeVar("Checked", bound=Options)


def _as_text(value: Any, annotation: Any) -> Any:
    kinds = _kinds(annotation)
    return str(value).lower() if isinstance(value, bool) and {int, float} & kinds and bool not in kinds else value


def _kinds(annotation: Any) -> set[Any]:
    """Return the types that an annotation is made of, such as `{int, NoneType}` of `int | None`."""
    parts = get_args(annotation)
    return set().union(*map(_kinds, parts)) if parts else {annotation} if isinstance(annotation, type) else set()


def checked_numbers(node: dict[str, Any]) -> dict[str, Any]:
    """Return the options of something to be built, all of whose numbers networks can compute with.

    Raises
    ------
    ValueError
        With the place of the first that is not finite, or too large.
    """
    for place, value in leaves(node):
        largest = MANY if isinstance(value, int) else LARGEST
        if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) <= largest):
            raise ValueError(f"needs finite numbers of at most {largest:g}; {place} is {value}")
    return node


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Return all that is in nested mappings and lists, each with its place, as `layers.0.gain`."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, f"{place}.{key}".lstrip("."))
    else:
        yield place, value


def with_effect(kind: type[Options], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that results follow from, of a plain configuration, which may be that of an earlier version.

    Options that it does not have are as by default; what this version does not know is kept.
    """
    fields = kind.model_fields
    defaults = {
        name: to_jsonable_python(field.get_default(call_default_factory=True))
        for name, field in fields.items()
        if not field.is_required()
    }
    return {
        name: _section_with_effect(fields[name], value) if name in fields else value
        for name, value in {**defaults, **given}.items()
        if name not in fields or NO_EFFECT not in fields[name].metadata
    }


def _section_with_effect(field: FieldInfo, value: Any) -> Any:
    declared = next((each for each in _kinds(field.annotation) if issubclass(each, Options)), None)
    if declared is None or not isinstance(value, Mapping):
        return value
    kind = declared.described_by(value)
    return with_effect(kind, value) if kind is not None else value


def checked(kind: type[Checked], given: Mapping[Any, Any], section: str = "", *, strict: bool = False) -> Checked:
    """Return options of a kind.

    Parameters
    ----------
    section
        What stands before their names on the command line.
    strict
        Whether a text that reads as a number is refused where a number is asked for.

    Raises
    ------
    UserError
        With one line for every option that is unknown or out of range.
    """
    try:
        return kind.model_validate(given, strict=strict or None)
    except ValidationError as error:
        raise UserError("\n".join(_describe(problem, given, section) for problem in error.errors())) from error


def _describe(problem: Any, plain: Mapping[Any, Any], section: str) -> str:
    """Return what is wrong with an option: `data.max_length: must be greater than 0, got -3`."""
    location = list(problem["loc"])
    key = ".".join(str(part) for part in (section, *location) if part != "")
    if problem["type"] == "extra_forbidden":
        siblings: Any = plain
        for part in location[:-1]:
            siblings = siblings[part]
        return unknown_key(key, [name for name in siblings if name != location[-1]])
    message = re.sub(r"^\w+ should ", "must ", problem["msg"].removeprefix("Value error, "))
    if problem["type"] == "missing":
        return f"{key}: must be given" + (", by analysis=[sampling,...]" if key == "analysis.sampling" else "")
    value = repr(problem["input"])
    return f"{key}: {message}, got {value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + '...'}"


def unknown_key(key: str, siblings: list[str]) -> str:
    """Return what is wrong with a misspelt key, and what it may have been meant to be."""
    near = difflib.get_close_matches(key.rpartition(".")[2], siblings, n=1)
    prefix = key.rpartition(".")[0]
    if near:
        return f"{key}: there is no such option; did you mean {f'{prefix}.{near[0]}' if prefix else near[0]}?"
    return f"{key}: there is no such option; {prefix or 'the configuration'} has {', '.join(sorted(siblings))}"
