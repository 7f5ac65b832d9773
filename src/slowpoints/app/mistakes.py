"""What users get wrong, in one clear message: what, where, and what would be right."""

from __future__ import annotations

import errno
import re
import shlex

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from slowpoints.errors import NO_ROOM, UserError
from slowpoints.options import unknown_key
from slowpoints.runs.targets import TARGET

NO_PLACE = (errno.EACCES, errno.EPERM, *NO_ROOM)  # no right to write, or no room

NOT_A_PLACE = (errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG)  # a file where a folder is wanted

OPTION = re.compile(r"[+~]*[\w@:/$-]+(\.[\w@:/$-]+)*")  # how what stands before `=` is written


def explain(error: Exception) -> str | None:
    """Return the message for what a user can mend, or None for any other error."""
    if isinstance(error, OSError) and error.errno in NOT_A_PLACE:
        return (
            f"{error.filename or 'a file'}: {error.strerror}; hydra.run.dir, hydra.sweep.dir and cache_dir need a "
            "folder, new or there already, with names of at most 255 bytes"
        )
    if isinstance(error, OSError) and error.errno in NO_PLACE:
        return (
            f"{error.filename or 'a file'} cannot be written: {error.strerror}; make room, allow it, or name other "
            "places: hydra.run.dir=FOLDER, cache_dir=FOLDER, tracking.uri=sqlite:///FILE"
        )
    if not isinstance(error, UserError | HydraException | OmegaConfBaseException):
        return None
    for cause in _causes(error):
        if isinstance(cause, MissingConfigException) and cause.options:
            return _unknown_choice(cause)
        if isinstance(cause, ConfigAttributeError | ConfigKeyError):
            return _unknown_option(cause)
        if isinstance(cause, OverrideParseException):
            return _unreadable_argument(cause.override)
    if found := re.search(r"Multiple values for (\S+)\. To override", str(error)):
        return f"{found[1]}: is chosen already; another choice is written without +, {found[1]}=NAME"
    if found := re.search(r"Ambiguous value for argument '([\w./]+=[^']*)'", str(error)):
        return f"{found[1]}: several values make a sweep, which -m starts; a single text with commas is put in quotes"
    if isinstance(error, OmegaConfBaseException) and error.full_key:
        return f"{error.full_key}: {str(error).splitlines()[0]}"
    return str(error).strip() if isinstance(error, UserError) else " ".join(str(error).split())


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error and what it was raised from, the first cause last."""
    causes = [error]
    while (following := causes[-1].__cause__) is not None:
        causes.append(following)
    return causes


def _unreadable_argument(argument: str) -> str:
    """Return how to write an argument that Hydra's grammar has no place for."""
    key, equals, value = argument.partition("=")
    if not equals or not OPTION.fullmatch(key):
        return f"{argument}: must be OPTION=VALUE, as in seed=3"
    if value[:1] in tuple("[{'\""):
        return f"{argument}: cannot be read; its brackets or quotation marks do not match"
    text = value.replace('"', '\\"')
    quoted = shlex.quote(f'{key}="{text}"')
    return f"{argument}: cannot be read; a text with such characters is put in quotes within quotes: {quoted}"


def _unknown_choice(error: MissingConfigException) -> str:
    group, _, choice = (error.missing_cfg_file or "").rpartition("/")
    known = ", ".join(error.options or [])
    if group == "analysis":
        return (
            f"{group}={choice}: there is no such choice; there are paper, quick and none, or one's own, as "
            f"analysis=[sampling,manifold], of {known}"
        )
    return f"{group}={choice}: there is no such choice; there are {known}"


def _unknown_option(error: OmegaConfBaseException) -> str:
    parent = error.parent_node
    siblings = [str(key) for key in parent] if isinstance(parent, DictConfig) else []
    key = error.full_key or re.sub(r"\s+", " ", str(error))
    options = [name for name in siblings if name != TARGET]
    told = unknown_key(key, options)
    return told if options == siblings else f"{told}; one that its class has beyond these is given with +{key}="
