"""Which arguments of a user's function are the state and the input, as far as their names tell."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from enum import Enum
from typing import Any

_STATE_NAMES = frozenset({"h", "hc", "hs", "ht", "hx", "hid", "hidden", "hiddens", "state", "states", "carry"})
_INPUT_NAMES = frozenset(
    {"u", "x", "xs", "xt", "inp", "inputs", "input", "stimulus", "token", "tokens", "embedding", "embedded", "drive"}
)


class Order(Enum):
    """How a function takes the state and the input."""

    STATE_INPUT = "(state, input)"
    INPUT_STATE = "(input, state)"
    STATE = "(state)"
    """It has one argument: a network without input."""


def argument_names(function: Callable[..., Any]) -> list[str] | None:
    """Return the names of the arguments that a function is to be called with; None where it does not tell them.

    Arguments with a default count where their names are those of a state or an input: `hx=None` is given, `weight=w`
    is not.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return _names_in_schema(function)
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        parameter.name
        for parameter in parameters
        if parameter.kind in positional
        and (parameter.default is inspect.Parameter.empty or _is_state(parameter.name) or _is_input(parameter.name))
    ]


def _names_in_schema(function: Any) -> list[str] | None:
    """Return the names of the arguments of a scripted function of torch."""
    schema = getattr(function, "schema", None)
    return None if schema is None else [argument.name for argument in schema.arguments if argument.name != "self"]


def order_of(function: Callable[..., Any]) -> Order | None:
    """Return the order that the names of the arguments tell; None where they do not.

    Two arguments tell it where exactly one of them is called a state: `x` alone may be either, as in `(x, u)`.
    """
    names = argument_names(function)
    if names is not None and len(names) == 1:
        return Order.STATE
    if names is None or len(names) != 2 or _is_state(names[0]) == _is_state(names[1]):
        return None
    return Order.STATE_INPUT if _is_state(names[0]) else Order.INPUT_STATE


def first_is_state(function: Callable[..., Any]) -> bool:
    """Say whether the first argument of a function is called a state."""
    names = argument_names(function)
    return bool(names) and _is_state(names[0])  # type: ignore[index]


def _parts(name: str) -> set[str]:
    return set(re.split(r"[_\d]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))


def _is_state(name: str) -> bool:
    return bool(_parts(name) & _STATE_NAMES) and not _is_input(name)


def _is_input(name: str) -> bool:
    return bool(_parts(name) & _INPUT_NAMES)
