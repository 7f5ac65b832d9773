"""All options of a run, checked on entry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from omegaconf import DictConfig, OmegaConf
from pydantic import BeforeValidator, Field

from slowpoints.console import Mode
from slowpoints.errors import UserError
from slowpoints.options import Options, Threads, checked, leaves
from slowpoints.questions.options import AnalysisOptions
from slowpoints.text.options import DataOptions
from slowpoints.tracking.options import TrackingOptions
from slowpoints.training.options import ArchitectureOptions, TrainingOptions


def module_names(value: Any) -> Any:
    """Return the names in a text of some, `a,b`; what is no text as it is."""
    return tuple(value.split(",")) if isinstance(value, str) else value or ()


class RunOptions(Options):
    """The resolved configuration of one run: `conf/config.yaml` and what it composes."""

    arch: ArchitectureOptions
    data: DataOptions
    training: TrainingOptions
    analysis: AnalysisOptions
    tracking: TrackingOptions
    seed: Annotated[int, Field(ge=0, lt=2**32)]  # what NumPy's generators take
    cache_dir: Path
    threads: Threads | None
    checkpoint: str | None
    trust: Annotated[tuple[str, ...], BeforeValidator(module_names)] = Field(
        default=(), exclude=True
    )  # is not recorded
    console: Mode = "normal"  # runs of earlier versions have none


def check_options(config: DictConfig) -> RunOptions:
    """Return the options of a composed configuration.

    Raises
    ------
    UserError
        With one line for every option that is unknown or out of range.
    """
    if missing := OmegaConf.missing_keys(config):
        raise UserError("\n".join(f"{key}: must be given, as in {key}=VALUE" for key in sorted(missing)))
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    if unwritable := [place for place, value in leaves(plain) if "\0" in str(value)]:
        raise UserError("\n".join(f"{place}: must not have a NUL character" for place in unwritable))
    return checked(RunOptions, plain)
