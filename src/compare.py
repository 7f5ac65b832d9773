"""`python -m src.compare FOLDER`: the networks of a sweep side by side."""

import sys

from slowpoints.app.main import main

if __name__ == "__main__":
    main(["compare", *sys.argv[1:]])
