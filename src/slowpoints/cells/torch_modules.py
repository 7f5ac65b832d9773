"""Torch's own recurrent modules as cells."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from slowpoints.cells.base import Cell
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


def from_torch(module: nn.Module) -> Cell:
    """Return the cell that computes what a module of torch computes, sharing its parameters.

    Parameters
    ----------
    module
        `nn.RNN`, `nn.GRU` or `nn.LSTM` of one direction (`batch_first` or not), or an `nn.RNNCell`, `nn.GRUCell` or
        `nn.LSTMCell`. Several layers become one `Stacked` cell, whose state holds the last layer's first; dropout
        between them is left out, as in evaluation.

    Raises
    ------
    TypeError
        For a module of another class.
    ValueError
        For two directions or projected hidden states.
    """
    kind = next((kind for kind in _CELLS if isinstance(module, kind)), None)
    if kind is None:
        known = ", ".join(f"nn.{kind.__name__}" for kind in _CELLS)
        raise TypeError(
            f"from_torch takes {known}, not {type(module).__name__}; any function "
            "(state, input) -> state on batches can be given to the functions of slowpoints.dynamics as it is"
        )
    source: Any = module
    _refuse_unsupported(source)
    suffixes = [""] if isinstance(module, nn.RNNCellBase) else [f"_l{number}" for number in range(source.num_layers)]
    layers = [
        _layer(source, _CELLS[kind], suffix, source.hidden_size if number else source.input_size)
        for number, suffix in enumerate(suffixes)
    ]
    cell = layers[0] if len(layers) == 1 else Stacked(layers)
    return cell.train(module.training)


def _layer(module: Any, kind: type[VanillaRNN | GRU | LSTM], suffix: str, input_size: int) -> Cell:
    """Return one layer as a cell that shares its parameters."""
    options: dict[str, Any] = {"nonlinearity": module.nonlinearity} if kind is VanillaRNN else {}
    with torch.device("meta"):  # a shell without memory: its parameters are replaced by the module's
        cell = kind(input_size, module.hidden_size, bias=module.bias, **options)
    shell: Any = cell.rnn
    for name in ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if module.bias else ())):
        setattr(shell, f"{name}_l0", getattr(module, f"{name}{suffix}"))
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
