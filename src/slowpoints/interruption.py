"""Stopping a run from outside: at once, or, in a training, at the next place from which it can go on."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 75  # exit code: stopped before the end, and ready to go on (EX_TEMPFAIL of sysexits.h)
BY_KEYBOARD = 130  # the same after Ctrl-C, as shells say it: 128 + SIGINT
SIGNALS = (signal.SIGTERM, signal.SIGUSR2)  # how users and systems end a process, and how Slurm announces an end

log = logging.getLogger(__name__)


class Interrupted(SystemExit):
    """The run was asked to stop and has; started again, it goes on from where it was."""

    def __init__(self, reason: str) -> None:
        super().__init__(BY_KEYBOARD if reason == signal.SIGINT.name else INTERRUPTED)
        self.reason = reason


class StopRequest:
    """Whether this process has been asked to stop.

    Attributes
    ----------
    asked
        What asked for it, or None.
    deferred
        Whether somebody looks at `asked` and stops in good time. Otherwise a request raises `Interrupted` at once.
    holding
        Whether something is brought to its end that must not be stopped half-way (see `held`).
    """

    def __init__(self) -> None:
        self.asked: str | None = None
        self.deferred = False
        self.holding = False

    def listen(self) -> None:
        """Take signals for requests from here on (in the main thread: elsewhere Python allows no handlers)."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._on_signal)
            signal.signal(signal.SIGINT, self._on_interrupt)

    def rest(self) -> None:
        """Leave Ctrl-C to Python again, and forget what was asked."""
        self.asked, self.deferred = None, False
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raise nothing while the context lasts: in it, `asked` says whether there was a request since it began."""
        before, self.asked = self.asked, None
        outer, self.holding = self.holding, True
        try:
            yield
        finally:
            self.asked = self.asked or before
            self.holding = outer

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.asked = signal.Signals(number).name
        if not (self.deferred or self.holding):
            self.stop()

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        """Take Ctrl-C as a request, too; twice means at once. Lightning would end the process without a word."""
        again = self.asked is not None
        self.asked = signal.SIGINT.name
        if self.holding:
            return
        if again or not self.deferred:
            self.stop()
        log.warning("Stopping after this batch; Ctrl-C again stops at once")

    def stop(self) -> None:
        """Raise `Interrupted`."""
        raise Interrupted(self.asked or "asked to stop")


STOP = StopRequest()  # signals come to the process, so there is one
