"""What all sections of a run's options have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Options that are checked on entry: no unknown key, no value out of range, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)
