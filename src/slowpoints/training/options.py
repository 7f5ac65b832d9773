"""Options of the network and of its training, and the ranges they may take."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from slowpoints.options import Options

Share = Annotated[float, Field(ge=0, lt=1)]


class ArchitectureOptions(Options):
    """What is trained: `conf/arch/*.yaml`."""

    name: str
    embedding_size: PositiveInt
    hidden_size: PositiveInt
    cell: dict[str, Any]

    @field_validator("cell")
    @classmethod
    def _names_its_class(cls, cell: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(cell.get("_target_"), str):
            raise ValueError("needs a `_target_`: the class of the cell, such as slowpoints.cells.GRU")
        return cell


class TrainingOptions(Options):
    """How it is trained: `conf/training/*.yaml` and `conf/recipe/*.yaml`."""

    max_epochs: PositiveInt
    batch_size: PositiveInt
    rate: PositiveFloat
    final_rate_share: Annotated[float, Field(gt=0, le=1)]
    warmup_steps: Annotated[int, Field(ge=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    gradient_clip: PositiveFloat | None
    embedding_dropout: Share
    word_dropout: Share
    readout_dropout: Share
    embedding_std: PositiveFloat
    patience: PositiveInt
    validations_per_epoch: PositiveInt
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"]
    devices: PositiveInt
    deterministic: bool
