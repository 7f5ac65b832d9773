"""What a store with many finished runs costs those who come after: the start of a run, `reconcile`, and `compare`.

    python benchmarks/store_size.py --runs 2000

Records two networks of a sweep in a new store, copies it, and adds so many finished runs to the copy, each with 40
parameters, 15 tags, 70 final metrics and 300 points of curves. Then each of the three is done in turn with the small
store and with the large one, in a process of its own each time; printed are the least processor seconds in one thread,
of the whole command and of the part after its imports, and the ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from slowpoints.tracking.options import TrackingOptions
from slowpoints.tracking.run import track

EXPERIMENT, SWEEP = "slowpoints", "abc"
TIMED = """
import resource, sys
def used():
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_utime + now.ru_stime
{imports}
before = used()
{work}
print(used() - before, used(), file=sys.stderr)
"""
WORK = {
    "start of a run": (
        "from pathlib import Path; from slowpoints.tracking.options import TrackingOptions; "
        "from slowpoints.tracking.run import track; from slowpoints.tracking.reconcile import reconcile_if_possible",
        "options = TrackingOptions(uri={uri!r}, experiment='slowpoints')\n"
        "with track(options, 'new', Path({folder!r}), {{}}, {{}}) as run:\n"
        "    reconcile_if_possible(run.tracking_uri, 'slowpoints')",
    ),
    "`reconcile`": (
        "from slowpoints.tracking.reconcile import reconcile; from slowpoints.tracking.store import existing_store",
        "assert reconcile(existing_store({uri!r})) == []",
    ),
    "`compare` of the sweep": (
        "from slowpoints.app.compare import compare_command",
        "compare_command(['abc', '--uri', {uri!r}, '--into', {folder!r}, '--no-mlflow'])",
    ),
}


def record_sweep(uri: str, folder: Path) -> None:
    """Record two finished networks of a sweep."""
    for arch in ("gru", "lstm"):
        tags = {"sweep": SWEEP, "role": "job"}
        with track(TrackingOptions(uri=uri, experiment=EXPERIMENT), f"{arch}-made", folder / arch, {}, tags) as run:
            run.log_metrics({"test/accuracy": 0.5})
            run.save_text("config.yaml", f"arch: {{name: {arch}}}\ndata: {{name: made}}\nseed: 0\n")
            run.save_summary({})


def add_runs(file: Path, runs: int) -> None:
    """Add finished runs to a store, as MLflow would have left them."""
    with sqlite3.connect(file) as store:
        ((experiment,),) = store.execute("SELECT experiment_id FROM experiments WHERE name = ?", [EXPERIMENT])
        for number in range(runs):
            run, time = uuid.uuid4().hex, 1_700_000_000_000 + 60_000 * number
            store.execute(
                "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, experiment_id, "
                "artifact_uri, source_type, user_id, source_version) VALUES (?, ?, 'FINISHED', ?, ?, 'active', ?, ?, "
                "'LOCAL', 'me', '')",
                [run, f"gru-{number}", time, time + 50_000, experiment, f"file:///nowhere/{run}/artifacts"],
            )
            tags = {"sweep": f"sweep{number // 50}", "role": "job", "key": uuid.uuid4().hex, "folder": f"/gone/{run}"}
            tags |= {f"tag{n}": "x" * 20 for n in range(10)} | {"mlflow.note.content": "words " * 300}
            store.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(key, value, run) for key, value in tags.items()])
            store.executemany("INSERT INTO params VALUES (?, ?, ?)", [(f"option.{n}", str(n), run) for n in range(40)])
            final = [(f"final/{n}", n / 70, time, run, 0, 0) for n in range(70)]
            curves = [(f"training/{n % 3}", 1 / (n + 1), time + n, run, n // 3, 0) for n in range(300)]
            store.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", final + curves)
            store.executemany(
                "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)",
                final + curves[-3:],
            )


def seconds(what: str, uri: str, folder: Path) -> tuple[float, float]:
    """Return the processor seconds of a piece of work in a new process, without and with its imports."""
    imports, work = WORK[what]
    code = TIMED.format(imports=imports, work=work.format(uri=uri, folder=str(folder)))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder.parent, env=environment, check=True, capture_output=True, text=True
    )
    alone, all_of_it = done.stderr.splitlines()[-1].split()
    return float(alone), float(all_of_it)


def main() -> None:
    """Print the table, and the numbers as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write all measurements to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = folder / "small.db", folder / "large.db"
        record_sweep(f"sqlite:///{small}", folder / "sweep")
        shutil.copy(small, large)
        add_runs(large, options.runs)
        print(f"a store of 2 runs and one of {options.runs + 2} ({large.stat().st_size / 1e6:.0f} MB)\n")
        print("| | part after imports: small | large | ratio | all: small | large | ratio |")
        print("|---|---|---|---|---|---|---|", flush=True)
        found: dict[str, dict[str, list[tuple[float, float]]]] = {}
        for what in WORK:
            found[what] = {"small": [], "large": []}
            for turn in range(options.rounds):
                for size, store in (("small", small), ("large", large)):
                    into = folder / f"{size}-{turn}-{len(found)}"
                    found[what][size].append(seconds(what, f"sqlite:///{store}", into))
            (part, whole), (large_part, large_whole) = (
                tuple(map(min, zip(*found[what][size], strict=True))) for size in ("small", "large")
            )
            print(
                f"| {what} | {part:.2f} s | {large_part:.2f} s | {large_part / part:.2f} "
                f"| {whole:.2f} s | {large_whole:.2f} s | {large_whole / whole:.2f} |",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
