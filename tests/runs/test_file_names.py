"""What the files of runs and sweeps are called stands in one place each: with those who own their folders."""

import ast
import re
from pathlib import Path

import slowpoints
from slowpoints import files
from slowpoints.runs import folder as of_runs
from slowpoints.sweep import folder as of_sweeps

PACKAGE = Path(slowpoints.__file__).parent
OWNERS = {"runs/folder.py": of_runs, "sweep/folder.py": of_sweeps}
OTHERS = ["tracking/database.py"]  # has a lock of its own, beside the store


def names_of(owner):
    """Return the names that a module gives to files, which have a dot: `summary.json`, `.resume`."""
    texts = {value for name, value in vars(owner).items() if name.isupper() and name not in vars(files)}
    return {text for text in texts if isinstance(text, str) and "." in text and " " not in text}


def texts_in(source):
    """Return the texts in a module, with their lines; what it says of itself (docstrings) is none."""
    tree = ast.parse(source)
    described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, described) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def test_the_owners_know_the_files():
    assert names_of(of_runs) >= {"config.yaml", "summary.json", ".resume", "trained.json", "state.json", "run.log"}
    assert names_of(of_sweeps) >= {"sweep.json", "jobs.csv"}


def test_a_name_is_found_wherever_it_stands():
    source = '"""summary.json"""\n\ndef f(x):\n    """run.log"""\n    return f"{x}/state.json", ("no job.json",)\n'
    assert [text for _, text in texts_in(source)] == ["/state.json", "no job.json"]


def test_no_other_module_knows_a_name():
    known = "|".join(map(re.escape, set().union(*map(names_of, OWNERS.values()))))
    whole = re.compile(rf"(?<!\w)({known})(?![\w=.])")
    found = [
        f"{file.relative_to(PACKAGE)}:{line}: {text}"
        for file in sorted(PACKAGE.rglob("*.py"))
        if str(file.relative_to(PACKAGE)) not in (*OWNERS, *OTHERS)
        for line, text in texts_in(file.read_text(encoding="utf-8"))
        if whole.search(text)
    ]
    assert found == []
