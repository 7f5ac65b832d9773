"""Torch's own recurrent modules as cells."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from slowpoints.cells.base import Cell
from slowpoints.cells.gru import GRU
from slowpoints.cells.lstm import LSTM
from slowpoints.cells.rnn import VanillaRNN

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
        `nn.RNN`, `nn.GRU` or `nn.LSTM` of one layer and one direction (`batch_first` or not), or an `nn.RNNCell`,
        `nn.GRUCell` or `nn.LSTMCell`.

    Raises
    ------
    TypeError
        For a module of another class.
    ValueError
        For several layers, two directions or projected hidden states.
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
    options: dict[str, Any] = {"nonlinearity": source.nonlinearity} if _CELLS[kind] is VanillaRNN else {}
    with torch.device("meta"):  # a shell without memory: its parameters are replaced by the module's
        cell = _CELLS[kind](source.input_size, source.hidden_size, bias=source.bias, **options)
    shell: Any = cell.rnn
    suffix = "" if isinstance(module, nn.RNNCellBase) else "_l0"
    for name in ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if source.bias else ())):
        setattr(shell, f"{name}_l0", getattr(source, f"{name}{suffix}"))
    return cell.train(module.training)


def _refuse_unsupported(module: Any) -> None:
    if getattr(module, "num_layers", 1) != 1:
        raise ValueError(
            f"from_torch takes one layer, and this {type(module).__name__} has num_layers={module.num_layers}; write "
            "its step as a function of the layers' concatenated states"
        )
    if getattr(module, "bidirectional", False):
        raise ValueError(
            f"this {type(module).__name__} is bidirectional, and neither direction depends on the other; "
            "give each direction as a module of its own"
        )
    if getattr(module, "proj_size", 0):
        raise ValueError(f"from_torch does not take an LSTM with proj_size={module.proj_size}")
