"""A network of two units whose linearisation at 0 is known, as a plain function."""

import torch

from slowpoints.dynamics import linearize

WEIGHT = torch.tensor([[1.5, 0.3], [-0.2, 0.7]]).double()
EIGENVALUES = torch.linalg.eigvals(WEIGHT).abs().sort(descending=True).values.tolist()  # at 0: 1.416 and .784
ZERO = torch.zeros(2).double()


def followed(state, input):
    return torch.tanh(state @ WEIGHT.T + input)


def in_single(state, input):
    return torch.tanh(state @ WEIGHT.float().T + input)


def magnitudes(*arguments, **options):
    return linearize(*arguments, **options).modes.eigenvalues.abs()[0].tolist()
