"""Checks the shapes that the library's annotations promise, whenever a test calls it.

Annotations such as `Float[Tensor, "point state"]` are for readers and for type checkers, which do not know shapes. Here
each function and method of `slowpoints.cells` and `slowpoints.dynamics` is wrapped, so that arguments and results that
are not as annotated fail the test. One name stands for one size within a call.
"""

from __future__ import annotations

import ast
import functools
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, get_type_hints

from beartype.door import is_bearable
from jaxtyping import jaxtyped

PACKAGES = ("slowpoints.cells", "slowpoints.dynamics")
_wrapped: dict[FunctionType, FunctionType] = {}


class WrongShape(TypeError):
    """What was given or returned is not what the annotation says."""


def check_shapes() -> None:
    """Wrap the functions of the library in this process, once."""
    if _wrapped:
        return
    modules = [import_module(name) for package in PACKAGES for name in _modules(package)]
    _import_names_of_annotations(modules)
    for module in modules:
        for owner, name, member in _members(module):
            function = getattr(member, "fget", None) or getattr(member, "func", None) or inspect.unwrap(member)
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                _wrap(owner, name, member, function)
    for module in [module for name, module in sys.modules.items() if name.startswith("slowpoints")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, FunctionType) and value in _wrapped:
                setattr(module, name, _wrapped[value])


def _modules(package: str) -> Iterator[str]:
    yield package
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        yield module.name


def _import_names_of_annotations(modules: list[ModuleType]) -> None:
    """Give modules what they import for annotations alone; some of it stands in such a block of another module."""
    blocks = [
        (module, ast.Module(node.body, []))
        for module in modules
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    while blocks:
        left = []
        for module, block in blocks:
            try:
                exec(compile(block, str(module.__file__), "exec"), vars(module))
            except ImportError:
                left.append((module, block))
        assert len(left) < len(blocks), f"cannot be imported: {left}"
        blocks = left


def _members(module: ModuleType) -> Iterator[tuple[Any, str, Any]]:
    """Yield functions and members of classes with where they stand."""
    for name, value in list(vars(module).items()):
        if isinstance(value, FunctionType):
            yield module, name, value
        elif inspect.isclass(value) and value.__module__ == module.__name__:
            for member, inner in list(vars(value).items()):
                yield value, member, inner.__func__ if isinstance(inner, classmethod | staticmethod) else inner


def _wrap(owner: Any, name: str, member: Any, function: FunctionType) -> None:
    above = owner.__mro__ if inspect.isclass(owner) else ()  # a record's fields may be annotated in another module
    names = {name: value for each in reversed(above) for name, value in vars(sys.modules[each.__module__]).items()}
    hints = {each: hint for each, hint in get_type_hints(function, localns=names).items() if "jaxtyping" in str(hint)}
    if not hints:
        return
    _wrapped[function] = checking = _checked(function, hints)
    if not inspect.isclass(owner):
        return
    standing = vars(owner)[name]
    if isinstance(standing, property):
        setattr(owner, name, property(checking, doc=standing.__doc__))
    elif isinstance(standing, classmethod | staticmethod):
        setattr(owner, name, type(standing)(checking))
    elif isinstance(standing, functools.cached_property):
        standing.func = checking
    else:
        setattr(owner, name, checking)


def _checked(function: FunctionType, hints: dict[str, Any]) -> Any:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checking(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)  # first, since what it refuses may be of any shape
        given = {**signature.bind(*args, **kwargs).arguments, "return": result}
        with jaxtyped("context"):
            # "2*mode" can be checked once it is known what "mode" is
            for name, hint in sorted(hints.items(), key=lambda item: "*" in str(item[1])):
                if name in given:
                    _check(function, name, given[name], hint)
        return result

    return checking


def _check(function: Callable[..., Any], name: str, value: Any, hint: Any) -> None:
    if not is_bearable(value, hint):
        kind = f"{tuple(value.shape)} of {value.dtype}" if hasattr(value, "shape") else repr(type(value))
        raise WrongShape(f"{function.__module__}.{function.__qualname__}: {name} is {kind}, annotated {hint}")
