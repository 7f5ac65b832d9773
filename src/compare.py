"""`python -m src.compare ID`: the networks of a sweep, of folders, or of an MLflow experiment side by side."""

import sys

from slowpoints.app.main import main

if __name__ == "__main__":
    main(["compare", *sys.argv[1:]])
