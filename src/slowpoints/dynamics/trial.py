"""A few calls that tell whether a user's step is what it is taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.cells.jacobians import Step


ROWS = 64  # enough that two draws of a dropout differ somewhere
ROUNDING = 0.4  # power of the precision that is allowed between batches of different sizes, which are summed otherwise
FAILURES = (RuntimeError, TypeError, ValueError, IndexError, KeyError, AttributeError)


def trial_rows(points: Float[Tensor, "point axis"], seed: int) -> Float[Tensor, "row axis"]:
    """Return different rows near some of the given ones, with the same signs; entries that are zero get small values.

    A step says more where nothing is special: at 0, a ReLU has no derivative.
    """
    rows = points[torch.linspace(0, len(points) - 1, ROWS, device=points.device).long()]
    size = rows.double().square().mean().sqrt().item() or 1.0
    uniform = torch.rand(rows.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5
    changed = rows + 0.2 * uniform.to(rows) * torch.where(rows == 0, size, rows.abs())
    return changed.float().to(rows)  # so that a step in single precision sees the same


def attempt(
    step: Step, states: Float[Tensor, "batch state"], inputs: Float[Tensor, "batch input"], hint: str = ""
) -> Float[Tensor, "batch state"]:
    """Return what a step gives for a batch.

    Raises
    ------
    InvalidInput
        Where it fails, or returns anything but states of the same size; `hint` is added to the message.
    """
    try:
        result = step(states, inputs)
    except FAILURES as error:
        raise InvalidInput(
            f"the network's step failed on a state of shape {tuple(states.shape)} and an input of shape "
            f"{tuple(inputs.shape)}: {_reason(error)}{hint}"
        ) from error
    if not isinstance(result, Tensor) or result.shape != states.shape:
        got = str(tuple(result.shape)) if isinstance(result, Tensor) else type(result).__name__
        if isinstance(result, tuple):
            got += "; say which entry it is, for instance step=lambda network, state, input: network(input, state)[1]"
        raise InvalidInput(
            f"the network's step must return states (batch, state), as it is given them: for "
            f"{tuple(states.shape)} it returned {got}{hint}"
        )
    return result


def check_rows(
    step: Step, states: Float[Tensor, "row state"], inputs: Float[Tensor, "row input"], precision: float
) -> None:
    """Check that a step gives the same state the same successor, whatever else is in the batch.

    Parameters
    ----------
    step
        The step, which computes with the relative rounding error `precision`.
    states, inputs
        Different rows, more than two.

    Raises
    ------
    InvalidInput
        Where it fails, is random, keeps something between calls, or couples the rows of a batch.
    """
    first, again = attempt(step, states, inputs), step(states, inputs)
    size = max(_largest(first), torch.finfo(first.dtype).tiny)
    moved = _largest(again - first)
    if moved > 100 * precision * size:
        raise InvalidInput(
            f"the network's step is random, or keeps something between calls: what followed the same states changed by "
            f"up to {moved:.2g}. Leave out noise and dropout (module.eval()); what it remembers belongs in the state"
        )
    others = (torch.cat([rows[:2], 0.9 * rows[2:]]) for rows in (states, inputs))
    in_company = _largest(step(*others)[:2] - first[:2])
    alone = _largest(step(states[1:2], inputs[1:2]) - first[1:2])
    if in_company > 100 * precision * size or alone > precision**ROUNDING * size:
        raise InvalidInput(
            "the network's step couples the rows of its batch: what follows a state depends on the other states, by up "
            f"to {max(in_company, alone):.2g}. Each row is a state of its own: leave out what is computed over the "
            "first axis (a mean, batch normalisation in training mode, the number or place of rows)"
        )


def _largest(difference: Tensor) -> float:
    """Return the largest finite magnitude, 0 where there is none."""
    return difference.abs().nan_to_num(nan=0.0, posinf=0.0).max().item()


def _reason(error: Exception) -> str:
    """Return what an error says, the last line of those of compiled code, which hold a traceback."""
    text = str(error).strip()
    return text.splitlines()[-1] if "Traceback" in text else text
