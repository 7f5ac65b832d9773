"""What recurrent networks compute: one step, whole sequences, Jacobians."""

from slowpoints.cells.base import Cell
from slowpoints.cells.gru import GRU
from slowpoints.cells.linear import Linear
from slowpoints.cells.lstm import LSTM
from slowpoints.cells.rnn import VanillaRNN
from slowpoints.cells.stacked import Stacked
from slowpoints.cells.torch_modules import from_torch
from slowpoints.cells.ugrnn import UGRNN

__all__ = ["GRU", "LSTM", "UGRNN", "Cell", "Linear", "Stacked", "VanillaRNN", "from_torch"]
