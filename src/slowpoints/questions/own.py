"""Which of a configuration's questions are of this project, and what they are."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from inspect import isclass
from pkgutil import iter_modules
from typing import Any

import slowpoints.questions as package
from slowpoints.questions.question import Question


def own_questions(config: Mapping[str, Any]) -> list[type[Question]]:
    """Return those that a run's configuration names, in their order; nothing else is imported."""
    analysis = config.get("analysis")
    asked = analysis.get("questions") if isinstance(analysis, Mapping) else None
    nodes = asked.values() if isinstance(asked, Mapping) else ()
    found = (own_question(node.get("_target_")) for node in nodes if isinstance(node, Mapping))
    return [each for each in found if each is not None]


def own_question(target: object) -> type[Question] | None:
    """Return the question that a target names, where it is one of this project's own; nothing else is imported."""
    module, _, name = str(target).rpartition(".")
    folder, _, file = module.rpartition(".")
    if folder != package.__name__ or file not in {each.name for each in iter_modules(package.__path__)}:
        return None
    thing = vars(import_module(module)).get(name)
    return thing if isclass(thing) and issubclass(thing, Question) and thing.__module__ == module else None
