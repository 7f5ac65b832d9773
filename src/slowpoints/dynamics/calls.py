"""How a user's function or module is called: which argument is the state, and which the input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from slowpoints.cells.arguments import Order, argument_names, first_is_state, order_of
from slowpoints.cells.jacobians import Step
from slowpoints.cells.torch_modules import recurrent_parts
from slowpoints.dynamics.checks import InvalidInput

GivenStep = Callable[..., Tensor]  # (network, state, input) -> state, or (network, state) -> state


def step_of(network: Any, given: GivenStep | None) -> tuple[Step, bool]:
    """Return a network's step as a function (state, input), and whether it takes an input at all.

    Parameters
    ----------
    network
        A function, called as (state, input), or as (state) where it has one argument only; a module with a `step` of
        that form; or a module whose forward tells the order by the names of its arguments.
    given
        How to call it, where the user says so.

    Raises
    ------
    InvalidInput
        Where the order is not known.
    """
    if given is not None:
        return _given(network, given)
    if isinstance(network, nn.Module) and not has_step(network):
        return _forward(network)
    function = network.step if has_step(network) else network
    order = order_of(function)
    if order is Order.INPUT_STATE:
        raise InvalidInput(
            f"the arguments of this function read as {_listed(function)} = (input, state), but functions are called "
            "as (state, input): say how to call it, step=lambda function, state, input: function(input, state)"
        )
    if order is Order.STATE:
        return (lambda state, input: function(state)), False
    return function, True


def has_step(network: Any) -> bool:
    """Say whether a network is a module with a step of its own, as cells are."""
    return isinstance(network, nn.Module) and callable(getattr(network, "step", None))


def _given(network: Any, given: GivenStep) -> tuple[Step, bool]:
    if not callable(given):
        raise InvalidInput(f"step must be a function (network, state, input) -> state, not {given!r}")
    names = argument_names(given)
    if names is not None and len(names) == 2:
        return (lambda state, input: given(network, state)), False
    return (lambda state, input: given(network, state, input)), True


def _forward(module: nn.Module) -> tuple[Step, bool]:
    forward = getattr(module, "forward", module)  # some compiled scripts have none
    order = order_of(forward)
    described = f"{type(module).__name__}.forward{_listed(forward)}"
    if order is Order.STATE and recurrent_parts(module) and not first_is_state(forward):
        raise InvalidInput(f"{described} takes no state{hint(module)}")
    if order is None:
        raise InvalidInput(
            f"cannot tell which argument of {described} is the state: say how to call it, for instance "
            f"step=lambda module, state, input: module(input, state){hint(module)}"
        )
    if order is Order.STATE:
        return (lambda state, input: module(state)), False
    if order is Order.INPUT_STATE:
        return (lambda state, input: module(input, state)), True
    return module, True


def hint(network: object) -> str:
    """Return what else may be meant, to be added to a message about a network that cannot be called."""
    if isinstance(network, torch.jit.ScriptModule):
        return ". If it is a recurrent module of torch, give what torch.jit.script or torch.jit.trace was given"
    if not isinstance(network, nn.Module):
        return ""
    parts = " or ".join(f"model.{name} ({kind})" for name, kind in recurrent_parts(network))
    if parts:
        return f". If it is a whole model, give its recurrent part, {parts}"
    return ""


def _listed(function: Callable[..., Any]) -> str:
    names = argument_names(function)
    return "(...)" if names is None else f"({', '.join(names)})"
