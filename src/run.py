"""`python -m src.run` is `slowpoints run`."""

import sys

from slowpoints.app.main import run_command

if __name__ == "__main__":
    run_command(sys.argv[1:])
