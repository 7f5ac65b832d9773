"""What commands say: how they get on goes to the error stream, what they found to standard output."""

from __future__ import annotations

import json
import logging
import logging.handlers
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any, Literal, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from slowpoints.errors import UserError

Mode = Literal["normal", "quiet", "json"]
MODES: tuple[Mode, ...] = ("normal", "quiet", "json")
COLORS = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}
LONG_LINE = 200  # characters; a file has no width
OURS = logging.getLogger("slowpoints")


class Voice:
    """How this process speaks.

    Attributes
    ----------
    mode
        `normal`: progress and results for people. `quiet`: warnings and errors, and as a result one line, the folder
        where it is. `json`: the result is one JSON document, and nothing else goes to standard output.
    """

    def __init__(self) -> None:
        self.mode: Mode = "normal"
        self._out: TextIO | None = None
        self._errors: Console | None = None

    @contextmanager
    def speak(self, mode: Mode) -> Iterator[None]:
        """Speak in this mode while the context lasts: messages of our loggers, and the warnings of all others."""
        before, level = (self.mode, self._out, self._errors), OURS.level
        self.mode, self._out, self._errors = mode, sys.stdout, terminal(sys.stderr)
        handler = _Lines(self._errors)
        handler.setLevel(logging.WARNING if mode == "quiet" else logging.INFO)
        OURS.setLevel(logging.INFO)
        logging.getLogger().addHandler(handler)
        logging.captureWarnings(True)
        try:
            with redirect_stdout(sys.stderr if mode == "json" else sys.stdout):  # whoever else prints
                yield
        finally:
            logging.captureWarnings(False)
            logging.getLogger().removeHandler(handler)
            OURS.setLevel(level)
            self.mode, self._out, self._errors = before

    def progress(self) -> Progress:
        """Return bars that disappear when done; where there is no terminal for them, they are not drawn."""
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self._errors or terminal(sys.stderr),
            transient=True,
            disable=not self.draws_bars,
        )

    @property
    def draws_bars(self) -> bool:
        """Whether progress can be drawn: on a terminal that moves its cursor, and not when asked to be quiet."""
        return self.mode != "quiet" and not is_plain(sys.stderr)

    def begin(self, what: str) -> None:
        """Say what begins that takes a while, where no bar shows it."""
        if not self.draws_bars:
            OURS.info("%s", what)

    def conclude(self, show: Callable[[Console], None], line: object, document: Mapping[str, Any]) -> None:
        """Give the result as the mode asks for it.

        Parameters
        ----------
        show
            Prints it for people.
        line
            What `quiet` prints: where the result is, or how much there is of it.
        document
            What `json` prints; numbers that are not finite become null.
        """
        if self.mode == "json":
            print(json.dumps(_finite(document), indent=2, default=str), file=self._out, flush=True)
        elif self.mode == "quiet":
            print(line, file=self._out, flush=True)
        else:
            show(terminal(sys.stdout))


VOICE = Voice()  # a process has one terminal


def checked_mode(mode: str) -> Mode:
    """Return a mode that there is.

    Raises
    ------
    UserError
        If it is none.
    """
    for known in MODES:
        if mode == known:
            return known
    raise UserError(f"console={mode}: there is no such choice; there are {', '.join(MODES)}")


def is_plain(stream: TextIO) -> bool:
    """Whether a stream takes text alone: no terminal, one that only writes lines, or one whose user wants no colour."""
    return not stream.isatty() or os.environ.get("TERM", "dumb") == "dumb" or bool(os.environ.get("NO_COLOR"))


def terminal(stream: TextIO) -> Console:
    """Return a console for a stream, without any escape codes where it takes text alone."""
    if not is_plain(stream):
        return Console(file=stream, highlight=False)
    width = None if stream.isatty() else LONG_LINE
    return Console(file=stream, highlight=False, width=width, color_system=None, force_terminal=False)


def print_text(console: Console, text: str, style: str = "") -> None:
    """Print a text whose lines may be copied: they are not broken, and brackets in them mean nothing."""
    console.print(text, style=style, markup=False, soft_wrap=True)


class RunLog:
    """What is said of a run, kept in its folder; from before there is one."""

    def __init__(self) -> None:
        self._memory = logging.handlers.MemoryHandler(capacity=1000, flushLevel=logging.CRITICAL + 1)
        self._path: Path | None = None

    def write_to(self, path: Path, mode: Literal["a", "w"]) -> None:
        """Write to a file from here on, and what has been said so far."""
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _File(path, mode, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._path = path
        self._memory.setTarget(file)
        self._memory.flush()
        self._memory.capacity = 1  # at once from here on

    def add(self, text: str) -> None:
        """Write a text that is no message."""
        if self._path is not None:
            with suppress(OSError), self._path.open("a", encoding="utf-8") as file:  # as `_File` does
                file.write(text)

    @contextmanager
    def listening(self) -> Iterator[RunLog]:
        """Hear what is said while the context lasts, and what ends it."""
        logging.getLogger().addHandler(self._memory)
        try:
            yield self
        except UserError as error:
            self.add(f"error: {error}\n")
            raise
        except SystemExit:
            raise  # who ends it says why
        except BaseException as error:
            self.add("".join(traceback.format_exception(error)))
            raise
        finally:
            logging.getLogger().removeHandler(self._memory)
            if isinstance(file := self._memory.target, logging.FileHandler):
                with suppress(OSError):  # there is no room for the last lines
                    file.close()


class _File(logging.FileHandler):
    """Keeps what is said, as long as there is room: what is wrong with the disk is said by what else is written."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing."""


class _Lines(logging.Handler):
    """Prints messages as they are, above the bars that the same console draws."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        try:
            print_text(self._console, self.format(record), COLORS.get(record.levelno, ""))
        except Exception:
            self.handleError(record)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
