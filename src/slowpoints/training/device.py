"""On what a network is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from slowpoints.errors import UserError

if TYPE_CHECKING:
    from slowpoints.training.options import TrainingOptions


def check_device(options: TrainingOptions) -> None:
    """Fail where this machine does not have what a training asks for.

    Raises
    ------
    UserError
        For an accelerator that is not there, or a precision that it does not compute in.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    there |= {"cpu": True, "auto": True, "gpu": any(there.values())}
    if not there[options.accelerator]:
        raise UserError(f"training.accelerator={options.accelerator}: there is none on this machine; use auto, or cpu")
    if options.precision == "16-mixed" and (options.accelerator == "cpu" or not there["gpu"]):
        raise UserError("training.precision=16-mixed: needs a GPU; on a processor use 32-true, or bf16-mixed")
