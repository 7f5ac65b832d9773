"""Where runs are recorded."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, field_validator

from slowpoints.options import Options


class TrackingOptions(Options):
    """Where runs are recorded: `conf/tracking/*.yaml`."""

    uri: str
    experiment: str = Field(min_length=1)
    patience: NonNegativeFloat = 60.0
    offline_start: bool = False

    @field_validator("uri")
    @classmethod
    def _is_a_supported_store(cls, uri: str) -> str:
        if not uri.startswith(("sqlite:///", "postgresql", "mysql", "mssql", "http://", "https://")):
            raise ValueError("needs a store that MLflow keeps up, such as sqlite:///mlflow.db or http://127.0.0.1:5000")
        return uri
