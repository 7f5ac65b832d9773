"""Jacobians of any step by automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor, Tensor], Tensor]


def automatic_jacobian(step: Step, argument: int) -> Step:
    """Return the derivative of a batched step by its state (argument 0) or its input (1).

    Rows of a batch do not depend on one another: the step is called once on the whole batch, and its derivatives by all
    units are found at once. The step itself runs as ever, so that it may do anything that autograd can follow.

    Returns
    -------
    Step
        `(batch, state), (batch, input) -> (batch, state, state)`, or `(batch, state, input)` by the input. It is zero
        where autograd sees no dependence, and can be differentiated further where gradients are enabled.
    """

    def jacobian(state: Tensor, input: Tensor) -> Tensor:
        further = torch.is_grad_enabled()
        with torch.inference_mode(False), torch.enable_grad():
            arguments = [tensor.clone() if tensor.is_inference() else tensor for tensor in (state, input)]
            if not (further and arguments[argument].requires_grad):
                arguments[argument] = arguments[argument].detach().requires_grad_()
            by = arguments[argument]
            result = step(*(tensor.clone() for tensor in arguments))  # into which the step may write
            if not result.requires_grad:
                return by.new_zeros(*result.shape, by.shape[1])
            units = torch.eye(result.shape[1], dtype=result.dtype, device=result.device)
            (rows,) = torch.autograd.grad(
                result,
                by,
                units.unsqueeze(1).expand(-1, len(result), -1),
                is_grads_batched=True,
                create_graph=further,
                allow_unused=True,
            )
        return by.new_zeros(*result.shape, by.shape[1]) if rows is None else rows.transpose(0, 1)

    return jacobian
