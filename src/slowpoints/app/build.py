"""From options to the things they describe."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, get_type_hints

import pytorch_lightning as pl
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from pydantic import PydanticUserError, create_model

from slowpoints.analysis.analysis import Analysis
from slowpoints.cells import Cell
from slowpoints.errors import UserError
from slowpoints.options import FileName, Options, checked
from slowpoints.sweep.options import RunOptions
from slowpoints.tasks import TWO_CLASSES, Outputs
from slowpoints.training.device import check_device
from slowpoints.training.model import RecurrentClassifier
from slowpoints.training.module import TaskModule


class _Named(Options):
    """What files are named after."""

    name: FileName


def check_buildable(options: RunOptions, *, here: bool = True) -> list[Analysis]:
    """Return the analyses, and fail for all that cannot be made or used: minutes before it is needed.

    Parameters
    ----------
    here
        Whether it is for this machine.

    Raises
    ------
    UserError
        For a network or an analysis that cannot be made, or a device that is not there.
    """
    if here:
        check_device(options.training)
    build_module(options, symbols=2)
    return build_analyses(options)


def build_analyses(options: RunOptions) -> list[Analysis]:
    """Return the analyses that the options name, in their order.

    Raises
    ------
    UserError
        If one cannot be made, is none, or has the name of another.
    """
    analyses: dict[str, Analysis] = {}
    for key, node in options.analysis.questions.items():
        analysis = build(f"analysis.questions.{key}", node, Analysis)
        name = checked(_Named, {"name": analysis.name}, str(node["_target_"])).name
        if name in analyses:
            raise UserError(f"analysis.questions.{key}: there is another analysis of the name {name}; leave one out")
        analyses[name] = analysis
    return list(analyses.values())


def build_module(options: RunOptions, symbols: int, outputs: Outputs = TWO_CLASSES) -> TaskModule:
    """Return the untrained network for a task with so many symbols, its weights drawn from the run's seed.

    Raises
    ------
    UserError
        If `arch.cell` does not describe a cell.
    """
    pl.seed_everything(options.seed, verbose=False)
    cell = build(
        "arch.cell",
        options.arch.cell,
        Cell,
        input_size=options.arch.embedding_size,
        hidden_size=options.arch.hidden_size,
    )
    network = RecurrentClassifier(
        cell,
        symbols,
        outputs,
        embedding_dropout=options.training.embedding_dropout,
        word_dropout=options.training.word_dropout,
        readout_dropout=options.training.readout_dropout,
        embedding_std=options.training.embedding_std,
    )
    return TaskModule(network, options.training)


def build(key: str, node: dict[str, Any], kind: type, **arguments: Any) -> Any:
    """Return the object that a node with `_target_` describes.

    Raises
    ------
    UserError
        If it cannot be made, or is of another kind than is needed.
    """
    try:
        _check_arguments(key, node)
        thing = instantiate(node, **arguments)
    except (InstantiationException, TypeError, ValueError) as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = (str(cause).splitlines() or [type(cause).__name__])[0]
        raise UserError(f"{key}: cannot make a {node.get('_target_')} ({reason})") from error
    if not isinstance(thing, kind):
        raise UserError(f"{key}: {node.get('_target_')} is no {kind.__name__}")
    return thing


def _check_arguments(key: str, node: Mapping[str, Any]) -> None:
    """Refuse plain values that are not of the type which the target says it takes, such as `true` for a number."""
    try:
        target = resolve_name(str(node["_target_"]))
        made_by = target.__init__ if inspect.isclass(target) else target
        types = get_type_hints(made_by, include_extras=True)
        taken = {name: value for name, value in node.items() if name in types and not isinstance(value, dict | list)}
        fields: dict[str, Any] = {name: (types[name], ...) for name in taken}
        model = create_model("Arguments", __base__=Options, **fields)
    except (ImportError, ValueError):
        return  # there is no such thing; whoever makes it says so
    except (NameError, TypeError, AttributeError, PydanticUserError):
        return  # its annotations are for people
    checked(model, taken, key, strict=True)
