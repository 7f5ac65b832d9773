"""A recurrent network run one step at a time."""

import torch


def run_by_steps(cell, inputs, state):
    states = []
    for input in inputs.unbind(1):
        state = cell.step(state, input)
        states.append(state)
    return torch.stack(states, dim=1)
