"""What the site has beside the files here: references from configs and docstrings, the story, and project files."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import jupytext
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

PROJECT = Path(__file__).parents[1]
ELSEWHERE = {"benchmarks.md": "benchmarks/README.md", "changes.md": "CHANGELOG.md"}  # page: file of the project
CHANGING = ("recipe/data", "recipe/network", "experiment")  # lines of the others
GROUPS = ("arch", "data", "training", "analysis", "tracking", "hydra/launcher", "hydra/sweeper")
LINE = re.compile(r"^(?P<indent> *)(?P<key>[\w.]+):(?P<value>[^#]*?)(?:\s+#\s*(?P<comment>.*))?$")
LIBRARY = {
    "Cells": "slowpoints.cells",
    "Dynamics": "slowpoints.dynamics",
}


class Option(NamedTuple):
    """A line of a config file."""

    key: str
    default: str
    comment: str


def options_of(text: str) -> Iterator[Option]:
    """Yield the options of a config file, nested ones by dotted keys; targets and Hydra's defaults are none."""
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        found = LINE.match(line)
        if found is None:
            continue
        indent, value = len(found["indent"]), found["value"].strip()
        above = [*(each for each in above if each[0] < indent), (indent, found["key"])]
        keys = [key for _, key in above]
        if value and not {"_target_", "defaults"} & set(keys):
            yield Option(".".join(keys), value, found["comment"] or "")


def options_page() -> str:
    """Return the reference of all options."""
    lines = [
        "# Options",
        "",
        "Every line of the files in `conf`, with its default. Each can be changed on the command line:",
        "`python -m src.run arch=lstm arch.hidden_size=256 training.rate=0.001 seed=3`.",
        "`python -m src.run --cfg job` prints what a run would use.",
        "",
        *_table("config.yaml", ""),
    ]
    for group in (*GROUPS, *CHANGING):
        lines += [f"## {group}", ""]
        for file in sorted((PROJECT / "conf" / group).glob("*.yaml")):
            lines += _table(
                f"{group}/{file.name}",
                {"hydra/launcher": "hydra.launcher", "hydra/sweeper": "hydra.sweeper"}.get(group, group),
            )
    return "\n".join(lines)


def _table(name: str, prefix: str) -> list[str]:
    text = (PROJECT / "conf" / name).read_text(encoding="utf-8")
    head, _, rest = text.partition("\n")
    options = list(options_of(text))
    if text.startswith("# @package"):
        prefix, head = "", rest.partition("\n")[0]
    if name.startswith("analysis/"):
        prefix = "analysis"
    about = head.lstrip("# ") if head.startswith("#") else ""
    choice = (
        f"`{name.removesuffix('.yaml').replace('/', '=', 1) if name.count('/') == 1 else name.removesuffix('.yaml')}`"
    )
    lines = [f"### {choice}" if prefix or "/" in name else "## config", "", about, ""]
    if options:
        lines += ["| option | default | |", "|---|---|---|"]
        dotted = prefix + "." if prefix else ""
        lines += [
            f"| `{dotted}{each.key}` | `{each.default.replace('|', chr(92) + '|')}` | {each.comment} |"
            for each in options
        ]
    return [*lines, ""]


def library_page() -> str:
    """Return the reference of the library: every public name, from its docstring."""
    lines = [
        "# Library",
        "",
        "What `slowpoints.cells` and `slowpoints.dynamics` offer; the most used names are also in `slowpoints`.",
        "",
    ]
    for title, module in LIBRARY.items():
        lines += [f"## {title}", ""]
        for name in importlib.import_module(module).__all__:
            lines += [f"::: {module}.{name}", ""]
    return "\n".join(lines)


@cache
def story() -> dict[str, str | bytes]:
    """Run `story.py` as a notebook in a folder of its own, and return the page with what it showed, and its figures."""
    notebook = jupytext.read(PROJECT / "docs" / "story.py")
    with TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        quiet = ["--IPKernelApp.log_level=ERROR"]  # it warns of its own port, which is of this machine alone
        NotebookClient(notebook, timeout=600, resources=place, extra_arguments=quiet).execute()
    page, resources = MarkdownExporter().from_notebook_node(notebook, {"output_files_dir": "figures"})
    return {"story.md": page, "story.ipynb": jupytext.writes(notebook, fmt="ipynb"), **resources["outputs"]}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made: dict[str, str | bytes] = {"reference/options.md": options_page(), "reference/library.md": library_page()}
    made |= {page: (PROJECT / file).read_text(encoding="utf-8") for page, file in ELSEWHERE.items()}
    for name, content in (made | story()).items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to files of the project lead to their pages."""
    for name, file in ELSEWHERE.items():
        markdown = markdown.replace(f"](../{file}", f"]({name}")
    return markdown
