"""The one error for what a user can cause and mend."""


class UserError(Exception):
    """Bad input: the message says what is wrong, where, and what would be right.

    The command line prints the message alone, without a traceback, and exits with code 2.
    """
