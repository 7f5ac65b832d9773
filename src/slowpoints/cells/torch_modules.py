"""Torch's own recurrent modules as cells."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from slowpoints.cells.base import Cell
from slowpoints.cells.forward import ForwardCell
from slowpoints.cells.gru import GRU
from slowpoints.cells.lstm import LSTM
from slowpoints.cells.rnn import VanillaRNN
from slowpoints.cells.stacked import Stacked

_CELLS: dict[type[nn.Module], type[VanillaRNN | GRU | LSTM]] = {
    nn.RNN: VanillaRNN,
    nn.RNNCell: VanillaRNN,
    nn.GRU: GRU,
    nn.GRUCell: GRU,
    nn.LSTM: LSTM,
    nn.LSTMCell: LSTM,
}
_WEIGHT_HOOKS = (WeightNorm, SpectralNorm, BasePruningMethod)  # these change weights, and nothing else


def from_torch(module: nn.Module) -> Cell:
    """Return the cell that computes what a module of torch computes, sharing its parameters.

    Weights that are computed from others (`weight_norm`, `spectral_norm`, `orthogonal`, pruning) are taken with their
    present values, as in evaluation, and are not shared. Where a derived class has a forward of its own, or hooks are
    registered, the steps of the cell are calls of the module.

    Parameters
    ----------
    module
        `nn.RNN`, `nn.GRU` or `nn.LSTM` of one direction (`batch_first` or not), or an `nn.RNNCell`, `nn.GRUCell` or
        `nn.LSTMCell`, also compiled. Several layers become one `Stacked` cell, whose state holds the last layer's
        first; dropout between them is left out, as in evaluation.

    Returns
    -------
    Cell
        In the mode (training or evaluation) of the module.

    Raises
    ------
    TypeError
        For a module of another class.
    ValueError
        For two directions or projected hidden states, or a forward for which a sequence is not a series of steps.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import from_torch
    >>> cell = from_torch(torch.nn.LSTM(3, 8))
    >>> cell.step(torch.zeros(1, cell.state_size), torch.zeros(1, 3)).shape  # hidden and cell state
    torch.Size([1, 16])
    """
    source: Any = uncompiled(module)
    kind = next((kind for kind in _CELLS if isinstance(source, kind)), None)
    if kind is None:
        raise TypeError(_refusal(source))
    _refuse_unsupported(source)
    if not _computes_as(kind, source):
        _refuse_unless_stepwise(source)
        own = ForwardCell(source)
        own.training = source.training  # of itself alone: parts of the module may be in another mode
        return own
    evaluated = _evaluated(source)
    suffixes = [""] if isinstance(source, nn.RNNCellBase) else [f"_l{number}" for number in range(source.num_layers)]
    layers = [
        _layer(source, evaluated, _CELLS[kind], suffix, source.hidden_size if number else source.input_size)
        for number, suffix in enumerate(suffixes)
    ]
    cell = layers[0] if len(layers) == 1 else Stacked(layers)
    return cell.train(source.training)


def uncompiled(network: Any) -> Any:
    """Return what `torch.compile` was given, or the network itself."""
    original = getattr(network, "_orig_mod", None) or getattr(network, "_torchdynamo_orig_callable", None)
    return network if original is None else original


def detached_copy(module: Any) -> Any:
    """Return a copy of a module; tensors that it computed from its parameters are copied as values."""
    computed = {
        id(value): value.detach().clone()
        for part in module.modules()
        for entry in vars(part).values()
        for value in (entry if isinstance(entry, list) else [entry])
        if isinstance(value, Tensor) and not value.is_leaf
    }
    return copy.deepcopy(module, computed)


def recurrent_parts(module: nn.Module) -> list[tuple[str, str]]:
    """Return the names and classes of the recurrent networks within a module, outermost only."""
    found: list[tuple[str, str]] = []
    for name, part in module.named_modules():
        known = isinstance(part, nn.RNNBase | nn.RNNCellBase | Cell)
        if name and known and not any(name.startswith(f"{outer}.") for outer, _ in found):
            found.append((name, type(part).__name__))
    return found


def _refusal(module: nn.Module) -> str:
    given = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        return f"{given} is a compiled script: give the module that torch.jit.script or torch.jit.trace was given"
    parts = recurrent_parts(module) if isinstance(module, nn.Module) else []
    if parts:
        named = " or ".join(f"model.{name} ({kind})" for name, kind in parts)
        return f"{given} is a whole model: give its recurrent part, {named}"
    known = ", ".join(f"nn.{kind.__name__}" for kind in _CELLS)
    return (
        f"from_torch takes {known}, not {given}; any function "
        "(state, input) -> state on batches can be given to the functions of slowpoints.dynamics as it is"
    )


def _computes_as(kind: type[nn.Module], module: nn.Module) -> bool:
    """Say whether a call of the module is the forward of torch's class, with nothing added."""
    hooks = [*module._forward_pre_hooks.values(), *module._forward_hooks.values()]
    return (
        getattr(module.forward, "__func__", None) is kind.forward
        and type(module).__call__ is nn.Module.__call__
        and all(isinstance(hook, _WEIGHT_HOOKS) for hook in hooks)
    )


def _refuse_unless_stepwise(module: Any) -> None:
    """Refuse a module of sequences for which two steps at once are not one after the other."""
    if isinstance(module, nn.RNNCellBase):
        return
    cell = ForwardCell(detached_copy(module).eval())
    inputs = torch.randn(2, 2, cell.input_size, generator=torch.Generator().manual_seed(0))
    inputs = inputs.to(next(module.parameters()))
    with torch.no_grad():
        at_once = cell.run(inputs.new_zeros(2, cell.state_size), inputs)
        stepped = cell.states(inputs)[:, -1]
    if not torch.allclose(at_once, stepped, rtol=1e-3, atol=1e-4):
        raise ValueError(
            f"the forward of this {type(module).__name__} gives another state for two steps at once than for one step "
            "after the other, so that its step is not known; give its step as a function (state, input) -> state"
        )


def _evaluated(module: Any) -> Any:
    """Return a module whose computed weights are those of its parameters now, as in evaluation."""
    if not module._forward_pre_hooks and not is_parametrized(module):
        return module
    module = detached_copy(module).eval()
    leading = [1] if isinstance(module, nn.RNNCellBase) else [1, 1]
    with torch.no_grad():
        module(next(module.parameters()).new_zeros(*leading, module.input_size))  # hooks set weights when called
    return module


def _layer(module: Any, evaluated: Any, kind: type[VanillaRNN | GRU | LSTM], suffix: str, input_size: int) -> Cell:
    """Return one layer as a cell that shares its parameters, and has the values of weights that are none."""
    options: dict[str, Any] = {"nonlinearity": module.nonlinearity} if kind is VanillaRNN else {}
    with torch.device("meta"):  # a shell without memory: its parameters are replaced by the module's
        cell = kind(input_size, module.hidden_size, bias=module.bias, **options)
    shell: Any = cell.rnn
    for name in ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if module.bias else ())):
        weight = module._parameters.get(f"{name}{suffix}")
        if weight is None:
            value = getattr(evaluated, f"{name}{suffix}").detach().clone()
            weight = nn.Parameter(value, requires_grad=False)
        setattr(shell, f"{name}_l0", weight)
    return cell


def _refuse_unsupported(module: Any) -> None:
    if getattr(module, "bidirectional", False):
        raise ValueError(
            f"this {type(module).__name__} is bidirectional, and neither direction depends on the other; "
            "give each direction as a module of its own"
        )
    if getattr(module, "proj_size", 0):
        raise ValueError(
            f"from_torch does not take an LSTM with proj_size={module.proj_size}; give its step as a function "
            "(state, input) -> state on batches"
        )
