"""The errors for what a user can cause and mend."""

from __future__ import annotations

import errno
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # whatever is written, the disk does not take it


class UserError(Exception):
    """Bad input: the message says what is wrong, where, and what would be right.

    The command line prints the message alone, without a traceback, and exits with code 2.
    """


class DamagedFile(UserError):
    """A file that this project wrote is gone, cannot be read, or is not as it was written.

    Parameters
    ----------
    path
        Of the file.
    reason
        What is wrong with it.
    remedy
        What to do about it.
    """

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        super().__init__(f"{path}: {reason}; {remedy}")
        self.path = path
        self.reason = reason
