"""All options of a run, checked on entry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from omegaconf import DictConfig, OmegaConf
from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, create_model

from slowpoints.console import Mode
from slowpoints.errors import UserError
from slowpoints.options import NO_EFFECT, Options, Threads, checked, leaves, with_effect
from slowpoints.questions.options import AnalysisOptions
from slowpoints.runs.targets import with_present_names
from slowpoints.tasks.data import Data, data_class
from slowpoints.tracking.options import TrackingOptions
from slowpoints.training.options import ArchitectureOptions, TrainingOptions


def module_names(value: Any) -> Any:
    """Return the names in a text of some, `a,b`; what is no text as it is."""
    return tuple(value.split(",")) if isinstance(value, str) else value or ()


def folder(path: Path) -> Path:
    """Return the path of a folder, new or there already.

    Raises
    ------
    ValueError
        Where a file is in its way.
    """
    nearest = next((place for place in (path, *path.parents) if place.exists()), path)
    if nearest.exists() and not nearest.is_dir():
        raise ValueError(f"must be a folder, new or there already; {nearest} is a file")
    return path


class RunOptions(Options):
    """The resolved configuration of one run: `conf/config.yaml` and what it composes."""

    arch: ArchitectureOptions
    data: SerializeAsAny[Data]  # of the class that they name: `options_with`
    training: TrainingOptions
    analysis: AnalysisOptions
    tracking: Annotated[TrackingOptions, NO_EFFECT]
    seed: Annotated[int, Field(ge=0, lt=2**32)]  # what NumPy's generators take
    cache_dir: Annotated[Path, AfterValidator(folder), NO_EFFECT]
    # Sums round by the number of threads; no two runs are told apart by it.
    threads: Annotated[Threads | None, NO_EFFECT]
    checkpoint: str | None
    trust: Annotated[tuple[str, ...], BeforeValidator(module_names), NO_EFFECT] = Field(
        default=(), exclude=True
    )  # is not recorded
    console: Annotated[Mode, NO_EFFECT] = "normal"  # runs of earlier versions have none


@cache
def options_with(data: type[Data]) -> type[RunOptions]:
    """Return the options of a run on data of a class, so that those of the data are checked with all others."""
    return create_model("RunOptions", __base__=RunOptions, data=(data, ...))


def essence(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a run's results follow from: runs with the same essence are the same run.

    Parameters
    ----------
    config
        Resolved and plain, as `config.yaml` has it, also that of an earlier version.
    """
    return with_effect(RunOptions, with_present_names(config))


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
    plain = with_present_names(plain)
    return checked(options_with(data_class(plain.get("data"))), plain)
