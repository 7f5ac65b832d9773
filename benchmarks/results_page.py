"""Put the tables and figures of a finished grid into docs/results.md. `make results` runs the grid, and then this.

python -m src.run experiment=grid data.root=FOLDER
python benchmarks/results_page.py multirun/sweep-ID
"""

import argparse
import re
import shutil
from pathlib import Path

from slowpoints.files import new_file

PAGE = Path(__file__).parents[1] / "docs" / "results.md"
FIGURES = {"comparison.png": "comparison.png", "gru-imdb/page.png": "gru-imdb-page.png"}  # in the sweep; on the page
TABLES = re.compile(r"(<!-- tables -->\n).*?(<!-- end of tables -->)", re.DOTALL)


def with_tables(page: str, tables: str) -> str:
    """Return the page with these tables in place of its own."""
    tables = re.sub(r"^## ", "### ", re.sub(r"^# .*\n+", "", tables), flags=re.MULTILINE)
    filled, count = TABLES.subn(lambda marks: f"{marks[1]}\n{tables.strip()}\n\n{marks[2]}", page)
    if count != 1:
        raise ValueError(f"{PAGE} has {count} pairs of the marks <!-- tables --> and <!-- end of tables -->, not one")
    return filled


def main() -> None:
    """Fill the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", type=Path, help="folder of a finished grid")
    sweep = parser.parse_args().sweep
    missing = [name for name in ("comparison.md", *FIGURES) if not (sweep / name).is_file()]
    if missing:
        parser.error(f"{sweep} lacks {', '.join(missing)}: it is no finished grid")
    page = with_tables(PAGE.read_text(encoding="utf-8"), (sweep / "comparison.md").read_text(encoding="utf-8"))
    with new_file(PAGE) as file:
        file.write_text(page, encoding="utf-8")
    for source, name in FIGURES.items():
        with new_file(PAGE.parent / "figures" / name) as file:
            shutil.copyfile(sweep / source, file)


if __name__ == "__main__":
    main()
