"""The command that sets the networks of a sweep side by side."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from slowpoints.errors import UserError
from slowpoints.sweep.comparison import comparison_tables, find_networks, write_comparison


def compare_command(arguments: list[str]) -> None:
    """Compare the finished runs below the named folders; the result goes into the first.

    Raises
    ------
    UserError
        If a folder does not exist, or there are no finished runs.
    """
    folders = [Path(argument) for argument in arguments]
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: there is no such folder; name that of a sweep, as multirun/DATE/TIME-sweep")
    networks = find_networks(folders)
    files = write_comparison(networks, folders[0])
    Console().print(Markdown(comparison_tables(networks)))
    print("\n".join(map(str, files)))
