"""On what a network is trained."""

from __future__ import annotations

import os
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


def chosen_device(options: TrainingOptions) -> torch.device:
    """Return where a network is trained and tested with these options, as Lightning chooses it."""
    if options.accelerator == "cpu":
        return torch.device("cpu")
    if options.accelerator != "mps" and torch.cuda.is_available():
        return torch.device("cuda", 0)
    return torch.device("mps" if torch.backends.mps.is_available() and options.accelerator != "cuda" else "cpu")


def use_deterministic_algorithms(options: TrainingOptions) -> None:
    """Compute in the same order in every run, where the options ask for it."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs for it
    torch.use_deterministic_algorithms(options.deterministic)
