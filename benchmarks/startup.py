"""How soon commands say something, and how soon they tell a mistake, as multiples of `import torch`.

    python benchmarks/startup.py --rounds 5

Each time is that of a fresh interpreter whose error stream is a pipe, with compiled modules in place: until a line on
it, or until the end. Printed is the least of several rounds, in which all take turns.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

THREADS = {"OMP_NUM_THREADS": "1"}
REVIEWS = "text,label\ngood,1\nbad,0\nso so,maybe\n"


@dataclass(frozen=True)
class Case:
    """A command, and the start of the line on the error stream that ends its measurement; None for its own end."""

    name: str
    arguments: tuple[str, ...]
    until: str | None = ""


RUN = ("run", "hydra.run.dir=run")
FILES = (*RUN, "data=files", "data.train=reviews.csv")
CASES = (
    Case("first line of `run`", RUN),
    Case("first line of a sweep", ("run", "-m", "seed=0,1")),
    Case("first line of `compare`", ("compare", "none")),
    Case("first line of `redraw`", ("redraw", "none")),
    Case("first line of `resume`", ("resume", "none")),
    Case("first line of `doctor`", ("doctor",)),
    Case("network, data, questions and folder are said", RUN, "gru on synthetic"),
    Case("training begins", RUN, "Training on"),
    Case("wrong option", (*RUN, "sede=3"), None),
    Case("wrong file name", (*FILES, "data.train=none.csv"), None),
    Case("wrong column", (*FILES, "data.text_column=review"), None),
    Case("wrong label", FILES, None),
    Case("wrong file name in a sweep", ("run", "-m", "seed=0,1", *FILES[2:], "data.train=none.csv"), None),
    Case("`run --help`", ("run", "--help"), None),
)


@dataclass(frozen=True)
class Time:
    """Wall seconds, and processor seconds of the process."""

    wall: float
    processor: float


def measure(command: Sequence[str], until: str | None, folder: Path) -> Time:
    """Return how long a command takes to say a line, or to end."""
    before = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ | THREADS
    )
    assert process.stderr is not None
    said = any(until is not None and line.startswith(until) for line in process.stderr)
    after = time.perf_counter()
    if said:
        os.kill(process.pid, signal.SIGKILL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if not said and until is not None:
        raise RuntimeError(f"{' '.join(command)} ended without a line that starts with {until!r}")
    return Time(after - before, used.ru_utime + used.ru_stime)


def measure_all(rounds: int, folder: Path) -> Mapping[str, Time]:
    """Return the least times of each case, and of `import torch`."""
    (folder / "reviews.csv").write_text(REVIEWS)
    commands = {"`import torch`": ([sys.executable, "-c", "import torch"], None)}
    for case in CASES:
        commands[case.name] = ([sys.executable, "-m", "slowpoints.app.main", *case.arguments], case.until)
    times: dict[str, list[Time]] = {name: [] for name in commands}
    for round_ in range(rounds + 1):  # the first one compiles modules and fills the disk's cache
        for name, (command, until) in commands.items():
            found = measure(command, until, folder)
            if round_:
                times[name].append(found)
    return {
        name: Time(min(each.wall for each in all_), min(each.processor for each in all_))
        for name, all_ in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        times = measure_all(rounds, Path(folder))
    torch = times["`import torch`"]
    print("| | wall | times `import torch` | processor | times `import torch` |\n|---|---|---|---|---|")
    for name, found in times.items():
        wall, processor = found.wall / torch.wall, found.processor / torch.processor
        print(f"| {name} | {found.wall:.2f} s | {wall:.2f} | {found.processor:.2f} s | {processor:.2f} |")


if __name__ == "__main__":
    main()
