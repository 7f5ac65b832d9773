"""From options to the things they describe."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from slowpoints.app.options import RunOptions
from slowpoints.cells import Cell
from slowpoints.errors import UserError
from slowpoints.training.model import RecurrentClassifier
from slowpoints.training.module import SentimentClassifier


def build_classifier(options: RunOptions, vocabulary_size: int) -> SentimentClassifier:
    """Return the untrained network, its weights drawn from the run's seed.

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
        vocabulary_size,
        embedding_dropout=options.training.embedding_dropout,
        word_dropout=options.training.word_dropout,
        readout_dropout=options.training.readout_dropout,
        embedding_std=options.training.embedding_std,
    )
    return SentimentClassifier(network, options.training)


def build(key: str, node: dict[str, Any], kind: type, **arguments: Any) -> Any:
    """Return the object that a node with `_target_` describes.

    Raises
    ------
    UserError
        If it cannot be made, or is of another kind than is needed.
    """
    try:
        thing = instantiate(node, **arguments)
    except (InstantiationException, TypeError, ValueError) as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = str(cause).splitlines()[0]
        raise UserError(f"{key}: cannot make a {node.get('_target_')} ({reason})") from error
    if not isinstance(thing, kind):
        raise UserError(f"{key}: {node.get('_target_')} is no {kind.__name__}")
    return thing
