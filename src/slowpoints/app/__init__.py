"""The commands."""

INSTALL = "in the project's folder: pip install -c constraints.txt -e '.[experiments]'"
