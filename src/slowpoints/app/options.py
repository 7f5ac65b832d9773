"""All options of a run, checked on entry."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Any

from omegaconf import DictConfig, OmegaConf
from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, ValidationError

from slowpoints.analysis.options import AnalysisOptions
from slowpoints.console import Mode
from slowpoints.errors import UserError
from slowpoints.options import Options
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
    seed: NonNegativeInt
    cache_dir: Path
    threads: PositiveInt | None
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
    try:
        return RunOptions.model_validate(plain)
    except ValidationError as error:
        raise UserError("\n".join(_describe(problem, plain) for problem in error.errors())) from error


def _describe(problem: Any, plain: dict[Any, Any]) -> str:
    """Return `data.max_length: must be greater than 0, got -3`."""
    sources = {"hub", "treebank", "files", "synthetic"}  # the tags of the kinds of data stand in pydantic's location
    location = [part for index, part in enumerate(problem["loc"]) if not (index == 1 and part in sources)]
    key = ".".join(str(part) for part in location)
    if problem["type"] == "extra_forbidden":
        section = plain
        for part in location[:-1]:
            section = section[part]
        return unknown_key(key, [name for name in section if name != location[-1]])
    message = re.sub(r"^\w+ should ", "must ", problem["msg"].removeprefix("Value error, "))
    if problem["type"] == "missing":
        return f"{key}: must be given" + (", by analysis=[sampling,...]" if key == "analysis.sampling" else "")
    return f"{key}: {message}, got {problem['input']!r}"


def unknown_key(key: str, siblings: list[str]) -> str:
    """Return what is wrong with a misspelt key, and what it may have been meant to be."""
    near = difflib.get_close_matches(key.rpartition(".")[2], siblings, n=1)
    prefix = key.rpartition(".")[0]
    if near:
        return f"{key}: there is no such option; did you mean {f'{prefix}.{near[0]}' if prefix else near[0]}?"
    return f"{key}: there is no such option; {prefix or 'the configuration'} has {', '.join(sorted(siblings))}"
