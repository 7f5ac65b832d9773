"""From options to the things they describe."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, get_type_hints

import numpy as np
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from pydantic import PydanticUserError, create_model
from torch import nn

from slowpoints.cells import Cell
from slowpoints.errors import UserError
from slowpoints.options import FileName, Options, checked
from slowpoints.questions.question import Question
from slowpoints.runs.folder import EXPLORER, PAGE, WEIGHTS
from slowpoints.sweep.options import RunOptions
from slowpoints.tasks import TWO_CLASSES, Outputs, Task
from slowpoints.training.device import check_device
from slowpoints.training.model import RecurrentClassifier
from slowpoints.training.options import ArchitectureOptions


class _Named(Options):
    """What files are named after."""

    name: FileName
    figures: tuple[FileName, ...]


READOUT = "readout_cell_state"
# What a run calls its other numbers and files
TAKEN = {"test", "val", "training", "analysis", PAGE, EXPLORER, Path(WEIGHTS).stem, "comparison"}


def check_buildable(options: RunOptions, *, here: bool = True) -> list[Question]:
    """Return the questions, and fail for all that cannot be made or used: minutes before it is needed.

    Parameters
    ----------
    here
        Whether it is for this machine.

    Raises
    ------
    UserError
        For a network or a question that cannot be made, or a device that is not there.
    """
    if here:
        check_device(options.training)
    build_network(options, 2)
    return build_questions(options.analysis.questions)


def build_questions(nodes: Mapping[str, dict[str, Any]]) -> list[Question]:
    """Return the questions that the options name, in their order.

    Raises
    ------
    UserError
        If one cannot be made, is none, or calls something of its own as another does.
    """
    questions = {key: build_question(key, node) for key, node in nodes.items()}
    for what, names_of in _NAMES.items():
        seen: dict[str, str] = {}
        for key, question in questions.items():
            for name in names_of(question):
                if name in seen:
                    raise UserError(
                        f"analysis.questions.{key}: there is another {what} of the name {name}, that of "
                        f"analysis.questions.{seen[name]}; leave one out"
                    )
                seen[name] = key
    return list(questions.values())


_NAMES: Mapping[str, Callable[[Question], Iterable[str]]] = {
    "question": lambda question: [question.name],
    "figure": lambda question: question.figures,
    "claim": lambda question: [claim.name for claim in question.claims],
}


def build_question(key: str, node: dict[str, Any]) -> Question:
    """Return the question that a node describes.

    Raises
    ------
    UserError
        If it cannot be made, is none, or has no name, or one that cannot be used.
    """
    place, target = f"analysis.questions.{key}", node["_target_"]
    question: Question = build(place, node, Question)
    if not isinstance(getattr(question, "name", None), str):
        raise UserError(f'{place}: {target} has no name; give the class one, such as name = "{key}"')
    checked(_Named, {"name": question.name, "figures": tuple(question.figures)}, str(target))
    if taken := TAKEN & {question.name, *question.figures}:
        raise UserError(f"{place}: {target} calls something {', '.join(taken)}, as every run does; choose another name")
    return question


def build_network(
    options: RunOptions, encoder: Callable[[int], nn.Module] | int, outputs: Outputs = TWO_CLASSES
) -> RecurrentClassifier:
    """Return the untrained network for a task, its weights drawn from the run's seed.

    Parameters
    ----------
    encoder
        The task's (`Task.encoder`), or for how many symbols to embed.
    outputs
        The task's.

    Raises
    ------
    UserError
        If `arch.cell` does not describe a cell, or one that is not read out as `arch.readout_cell_state` asks.
    """
    _seed_everything(options.seed)
    return RecurrentClassifier(
        _build_cell(options.arch),
        encoder if isinstance(encoder, int) else encoder(options.arch.embedding_size),
        outputs,
        embedding_dropout=options.training.embedding_dropout,
        word_dropout=options.training.word_dropout,
        readout_dropout=options.training.readout_dropout,
        embedding_std=options.training.embedding_std,
    )


def _build_cell(arch: ArchitectureOptions) -> Cell:
    sizes = {"input_size": arch.embedding_size, "hidden_size": arch.hidden_size}
    if arch.readout_cell_state and not _takes(arch.cell, READOUT):
        raise UserError(
            f"arch.{READOUT}: a {arch.cell['_target_']} cannot be read out so, it has no {READOUT}; "
            "the LSTM has, arch=lstm"
        )
    cell: Cell = build("arch.cell", arch.cell, Cell, **sizes, **({READOUT: True} if arch.readout_cell_state else {}))
    if arch.trained_initial_state:
        cell.train_initial_state()
    return cell


def _takes(node: Mapping[str, Any], argument: str) -> bool:
    """Say whether a target that can be imported takes an argument by this name."""
    try:
        return argument in inspect.signature(resolve_name(str(node["_target_"]))).parameters
    except (ImportError, AttributeError, ValueError, TypeError):
        return True  # whoever makes it says what is wrong


def build_for(options: RunOptions, task: Task) -> RecurrentClassifier:
    """Return the untrained network for a task.

    Raises
    ------
    UserError
        If `arch.cell` does not describe a cell, or the task's encoder does not make vectors of the size asked for.
    """
    network = build_network(options, task.encoder, task.outputs)
    step = torch.from_numpy(task.train.inputs[:1])
    try:
        size = network.embedding(step.float() if task.continuous else step.long()).shape[1:]
    except Exception as error:  # the encoder may be the user's own, and fail in any way
        raise UserError(
            f"task {task.name}: its encoder cannot take a step of {tuple(step.shape[1:])}: {error}"
        ) from error
    if tuple(size) != (options.arch.embedding_size,):
        raise UserError(
            f"task {task.name}: its encoder makes vectors of {tuple(size)}; arch.embedding_size asks for "
            f"{options.arch.embedding_size}"
        )
    return network


def _seed_everything(seed: int) -> None:
    """Seed whatever a network may draw its weights from."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - cells of others may use it
    torch.manual_seed(seed)


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
    except Exception:
        return  # it cannot be imported; whoever makes it says so
    try:
        made_by = target.__init__ if inspect.isclass(target) else target
        types = get_type_hints(made_by, include_extras=True)
        taken = {name: value for name, value in node.items() if name in types and not isinstance(value, dict | list)}
        fields: dict[str, Any] = {name: (types[name], ...) for name in taken}
        model = create_model("Arguments", __base__=Options, **fields)
    except (NameError, TypeError, AttributeError, ValueError, PydanticUserError):
        return  # its annotations are for people
    checked(model, taken, key, strict=True)
