"""The network under analysis: its step and Jacobians, in the precision and on the device of the analysis."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from slowpoints.cells import Cell, from_torch
from slowpoints.cells.derivative import Derivative, automatic_derivative
from slowpoints.dynamics.checks import InvalidInput, as_points, check_device, check_size

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.dynamics.checks import Array

Step = Callable[[Tensor, Tensor], Tensor]
Products = Callable[[Tensor, Tensor], Derivative]


@dataclass(frozen=True)
class System:
    """`F(h, x)` and its derivatives, on batches; nothing in it shares memory with the caller's network.

    Attributes
    ----------
    step
        `(batch, state), (batch, input) -> (batch, state)`.
    recurrent_jacobian
        `(batch, state), (batch, input) -> (batch, state, state)`, the derivative by the state.
    input_jacobian
        `(batch, state), (batch, input) -> (batch, state, input)`, the derivative by the input.
    products
        `(batch, state), (batch, input) -> Derivative`, products with the recurrent Jacobian, which is not computed.
    state_size, input_size
        N and E; None where the network does not tell.
    reentrant
        Whether several threads may call it at once, as they may cells; a user's own code may keep something.
    bounds
        Lower and upper limits `(state,)` of what states can be; None where the network does not tell.
    """

    step: Step
    recurrent_jacobian: Step
    input_jacobian: Step
    products: Products
    state_size: int | None = None
    input_size: int | None = None
    reentrant: bool = False
    bounds: tuple[Tensor, Tensor] | None = None

    def inputs(self, input: Array | None, states: Float[Tensor, "point state"]) -> Float[Tensor, "point input"]:
        """Return one input per state: those given, the one given for all, or zeros.

        Raises
        ------
        InvalidInput
            Where `input` fits neither the states nor the network, or is None and the network's input size unknown.
        """
        if input is None:
            if self.input_size is None:
                raise InvalidInput(
                    "this function or module does not tell the size of its input: give `input`, for instance "
                    "torch.zeros(input_size) for the autonomous dynamics"
                )
            return states.new_zeros(len(states), self.input_size)
        inputs = as_points(input, "input")
        check_device(inputs, states.device, "input", "the states")
        if self.input_size is not None:
            check_size(inputs, self.input_size, "input", "the network's input")
        if len(inputs) not in (1, len(states)):
            raise InvalidInput(f"input has {len(inputs)} rows for {len(states)} states: give one, or one for each")
        return inputs.to(states.dtype).expand(len(states), -1)


def as_system(network: Step | nn.Module, states: Float[Tensor, "point state"], dtype: torch.dtype) -> System:
    """Return the network as a `System` that computes in `dtype`.

    Parameters
    ----------
    network
        A `Cell` or a module with its `step`, a recurrent module of torch, or any `(state, input) -> state` on batches.
        Modules are copied before they are converted. A plain function is called in the dtype of `states`, whatever
        `dtype` is, since the tensors that it refers to cannot be converted; its Jacobians are automatic.
    states
        States `(point, state)` that will be asked for: they must fit the network in size and device.

    Raises
    ------
    InvalidInput
        Where the states do not fit.
    """
    if isinstance(network, nn.Module):
        system = _module_system(network, states, dtype)
    elif callable(network):
        system = _function_system(network, states.dtype)
    else:
        raise InvalidInput(f"a network is a cell, a module or a function, not {type(network).__name__}")
    if system.state_size is not None:
        check_size(states, system.state_size, "states", "the network's state")
    return system


def _module_system(module: nn.Module, states: Tensor, dtype: torch.dtype) -> System:
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        try:
            module = from_torch(module)
        except ValueError as error:
            raise InvalidInput(str(error)) from error
    parameter = next(module.parameters(), None)
    if parameter is not None:
        check_device(states, parameter.device, "states", "the network")
    own: Any = copy.deepcopy(module).to(dtype).eval().requires_grad_(False)
    step = getattr(own, "step", own)
    return System(
        step,
        getattr(own, "recurrent_jacobian", automatic_jacobian(step, 0)),
        getattr(own, "input_jacobian", automatic_jacobian(step, 1)),
        own.state_derivative if isinstance(own, Cell) else partial(automatic_derivative, step, 0),
        getattr(own, "state_size", None),
        getattr(own, "input_size", None),
        isinstance(own, Cell),
        _bounds(own, states),
    )


def _function_system(function: Step, own_dtype: torch.dtype) -> System:
    def step(state: Tensor, input: Tensor) -> Tensor:
        return function(state.to(own_dtype), input.to(own_dtype)).to(state.dtype)

    owner = getattr(function, "__self__", None)  # of `cell.step`
    size = owner.input_size if isinstance(owner, Cell) else None
    return System(
        step,
        automatic_jacobian(step, 0),
        automatic_jacobian(step, 1),
        partial(automatic_derivative, step, 0),
        input_size=size,
    )


def _bounds(module: nn.Module, states: Tensor) -> tuple[Tensor, Tensor] | None:
    if not isinstance(module, Cell):
        return None
    lower, upper = module.bounds
    return lower.to(states.device), upper.to(states.device)


def automatic_jacobian(step: Step, argument: int) -> Step:
    """Return the derivative of a batched step by its state (argument 0) or its input (1), by `torch.func`.

    Rows of a batch do not depend on one another, so the derivative is taken for each row and mapped over the batch.
    """

    def step_one(state: Tensor, input: Tensor) -> Tensor:
        return step(state.unsqueeze(0), input.unsqueeze(0)).squeeze(0)

    jacobian: Step = torch.func.vmap(torch.func.jacrev(step_one, argnums=argument))
    return jacobian


def check_step(system: System, states: Float[Tensor, "point state"], inputs: Float[Tensor, "point input"]) -> None:
    """Try the step on the first state.

    Raises
    ------
    InvalidInput
        Where it fails, or returns anything but a state of the same size.
    """
    try:
        result = system.step(states[:1], inputs[:1])
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InvalidInput(
            f"the network's step failed on a state of shape {tuple(states[:1].shape)} and an input of shape "
            f"{tuple(inputs[:1].shape)}: {error}"
        ) from error
    if not isinstance(result, Tensor) or result.shape != states[:1].shape:
        got = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise InvalidInput(
            f"the network's step must return states (batch, state), as it is given them: for "
            f"{tuple(states[:1].shape)} it returned {got}"
        )
