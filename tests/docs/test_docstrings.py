"""What the docstrings of the library's public names have, and that their examples say what is so."""

from __future__ import annotations

import doctest
import inspect
import sys

import pytest

import slowpoints
from slowpoints import cells, dynamics

NAMES = sorted({*cells.__all__, *dynamics.__all__})
FUNCTIONS = [name for name in NAMES if inspect.isfunction(getattr(slowpoints, name))]


def test_all_names_of_the_library_are_importable_from_the_package():
    assert sorted(slowpoints.__all__) == NAMES


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_says_what_it_returns_and_shows_it(name):
    docstring = inspect.getdoc(getattr(slowpoints, name))
    assert "\nReturns\n-------\n" in docstring
    assert "\nExamples\n--------\n" in docstring


@pytest.mark.parametrize("name", NAMES)
def test_examples_say_what_is_so(name):
    public = inspect.unwrap(getattr(slowpoints, name))
    module = sys.modules[public.__module__]
    found = doctest.DocTestFinder(recurse=False).find(public, name, module=module, globs={})
    for test in found:
        said = []
        doctest.DocTestRunner(verbose=False).run(test, out=said.append)
        assert not said, "".join(said)
