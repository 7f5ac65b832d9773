"""Time, memory and quality of the whole chain against FixedPointFinder: points, their Jacobians, and their modes.

    python benchmarks/dynamics.py --data FOLDER                      # FOLDER holds sst/train.parquet and others
    python benchmarks/dynamics.py --data FOLDER --rival CHECKOUT     # FixedPointFinder as shipped, not restated

One table: for each network and number of points our chain on the cell, our chain on a plain function that computes the
same, and FixedPointFinder's. Each is measured in a process of its own, so that its peak memory is its own. Networks are
trained first (kept in --cache). Wall and processor seconds are printed: the first are only worth noting on a machine
that does nothing else. The rival may be measured on the first --rival-points of the points: then its seconds are scaled
up to all points, and marked with ~; memory is as measured.

Our search stops each point at q < 1e-6 and, further on, at q < 1e-8; the network is linearised at the first, as the
analyses do; 3 modes with both vectors. The rival linearises where its search ended, the same points once. What
is found is judged alike: q and coverage are computed from the locations. Coverage is the share of 20 bins along the
first principal component of the visited states, from their 5 % to their 95 % quantile, that hold points with q < 1e-6.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rivals import Found, now, restated, shipped, since
from torch import Tensor
from trained_network import ARCHITECTURES, load, train

from slowpoints.cells import Cell
from slowpoints.dynamics import linearize, principal_components, sample_states, sweep_tolerances

MODES, LEVELS, BINS = 3, (1e-6, 1e-8), 20
OURS, FUNCTION, RIVAL = "slowpoints, cell", "slowpoints, function", "FixedPointFinder"
CHAINS = (OURS, FUNCTION, RIVAL)
HEAD = ("network", "points", "chain", "s", "processor s", "... search", "MiB", "< 1e-6", "< 1e-8", "coverage", "moved")


def our_chain(network: Any, starts: Tensor, input: Tensor) -> tuple[Tensor, Found]:
    """Return where points first came to the first level, and what was found in all."""
    start = now()
    found = sweep_tolerances(network, starts, input, tolerances=LEVELS, region=None)
    search = since(start)
    slow, fixed = (found[level] for level in LEVELS)
    linearize(network, slow, modes=MODES)
    return slow.location, Found(fixed.location, len(slow), search)


@dataclass(frozen=True)
class Row:
    """What one chain took and found; seconds are wall and processor seconds."""

    whole: tuple[float, float]
    search: tuple[float, float]
    memory: float  # MiB above what the process had before
    shares: tuple[float, ...]  # of the points below each level of q
    coverage: float
    moved: float  # median distance from the start
    linearised: int

    def cells(self, scale: float) -> list[str]:
        mark = "~" if scale != 1 else ""
        seconds = [f"{mark}{scale * each:.2f}" for each in (*self.whole, self.search[1])]
        quality = [*(f"{share:.0%}" for share in self.shares), f"{self.coverage:.0%}", f"{self.moved:.2f}"]
        return [*seconds, f"{self.memory:.0f}", *quality]


def judge(cell: Cell, visited: Tensor, starts: Tensor, slow: Tensor, found: Found) -> dict[str, Any]:
    """Compute q and coverage from the locations: those where points were slow, and where all searches ended."""
    cell = cell.double()
    components = principal_components(visited)
    low, high = components.project(visited.double(), 1).quantile(torch.tensor([0.05, 0.95]).double()).tolist()
    slow = slow[q_of(cell, slow) < LEVELS[0]]
    covered = torch.histc(components.project(slow, 1), BINS, low, high) > 0
    q = q_of(cell, found.location)
    return {
        "shares": tuple(float((q < level).double().mean()) for level in LEVELS),
        "coverage": float(covered.double().mean()) if len(slow) else 0.0,
        "moved": float((found.location - starts).norm(dim=1).median()),
        "linearised": found.linearised,
    }


def q_of(cell: Cell, states: Tensor) -> Tensor:
    return (cell.step(states, states.new_zeros(len(states), cell.input_size)) - states).square().mean(dim=1)


def memory(kind: str) -> float:
    """Return this process's memory in MiB: now (VmRSS) or at its peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


def measure(name: str, folder: Path, count: int, threads: int, checkout: Path | None, results: Any) -> None:
    """Run one chain in this process and put its row into `results`."""
    torch.set_num_threads(threads)
    cell, visited = load(folder)
    starts = sample_states(visited, count, seed=0).double()
    cell.double().requires_grad_(False)
    zero = torch.zeros(cell.input_size, dtype=torch.float64)

    def ours(network: Any) -> Callable[[Tensor], tuple[Tensor, Found]]:
        return lambda some: our_chain(network, some, zero)

    def rival(some: Tensor) -> tuple[Tensor, Found]:
        found = restated(cell, some) if checkout is None else shipped(checkout, cell, some)
        return found.location, found

    chain = {OURS: ours(cell), FUNCTION: ours(lambda state, input: cell.step(state, input)), RIVAL: rival}[name]
    if name != RIVAL:
        chain(starts[:2])  # load what loads once
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak so far is forgotten
    before, start = memory("VmRSS"), now()
    slow, found = chain(starts)
    whole, used = since(start), memory("VmHWM") - before
    results.put(Row(whole, found.search, used, **judge(cell, visited, starts, slow, found)))


def in_own_process(*arguments: Any) -> Row:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=measure, args=(*arguments, results))
    process.start()
    while True:
        try:
            row: Row = results.get(timeout=1)
        except queue.Empty:
            if process.is_alive():
                continue
            raise SystemExit(f"{arguments[0]}: failed") from None
        process.join()
        return row


def compare(folder: Path, points: int, arguments: argparse.Namespace) -> None:
    """Print the rows of one network and number of points, with the ratios behind the rival's."""
    rows = {}
    for name in arguments.chain:
        count = min(points, arguments.rival_points) if name == RIVAL else points
        row = rows[name] = in_own_process(name, folder, count, arguments.threads, arguments.rival)
        scale = points / count
        cells = [folder.name, str(points), name, *row.cells(scale)]
        if name == RIVAL:
            cells[2] += f" ({row.linearised} linearised)"
        if name == RIVAL and OURS in rows:
            times = [scale * theirs / ours for theirs, ours in zip(row.whole, rows[OURS].whole, strict=True)]
            cells[2] += f": {times[0]:.1f}, {times[1]:.1f} times as long"
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with sst/; by default SST is loaded from the hub")
    parser.add_argument("--rival", type=Path, help="folder of a checkout of FixedPointFinder; else it is restated")
    parser.add_argument("--arch", nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES))
    parser.add_argument("--state", nargs="+", type=int, default=[128, 256, 512, 1024], help="sizes; an LSTM's is 2 H")
    parser.add_argument("--points", nargs="+", type=int, default=[500, 50])
    parser.add_argument("--chain", nargs="+", choices=CHAINS, default=list(CHAINS), help="those to run, in this order")
    parser.add_argument("--rival-points", type=int, default=500, help="fewer, where the rival takes too long")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "slowpoints-benchmarks")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    for library in ("OMP", "OPENBLAS", "MKL"):  # numpy's threads, which the rival uses, in the processes to come
        os.environ[f"{library}_NUM_THREADS"] = str(arguments.threads)
    rival = "as shipped" if arguments.rival else "its method, restated"
    print(f"{arguments.threads} threads, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}; {RIVAL}: {rival}\n")
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    for size in arguments.state:
        for arch in arguments.arch:
            folder = train(arch, size, arguments.data, arguments.cache.resolve(), arguments.threads)
            for points in arguments.points:
                compare(folder, points, arguments)


if __name__ == "__main__":
    main()
