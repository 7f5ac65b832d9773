"""Time and peak memory of the dynamics library against the literature's way, on trained networks.

    python benchmarks/dynamics.py --data FOLDER            # FOLDER holds imdb/train.parquet and imdb/test.parquet

For each network: points, Jacobians, modes, and the chain of all, each in a process of its own, so that its peak memory
is its own. Networks are trained first (minutes each; kept in --cache). Wall and processor seconds are printed: the
first are only worth noting on a machine that does nothing else. Rivals may be measured on the first --rival-points of
the points: then their seconds are scaled up to all points, and marked with ~; memory is as measured.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from trained_network import ARCHITECTURES, load, train

from slowpoints.cells import Cell
from slowpoints.dynamics import (
    Adam,
    FixedPoints,
    eigenmodes,
    find_fixed_points,
    linearize,
    principal_components,
    sample_states,
    sweep_tolerances,
)

MODES, SPEEDS, ROWS = 10, (1e-6, 1e-8), 32


class Seconds(NamedTuple):
    """What a clock on the wall and that of the processor show."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> Seconds:
        return cls(time.perf_counter(), time.process_time())

    def since(self, start: Seconds) -> Seconds:
        return Seconds(self.wall - start.wall, self.processor - start.processor)


@dataclass
class Task:
    """A trained network in double precision, what it visits, where searches start, and what the first part found."""

    cell: Cell
    visited: Tensor
    starts: Tensor
    at: Tensor  # points found, where Jacobians are computed
    shares: Sequence[float]  # of our points below each speed: what the rival has to reach

    def chunks(self) -> list[tuple[Tensor, Tensor]]:
        return [(some, some.new_zeros(len(some), self.cell.input_size)) for some in self.at.split(ROWS)]


@dataclass
class Outcome:
    """What a part has to say; a search: which shares of points it found, where, and how soon."""

    note: str = ""
    until: list[Seconds | None] = field(default_factory=list)  # when the shares asked for were reached
    shares: list[float] = field(default_factory=list)
    found: np.ndarray | None = None


def outcome_of(points: FixedPoints, visited: Tensor) -> Outcome:
    """Describe what a search found: share under two speeds, displacement, coverage of the visited first axis."""
    components = principal_components(visited)
    low, high = components.project(visited.double(), 1).quantile(torch.tensor([0.05, 0.95]).double()).tolist()
    slow = components.project(points.below(SPEEDS[0]).location, 1)
    covered = (torch.histc(slow, 20, low, high) > 0).double().mean().item() if len(slow) else 0.0
    shares = [len(points.below(speed)) / len(points) for speed in SPEEDS]
    below = ", ".join(f"{share:.0%} < {speed:g}" for share, speed in zip(shares, SPEEDS, strict=True))
    note = f"{below}, moved {points.displacement.median():.2f}, coverage {covered:.0%}"
    return Outcome(note, shares=shares, found=points.location.numpy())


def our_points(task: Task) -> Outcome:
    return outcome_of(find_fixed_points(task.cell, task.starts), task.visited)


def our_slow_points(task: Task) -> Outcome:
    return outcome_of(find_fixed_points(task.cell, task.starts, tolerance=SPEEDS[0]), task.visited)


@dataclass(frozen=True)
class Stamped(Adam):
    """The literature's solver, noting the time before each step."""

    stamps: list[Seconds] = field(default_factory=list)

    def step(self, system: Any, front: Any) -> Any:
        self.stamps.append(Seconds.now())
        return super().step(system, front)


def adam_points(task: Task) -> Outcome:
    solver, start = Stamped(learning_rate=0.01, max_iterations=5000), Seconds.now()
    found = sweep_tolerances(task.cell, task.starts, solver=solver, tolerances=SPEEDS, memory=1 << 40)
    outcome = outcome_of(found[SPEEDS[-1]], task.visited)
    stamps = [*solver.stamps, Seconds.now()]
    for speed, share in zip(SPEEDS, task.shares, strict=True):
        steps = found[speed].below(speed).iterations.sort().values
        needed = max(1, round(share * len(task.starts)))
        reached = len(steps) >= needed
        outcome.until.append(stamps[int(steps[needed - 1])].since(start) if reached else None)
    return outcome


def closed_form(task: Task) -> Outcome:
    for some, inputs in task.chunks():
        task.cell.recurrent_jacobian(some, inputs)
    return Outcome()


def vmapped(task: Task) -> Outcome:
    jacobian = torch.func.vmap(torch.func.jacrev(lambda h, x: task.cell.step(h[None], x[None])[0]))
    for some, inputs in task.chunks():
        jacobian(some, inputs)
    return Outcome()


def autograd_loop(task: Task) -> Outcome:
    zero = task.at.new_zeros(1, task.cell.input_size)
    for state in task.at:
        torch.autograd.functional.jacobian(lambda h: task.cell.step(h[None], zero)[0], state)
    return Outcome()


def jacobians(task: Task) -> Tensor:
    return torch.cat([task.cell.recurrent_jacobian(some, inputs) for some, inputs in task.chunks()])


def our_modes(task: Task) -> Outcome:
    return Outcome(f"largest residual {eigenmodes(jacobians(task), MODES).residual.max():.0e}")


def full_eig(task: Task) -> Outcome:
    for vectors in torch.linalg.eig(jacobians(task))[1]:  # inverses of a batch fail with two threads (pytorch 142815)
        torch.linalg.inv(vectors)
    return Outcome()


def our_chain(task: Task) -> Outcome:
    points = find_fixed_points(task.cell, task.starts)
    linearize(task.cell, points, modes=MODES)
    return outcome_of(points, task.visited)


OURS: dict[str, Callable[[Task], Outcome]] = {
    "points: ours": our_points,
    "points: ours, to 1e-06": our_slow_points,
    "Jacobians: closed form": closed_form,
    "modes: ours": our_modes,
    "chain: ours": our_chain,
}
RIVALS: dict[str, Callable[[Task], Outcome]] = {
    "points: Adam, 5000 steps": adam_points,
    "Jacobians: vmap(jacrev)": vmapped,
    "Jacobians: autograd loop": autograd_loop,
    "modes: eig and inverse": full_eig,
}


@dataclass
class Row:
    """A line of the table."""

    seconds: Seconds
    memory: float  # MiB above what the process had before
    outcome: Outcome


def memory(kind: str) -> float:
    """Return this process's memory in MiB: now (VmRSS) or at its peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


def measure(name: str, folder: Path, count: int, threads: int, first: Outcome | None, results: Any) -> None:
    """Run one part in this process and put its time, growth of peak memory and outcome into `results`."""
    torch.set_num_threads(threads)
    cell, visited = load(folder)
    cell = cell.double().requires_grad_(False)
    starts = sample_states(visited, count, seed=0).double()
    at = starts if first is None or first.found is None else torch.from_numpy(first.found[:count])
    task = Task(cell, visited, starts, at, first.shares if first else [])
    linearize(cell, find_fixed_points(cell, starts[:2]), modes=1)  # load what loads once
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak so far is forgotten
    before, start = memory("VmRSS"), Seconds.now()
    outcome = (OURS | RIVALS)[name](task)
    results.put(Row(Seconds.now().since(start), memory("VmHWM") - before, outcome))


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


def show(name: str, seconds: Seconds | None, scale: float, memory: float | None, note: str) -> None:
    mark = "~" if scale != 1 else ""
    times = ["-", "-"] if seconds is None else [f"{mark}{scale * value:.2f}" for value in seconds]
    print(f"| {name} | {times[0]} | {times[1]} | {'' if memory is None else f'{memory:.0f}'} | {note} |", flush=True)


def compare(folder: Path, points: int, rival_points: int, threads: int) -> None:
    """Print the table of one network."""
    print(f"\n### {folder.name}: {points} points, {threads} threads, load {os.getloadavg()[0]:.1f}\n")
    print("| part | seconds | processor seconds | MiB | found |\n|---|---|---|---|---|")
    rows: dict[str, Row] = {}
    first: Outcome | None = None
    for name in OURS | RIVALS:
        rows[name] = in_own_process(name, folder, points if name in OURS else min(rival_points, points), threads, first)
        first = first or rows[name].outcome
        scale = 1.0 if name in OURS else points / min(rival_points, points)
        show(name, rows[name].seconds, scale, rows[name].memory, rows[name].outcome.note)
        for until, share, speed in zip(rows[name].outcome.until, first.shares, SPEEDS, strict=False):
            show(f"... until {share:.0%} < {speed:g}", until, scale, None, "" if until else "never")
    scale = points / min(rival_points, points)
    ratios(rows, scale)


def ratios(rows: dict[str, Row], scale: float) -> None:
    """Print how many times as long the rivals take, in processor seconds and in wall seconds."""
    adam, ours = rows["points: Adam, 5000 steps"], rows["points: ours"].seconds
    searched = adam.outcome.until[-1] or adam.seconds  # what never gets there, takes all its steps
    chain = [searched, rows["Jacobians: autograd loop"].seconds, rows["modes: eig and inverse"].seconds]
    pairs = {
        f"points until the same share < {SPEEDS[0]:g}": (
            adam.outcome.until[0] or adam.seconds,
            rows["points: ours, to 1e-06"].seconds,
        ),
        f"points until the same share < {SPEEDS[1]:g}": (searched, ours),
        "Jacobians, vmap": (rows["Jacobians: vmap(jacrev)"].seconds, rows["Jacobians: closed form"].seconds),
        "Jacobians, loop": (rows["Jacobians: autograd loop"].seconds, rows["Jacobians: closed form"].seconds),
        "modes": (rows["modes: eig and inverse"].seconds, rows["modes: ours"].seconds),
        "whole chain": (Seconds(*map(sum, zip(*chain, strict=True))), rows["chain: ours"].seconds),
    }
    print("\ntimes as long (wall, processor): ", end="")
    print("; ".join(f"{n} {scale * r.wall / o.wall:.1f}, {scale * r[1] / o[1]:.1f}" for n, (r, o) in pairs.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with imdb/; by default IMDB is loaded from the hub")
    parser.add_argument("--arch", nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES))
    parser.add_argument("--state", nargs="+", type=int, default=[128, 256, 512], help="state sizes; an LSTM's is 2 H")
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--rival-points", type=int, default=500, help="fewer, where rivals take too long")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "slowpoints-benchmarks")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    for size in arguments.state:
        for arch in arguments.arch:
            folder = train(arch, size, arguments.data, arguments.cache.resolve(), arguments.threads)
            compare(folder, arguments.points, arguments.rival_points, arguments.threads)


if __name__ == "__main__":
    main()
