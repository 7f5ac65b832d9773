"""What the analyses of a network cost, as a share of its training: from finished runs, each of one process.

python -m src.run -m arch=lstm,gru,ugrnn,rnn data=imdb data.root=FOLDER
python benchmarks/analysis_share.py multirun/sweep-ID/*-imdb
"""

import argparse
import json
from pathlib import Path

from slowpoints.errors import UserError

AIM = 0.25


def share(run: Path) -> tuple[float, float]:
    """Return the seconds of a run's analyses and of its training; both include what else the machine did then."""
    try:
        metrics = json.loads((run / "summary.json").read_text())["metrics"]
        return metrics["analysis/seconds"], metrics["training/seconds"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{run}: not a finished run with training and analyses ({error})") from error


def main() -> None:
    """Print a table of the runs given, and end with 1 if one is above the aim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    runs = parser.parse_args().runs
    try:
        shares = {run.name: share(run) for run in runs}
    except UserError as error:
        parser.error(str(error))
    print("| run | analyses | training | share |\n|---|---|---|---|")
    for name, (analyses, training) in shares.items():
        print(f"| {name} | {analyses:.0f} s | {training:.0f} s | {analyses / training:.0%} |")
    raise SystemExit(any(analyses > AIM * training for analyses, training in shares.values()))


if __name__ == "__main__":
    main()
