"""Networks whose dynamics are known by hand."""

import torch
from torch import Tensor

from slowpoints.cells import GRU, LSTM, UGRNN, VanillaRNN
from slowpoints.dynamics import Adam, LevenbergMarquardt

SOLVERS = [LevenbergMarquardt(), Adam(learning_rate=0.05, decay=0.999)]
CELLS = [GRU, LSTM, UGRNN, VanillaRNN]


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def cell_and_states(kind=GRU, points: int = 12):
    torch.manual_seed(0)
    cell = kind(3, 5)
    return cell, 0.3 * normal(points, cell.state_size, dtype=torch.float32)


def linear_network(weight: Tensor, drive: Tensor | None = None):
    """`F(h, x) = W h + x + drive`: one fixed point, `(I - W)^-1 (x + drive)`."""
    drive = torch.zeros(len(weight), dtype=weight.dtype) if drive is None else drive
    return lambda state, input: state @ weight.T + input + drive


def tanh_unit(weight: float):
    """`F(h, x) = tanh(w h + x)`: one fixed point up to w = 1, three above."""
    return lambda state, input: torch.tanh(weight * state + input)


def line_attractor(direction: Tensor, decay: float = 0.5):
    """All of the line along `direction` through 0 stands still; anything else decays onto it."""
    direction = direction / direction.norm()
    weight = decay * torch.eye(len(direction), dtype=direction.dtype)
    weight = weight + (1 - decay) * torch.outer(direction, direction)
    return lambda state, input: state @ weight.T + input


def bistable_network(state: Tensor, input: Tensor) -> Tensor:
    """First unit tanh(2 h), second decays by half: two stable points, a saddle at 0."""
    return torch.stack([torch.tanh(2 * state[:, 0]), 0.5 * state[:, 1]], dim=1) + input


def rotation(angle: float, radius: float):
    """Turn by `angle` and shrink by `radius`: eigenvalues `radius exp(+-i angle)`."""
    c, s = torch.cos(torch.tensor(angle)), torch.sin(torch.tensor(angle))
    weight = radius * torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
    return lambda state, input: state @ weight.T + input


def root_of_tanh(weight: float) -> float:
    """Return the positive solution of `h = tanh(w h)`, for w > 1."""
    h = 1.0
    for _ in range(10_000):
        h = float(torch.tanh(torch.tensor(weight * h, dtype=torch.float64)))
    return h
