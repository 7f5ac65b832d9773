"""Options of the network and of its training, and the ranges they may take."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from slowpoints.errors import UserError
from slowpoints.options import (
    NO_EFFECT,
    Count,
    CountOrNone,
    FileName,
    NotNegative,
    Options,
    Positive,
    Share,
    Size,
    checked_numbers,
)


class ArchitectureOptions(Options):
    """What is trained: `conf/arch/*.yaml`."""

    name: FileName
    embedding_size: Size
    hidden_size: Size
    cell: dict[str, Any]
    # Runs of earlier versions have neither.
    trained_initial_state: bool = False
    readout_cell_state: bool = False

    @field_validator("cell")
    @classmethod
    def _names_its_class(cls, cell: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(cell.get("_target_"), str):
            raise ValueError("needs a `_target_`: the class of the cell, such as slowpoints.cells.GRU")
        return checked_numbers(cell)


class TrainingOptions(Options):
    """How it is trained: `conf/training/*.yaml` and `conf/recipe/*.yaml`."""

    max_epochs: Count
    batch_size: Count
    rate: Positive
    final_rate_share: Annotated[float, Field(gt=0, le=1)]
    warmup_steps: CountOrNone
    weight_decay: NotNegative
    recurrent_l2: NotNegative = 0.0  # runs of earlier versions have none
    gradient_clip: Positive | None
    embedding_dropout: Share
    word_dropout: Share
    readout_dropout: Share
    embedding_std: Positive
    patience: Count
    validations_per_epoch: Count
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    accelerator: Annotated[Literal["auto", "cpu", "gpu", "cuda", "mps"], NO_EFFECT]
    devices: Annotated[Count, NO_EFFECT]
    deterministic: Annotated[bool, NO_EFFECT]

    @field_validator("devices")
    @classmethod
    def _is_one(cls, devices: int) -> int:
        if devices > 1:
            raise ValueError("must be 1: a network is trained on one device; the jobs of a sweep use all there are, -m")
        return devices


def check_validations(options: TrainingOptions, documents: int) -> None:
    """Fail where an epoch over so many documents has fewer batches than there are to be validations in it.

    Raises
    ------
    UserError
        With the largest number that is possible.
    """
    batches = math.ceil(documents / options.batch_size)
    if options.validations_per_epoch > batches:
        raise UserError(
            f"training.validations_per_epoch: must be at most {batches}, the number of batches in an epoch of "
            f"{documents} documents, got {options.validations_per_epoch}"
        )
