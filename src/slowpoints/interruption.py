"""Stopping a run from outside: at once, or, in a training, at the next place from which it can go on."""

from __future__ import annotations

import signal
import threading
from types import FrameType

INTERRUPTED = 75  # exit code: stopped before the end, and ready to go on (EX_TEMPFAIL of sysexits.h)
SIGNALS = (signal.SIGTERM, signal.SIGUSR2)  # how users and systems end a process, and how Slurm announces an end


class Interrupted(SystemExit):
    """The run was asked to stop and has; started again, it goes on from where it was."""

    def __init__(self, reason: str) -> None:
        super().__init__(INTERRUPTED)
        self.reason = reason


class StopRequest:
    """Whether this process has been asked to stop.

    Attributes
    ----------
    asked
        What asked for it, or None.
    deferred
        Whether somebody looks at `asked` and stops in good time. Otherwise a request raises `Interrupted` at once.
    """

    def __init__(self) -> None:
        self.asked: str | None = None
        self.deferred = False

    def listen(self) -> None:
        """Take signals for requests from here on (in the main thread: elsewhere Python allows no handlers)."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.asked = signal.Signals(number).name
        if not self.deferred:
            self.stop()

    def stop(self) -> None:
        """Raise `Interrupted`."""
        raise Interrupted(self.asked or "asked to stop")


STOP = StopRequest()  # signals come to the process, so there is one
