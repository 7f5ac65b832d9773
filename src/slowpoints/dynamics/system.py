"""The network under analysis: its step and Jacobians, in the precision and on the device of the analysis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from slowpoints.cells import GRU, LSTM, UGRNN, Cell, Linear, Stacked, VanillaRNN, from_torch
from slowpoints.cells.derivative import Products, automatic_derivative, matrix_derivative
from slowpoints.cells.forward import ForwardCell
from slowpoints.cells.jacobians import Step, automatic_jacobian
from slowpoints.cells.torch_modules import detached_copy, uncompiled
from slowpoints.dynamics.calls import GivenStep, has_step, hint, step_of
from slowpoints.dynamics.checks import InvalidInput, as_points, check_device, check_size
from slowpoints.dynamics.derivatives import AGREEMENT, Differences, compare_with_differences, differentiable
from slowpoints.dynamics.trial import attempt, check_rows, trial_rows

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.dynamics.checks import Array

FEW = 3  # rows at which derivatives are compared
SLACK = 1e3  # roundings by which products may differ from those with the Jacobian


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
    input_products
        The same with the input Jacobian.
    state_size, input_size
        N and E; None where the network does not tell, E = 0 where it takes no input.
    reentrant
        Whether several threads may call it at once, as they may cells; a user's own code may keep something.
    bounds
        Lower and upper limits `(state,)` of what states can be; None where the network does not tell.
    """

    step: Step
    recurrent_jacobian: Step
    input_jacobian: Step
    products: Products
    input_products: Products
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
        if self.input_size == 0:
            if input is not None and 0 not in np.shape(input):
                raise InvalidInput("this network takes no input, since its step has one argument: leave `input` out")
            return states.new_zeros(len(states), 0)
        if input is None:
            if self.input_size is None:
                raise InvalidInput(
                    "this function or module does not tell the size of its input: give `input`, for instance "
                    "torch.zeros(input_size) for the autonomous dynamics, or a function of the state alone"
                )
            return states.new_zeros(len(states), self.input_size)
        inputs = as_points(input, "input")
        check_device(inputs, states.device, "input", "the states")
        if self.input_size is not None:
            check_size(inputs, self.input_size, "input", "the network's input")
        if len(inputs) not in (1, len(states)):
            raise InvalidInput(f"input has {len(inputs)} rows for {len(states)} states: give one, or one for each")
        return inputs.to(states.dtype).expand(len(states), -1)


def as_system(
    network: Step | nn.Module,
    states: Float[Tensor, "point state"],
    input: Array | None,
    dtype: torch.dtype,
    step: GivenStep | None = None,
) -> tuple[System, Float[Tensor, "point state"], Float[Tensor, "point input"]]:
    """Return the network as a `System` that has been tried, and its states and inputs in `dtype`.

    Precision is the same everywhere in the library: results are in `dtype`, and so is what is computed. Modules are
    copied and converted to it. A function is called in it, and a function (or module) that fails in it, since tensors
    that it refers to have another precision, is called in that one instead.

    A network that is not one of the library's cells is tried on a few states. Where its Jacobians are not what a change
    of its state (or input) does, as under `detach` or `no_grad`, they are found by differences.

    Parameters
    ----------
    network
        A `Cell` or a module with its `step`, a recurrent module of torch, a module whose forward names its arguments,
        or a function `(state, input) -> state`, or `(state) -> state`, on batches.
    states
        States `(point, state)` that will be asked for: they must fit the network in size and device.
    input
        One input for all or one for each state; zeros where None.
    step
        How the network is called, `(network, state, input) -> state`, where it does not tell.

    Raises
    ------
    InvalidInput
        Where something does not fit, or the step is not a function of one state and one input alone.
    """
    states = _outside_inference(states)
    network = _checked(network, states, step)
    failures = []
    for called in dict.fromkeys((dtype, torch.float64, torch.float32, states.dtype)):
        system = _system(network, called, dtype, step)
        if system.state_size is not None:
            check_size(states, system.state_size, "states", "the network's state")
        inputs = _outside_inference(system.inputs(input, states.to(dtype)))
        try:
            attempt(system.step, states[:1].to(dtype), inputs[:1], hint(network))
        except InvalidInput as failure:
            failures.append(failure)
        else:
            if step is not None or not _is_known(network):
                system = _tried(system, states.to(dtype), inputs, called)
            return system, states.to(dtype), inputs
    raise next((failure for failure in failures if "dtype" not in str(failure)), failures[0])


def _outside_inference(tensor: Tensor) -> Tensor:
    """Return a tensor with which gradients can be computed, also where it was made in inference mode."""
    return tensor.clone() if tensor.is_inference() else tensor


def _checked(network: Any, states: Tensor, step: GivenStep | None) -> Any:
    """Return the network as the library knows it: uncompiled, and a recurrent module of torch as a cell."""
    network = uncompiled(network)
    if isinstance(network, nn.RNNBase | nn.RNNCellBase) and step is None:
        try:
            network = from_torch(network)
        except ValueError as error:
            raise InvalidInput(str(error)) from error
    if not callable(network):
        raise InvalidInput(f"a network is a cell, a module or a function, not {type(network).__name__}")
    parameter = next(network.parameters(), None) if isinstance(network, nn.Module) else None
    if parameter is not None:
        check_device(states, parameter.device, "states", "the network")
    return network


def _system(network: Any, called: torch.dtype, dtype: torch.dtype, given: GivenStep | None) -> System:
    """Return a network that is called in one precision, and answers in another."""
    own = network
    if isinstance(network, nn.Module):
        own = detached_copy(network).to(called).eval()
        for parameter in own.parameters():
            parameter.requires_grad_(False)
    plain, has_input = step_of(own, given)
    as_it_is = given is None and called == dtype and has_step(own)
    step = plain if as_it_is and _is_known(own) else _converted(plain, called)
    owner = own if isinstance(own, nn.Module) else getattr(own, "__self__", None)  # of `cell.step`
    sizes = owner if isinstance(own, nn.Module) or isinstance(owner, Cell) else None
    return System(
        step,
        getattr(own if as_it_is else None, "recurrent_jacobian", automatic_jacobian(step, 0)),
        getattr(own if as_it_is else None, "input_jacobian", automatic_jacobian(step, 1)),
        getattr(own if as_it_is else None, "state_derivative", partial(automatic_derivative, step, 0)),
        getattr(own if as_it_is else None, "input_derivative", partial(automatic_derivative, step, 1)),
        getattr(sizes, "state_size", None),
        getattr(sizes, "input_size", None) if has_input else 0,
        as_it_is and isinstance(own, Cell) and not isinstance(own, ForwardCell),
        _bounds(owner) if given is None else None,
    )


def _converted(function: Step, called: torch.dtype) -> Step:
    """Return a step that calls the function in one precision, on copies that it may change, and answers in another."""

    def step(state: Tensor, input: Tensor) -> Tensor:
        copies = (tensor.clone() if tensor.dtype == called else tensor.to(called) for tensor in (state, input))
        result = function(*copies)
        if not isinstance(result, Tensor):
            return result
        return result.clone() if result.is_inference() else result.to(state.dtype)

    return step


def _bounds(owner: object) -> tuple[Tensor, Tensor] | None:
    """Return the limits of a cell's states, unless its step was changed after them: they are those of another step."""
    if not isinstance(owner, Cell):
        return None
    defined = [name for kind in type(owner).__mro__ for name in ("bounds", "step") if name in vars(kind)]
    return owner.bounds if defined[0] == "bounds" else None


def _is_known(network: object) -> bool:
    """Say whether a network is one of the library's cells, which need no trial."""
    if isinstance(network, Stacked):
        return all(_is_known(layer) for layer in network.layers)
    return type(network) in (VanillaRNN, GRU, LSTM, UGRNN, Linear)


def _tried(system: System, states: Tensor, inputs: Tensor, called: torch.dtype) -> System:
    """Return the system with Jacobians that are right, after a trial of its step."""
    rows = trial_rows(states, seed=0), trial_rows(inputs, seed=1)
    check_rows(system.step, *rows, torch.finfo(called).eps)
    few = rows[0][:FEW], rows[1][:FEW]
    by_state = _derivative(system.step, system.recurrent_jacobian, 0, few)
    by_input = _derivative(system.step, system.input_jacobian, 1, few) if system.input_size != 0 else None
    if by_state is not None:
        system = replace(system, step=differentiable(by_state), recurrent_jacobian=by_state.jacobian)
    if by_input is not None:
        system = replace(system, input_jacobian=by_input.jacobian)
    precision = torch.finfo(called).eps
    if by_state is not None or not _multiply(system.products, system.recurrent_jacobian, few, precision):
        system = replace(system, products=_by_matrices(system.recurrent_jacobian))
    if by_input is not None or not _multiply(system.input_products, system.input_jacobian, few, precision):
        system = replace(system, input_products=_by_matrices(system.input_jacobian))
    return system


def _by_matrices(jacobian: Step) -> Products:
    return lambda state, input: matrix_derivative(jacobian(state, input))


def _multiply(products: Products, jacobian: Step, at: tuple[Tensor, Tensor], precision: float) -> bool:
    """Say whether products are those with a Jacobian."""
    matrices, generator = jacobian(*at), torch.Generator().manual_seed(2)
    right, left = (
        torch.randn(len(matrices), size, generator=generator, dtype=torch.float64).to(matrices)
        for size in (matrices.shape[2], matrices.shape[1])
    )
    try:
        derivative = products(*at)
        found = derivative.jvp(right), derivative.vjp(left)
    except (RuntimeError, TypeError, ValueError, NotImplementedError):  # no second derivative, for one
        return False
    exact = matrix_derivative(matrices)
    expected = exact.jvp(right), exact.vjp(left)
    allowed = max(AGREEMENT, SLACK * precision)
    return all(
        bool(((one - other).norm(dim=1) <= allowed * other.norm(dim=1).max()).all())
        for one, other in zip(found, expected, strict=True)
    )


def _derivative(step: Step, jacobian: Step, argument: int, rows: tuple[Tensor, Tensor]) -> Differences | None:
    """Return differences to be used in the place of a Jacobian that is wrong, None where it is right."""
    is_wrong, differences = compare_with_differences(step, jacobian, argument, *rows)
    name = ("recurrent_jacobian", "input_jacobian")[argument]
    owner = _with_own(name, getattr(jacobian, "__self__", None))
    if is_wrong and owner is not None:
        raise InvalidInput(
            f"{owner}.{name} is not the derivative of {owner}.step: define it for this step, or let it be found "
            f"automatically, {name} = Cell.{name}"
        )
    if is_wrong and differences is None:
        raise InvalidInput(
            f"the derivative of the network's step by its {('state', 'input')[argument]} cannot be told: what autograd "
            "finds is not what small changes do, and these do not agree with one another. Let the step compute in "
            "double precision, or without detach and no_grad"
        )
    return differences


def _with_own(name: str, cell: object) -> str | None:
    """Return the class that defines a Jacobian of its own, also that of a layer; None where autograd finds them."""
    if type(cell) is Stacked:
        return next((owner for layer in cell.layers if (owner := _with_own(name, layer))), None)
    is_own = not _is_known(cell) and getattr(type(cell), name, None) not in (None, getattr(Cell, name))
    return type(cell).__name__ if is_own else None
