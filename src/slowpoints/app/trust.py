"""What is built from a recorded configuration, which may be somebody else's: nothing that could run their code.

A configuration names classes (`_target_`) that are imported and called. What the user types, or has in a folder of
configurations, is theirs. Of a configuration that lies in a run's folder or in MLflow, only cells, questions and data
sets of this project are built, and what the user names now: `trust=MODULE`.
"""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.utils import _locate  # what Hydra itself finds a target by
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slowpoints.errors import DamagedFile, UserError
from slowpoints.runs.earlier import is_searched_by_q, searched_by_relative_speed
from slowpoints.runs.folder import CONFIG, COPY, RunFolder
from slowpoints.runs.targets import interpolations, targets
from slowpoints.sweep.options import RunOptions, check_options
from slowpoints.sweep.processes import TRUST

OPTION = "trust="
OWN = ("slowpoints.cells", "slowpoints.questions", "slowpoints.tasks", "slowpoints.text")

log = logging.getLogger(__name__)


def split_trust(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the other arguments of a command, and what it is told to trust: by `trust=a,b`, or by a launcher."""
    others = [each for each in arguments if not each.startswith(OPTION)]
    named = [each.removeprefix(OPTION).strip("[]") for each in arguments if each.startswith(OPTION)]
    return others, [name.strip() for text in (*named, os.environ.get(TRUST, "")) for name in text.split(",") if name]


def trust_option(config: Mapping[str, Any]) -> str:
    """Return ` trust=...` as it has to be added to a command that goes on from this configuration, or nothing."""
    own = tuple(f"{module}." for module in OWN)
    named = {str(target) for _, target in targets(config)}
    foreign = sorted({target.rpartition(".")[0] for target in named if not target.startswith(own)})
    return f" {OPTION}{','.join(foreign)}" if foreign else ""


def recorded_options(folder: Path, trusted: Sequence[str]) -> RunOptions:
    """Return the options that a run's folder has, which may be built then.

    Raises
    ------
    UserError
        If they cannot be read, or name something that is not trusted.
    """
    config = RunFolder(folder).config()
    if is_searched_by_q(config):
        log.warning(
            "%s: an earlier version began this run; its points are told by relative speed now, not by q", folder
        )
        config = searched_by_relative_speed(config)
    return checked_options(config, folder / CONFIG, trusted, COPY)


def checked_options(config: Mapping[str, Any], file: Path, trusted: Sequence[str], remedy: str) -> RunOptions:
    """Return the options in a recorded configuration, of a file, which may be built then.

    Raises
    ------
    UserError
        If they are none, with what is to be done about it, or name something that is not trusted.
    """
    check_trust(config, file, trusted)
    try:
        return check_options(OmegaConf.create(dict(config)))
    except (UserError, OmegaConfBaseException) as error:
        raise DamagedFile(file, f"has no options of a run ({error})", remedy) from error


def check_trust(config: Mapping[str, Any], file: Path, trusted: Sequence[str]) -> None:
    """Refuse a recorded configuration that would do more than build this project's own classes and trusted ones.

    Raises
    ------
    UserError
        Which names the target, the file, and how to allow it.
    """
    if place := next(interpolations(config), None):
        raise UserError(
            f"{file}: {place} refers to something else (${{...}}); a recorded configuration has plain values"
        )
    for place, target in targets(config):
        if isinstance(target, str) and (target in trusted or _is_own(target) or _is_of_modules(target, trusted)):
            continue
        within = any(str(target).startswith(f"{module}.") for module in trusted)
        foreign = f", and {OPTION}{','.join(trusted)} has it from elsewhere" if within else ""
        allow = target if within else str(target).rpartition(".")[0]
        raise UserError(
            f"{file}: {place} is {target}, which is no cell, question or data set of slowpoints{foreign}; to build it "
            f"is to run code. If you know where this file comes from, allow it: {OPTION}{allow}"
        )


def _is_own(target: str) -> bool:
    """Whether a target is a cell, a question or a data set of this project."""
    thing = _defined_in(target, OWN)
    if not inspect.isclass(thing):
        return False
    from slowpoints.cells import Cell
    from slowpoints.questions.question import Question
    from slowpoints.tasks.data import Data

    return issubclass(thing, Cell | Question | Data)


def _is_of_modules(target: str, modules: Iterable[str]) -> bool:
    """Whether a target is a class or a function that one of some modules defines, not one that it only imports."""
    thing = _defined_in(target, modules)
    return inspect.isclass(thing) or inspect.isroutine(thing)


def _defined_in(target: str, modules: Iterable[str]) -> object:
    """Return what a target is called in a module or below it, where that also defines it; else None.

    Nothing but these modules is imported: `module.os.system` is not in the module, although it is found there.
    """
    if not (within := [module for module in modules if target.startswith(f"{module}.")]):
        return None
    try:
        thing = _locate(target)
    except (ImportError, ValueError) as error:
        reason = str(error.__cause__ or error).splitlines()[-1]
        raise UserError(f"{target} cannot be imported, here and now ({reason})") from error
    home, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    defined = isinstance(home, str) and any(f"{home}.".startswith(f"{module}.") for module in within)
    return thing if defined and target.endswith(f".{name}") else None
