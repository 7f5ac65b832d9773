"""Time and peak memory of the dynamics library against the literature's way, on one trained network.

Run `python benchmarks/dynamics.py --arch gru --hidden 128`. Each part runs in a process of its own, so that its peak
memory is its own. The network is trained first, on sequences of words whose valences it has to add up (seconds to
minutes, kept in --cache). Numbers are only worth noting on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from slowpoints.cells import GRU, LSTM, Cell
from slowpoints.dynamics import (
    Adam,
    FixedPoints,
    LevenbergMarquardt,
    eigenmodes,
    find_fixed_points,
    linearize,
    principal_components,
    sample_states,
)
from slowpoints.dynamics.system import automatic_jacobian

ARCHITECTURES: dict[str, type[GRU] | type[LSTM]] = {"gru": GRU, "lstm": LSTM}
WORDS, EMBEDDING, LENGTH, MODES = 1000, 64, 80, 10


def trained_network(arch: str, hidden: int, steps: int, folder: Path) -> tuple[Cell, Tensor]:
    """Return a network that tells the sum of word valences so far, and states that it visits."""
    torch.manual_seed(0)
    cell, embedding, readout = (
        ARCHITECTURES[arch](EMBEDDING, hidden),
        nn.Embedding(WORDS, EMBEDDING),
        nn.Linear(hidden, 1),
    )
    valence = torch.randn(WORDS) * (torch.rand(WORDS) < 0.2)
    embedding.weight.requires_grad_(False).mul_(0.1)  # little noise: a zero input is like a neutral word
    embedding.weight[:, 0] = valence
    model, file = nn.ModuleList([cell, embedding, readout]), folder / f"{arch}-{hidden}-{steps}.pt"
    if file.exists():
        model.load_state_dict(torch.load(file, weights_only=True))
    else:
        optimizer = torch.optim.Adam([*cell.parameters(), *readout.parameters()], lr=2e-3)
        for step in range(steps):
            words = torch.randint(WORDS, (64, LENGTH))
            sums = valence[words].cumsum(dim=1)
            told = readout(cell.hidden_states(embedding(words))).squeeze(-1)
            loss = nn.functional.mse_loss(told, sums / 5)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if step % 200 == 0:
                print(f"training: step {step}, loss {loss.item():.3f}", flush=True)
        torch.save(model.state_dict(), file)
    with torch.no_grad():
        return cell, cell.states(embedding(torch.randint(WORDS, (200, LENGTH)))).flatten(0, 1)


def quality(points: FixedPoints, visited: Tensor) -> str:
    """Describe what a search found: share under two speeds, displacement, coverage of the visited first axis."""
    components = principal_components(visited)
    low, high = components.project(visited.double(), 1).quantile(torch.tensor([0.05, 0.95]).double()).tolist()
    slow = components.project(points.below(1e-6).location, 1)
    covered = (torch.histc(slow, 20, low, high) > 0).double().mean().item() if len(slow) else 0.0
    shares = ", ".join(f"{len(points.below(q)) / len(points):.0%} < {q:g}" for q in (1e-6, 1e-8))
    return f"{shares}, displacement {points.displacement.median():.2f}, coverage {covered:.0%}"


def search(solver: LevenbergMarquardt | Adam) -> Callable[..., str]:
    """Return the part that finds fixed points by a solver."""

    def part(cell: Cell, visited: Tensor, starts: Tensor) -> str:
        return quality(find_fixed_points(cell, starts, solver=solver), visited)

    return part


def _double(cell: Cell) -> Cell:
    return cell.double().requires_grad_(False)


def closed_form(cell: Cell, visited: Tensor, starts: Tensor) -> str:
    for some in starts.double().split(64):
        _double(cell).recurrent_jacobian(some, some.new_zeros(len(some), EMBEDDING))
    return ""


def vmapped(cell: Cell, visited: Tensor, starts: Tensor) -> str:
    jacobian = automatic_jacobian(_double(cell).step, 0)
    for some in starts.double().split(64):
        jacobian(some, some.new_zeros(len(some), EMBEDDING))
    return ""


def _autograd_jacobian(cell: Cell, state: Tensor) -> Tensor:
    zero = state.new_zeros(1, EMBEDDING)
    return torch.autograd.functional.jacobian(lambda h: cell.step(h[None], zero)[0], state)


def autograd_loop(cell: Cell, visited: Tensor, starts: Tensor) -> str:
    for start in starts.double():
        _autograd_jacobian(_double(cell), start)
    return ""


def _jacobians(cell: Cell, starts: Tensor) -> Tensor:
    zero = starts.new_zeros(len(starts), EMBEDDING).double()
    return torch.cat([_double(cell).recurrent_jacobian(starts.double(), zero)])


def our_modes(cell: Cell, visited: Tensor, starts: Tensor) -> str:
    found = linearize(cell, starts, modes=MODES)
    return f"largest residual {found.modes.residual.max():.0e}"


def full_eig(cell: Cell, visited: Tensor, starts: Tensor) -> str:
    torch.linalg.inv(torch.linalg.eig(_jacobians(cell, starts))[1])
    return ""


def our_chain(cell: Cell, visited: Tensor, starts: Tensor) -> str:
    points = find_fixed_points(cell, starts)
    linearize(cell, points, modes=MODES)
    return quality(points, visited)


def literature_chain(cell: Cell, visited: Tensor, starts: Tensor) -> str:
    points = find_fixed_points(cell, starts, solver=Adam())
    jacobians = torch.stack([_autograd_jacobian(_double(cell), location) for location in points.location])
    torch.linalg.inv(torch.linalg.eig(jacobians)[1])
    return quality(points, visited)


PARTS: dict[str, Callable[..., str]] = {
    "points: Levenberg-Marquardt": search(LevenbergMarquardt()),
    "points: Adam, rate .01, 5000 steps": search(Adam()),
    "Jacobians: closed form": closed_form,
    "Jacobians: vmap(jacrev)": vmapped,
    "Jacobians: autograd loop": autograd_loop,
    "10 modes, both sides: linearize": our_modes,
    "all modes: torch.linalg.eig and inverse": full_eig,
    "chain: ours": our_chain,
    "chain: Adam, autograd, eig": literature_chain,
}


def _memory(kind: str) -> float:
    """Return this process's memory in MiB: now (VmRSS) or at its peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


def measure(name: str, arguments: Any, results: Any) -> None:
    """Run one part in this process and put its time, growth of peak memory and note into `results`."""
    torch.set_num_threads(arguments.threads)
    cell, visited = trained_network(arguments.arch, arguments.hidden, arguments.steps, arguments.cache)
    starts = sample_states(visited, arguments.points)
    find_fixed_points(cell, starts[:2], solver=LevenbergMarquardt(max_iterations=1))  # load what loads once
    eigenmodes(torch.eye(4).double()[None])
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak so far is forgotten
    before, start = _memory("VmRSS"), time.perf_counter()
    note = PARTS[name](cell, visited, starts)
    seconds = time.perf_counter() - start
    results.put((seconds, _memory("VmHWM") - before, note))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=ARCHITECTURES, default="gru")
    parser.add_argument("--hidden", type=int, default=128, help="hidden size; the state of an LSTM is twice that")
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--steps", type=int, default=1500, help="of training")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "slowpoints-benchmarks")
    parser.add_argument("--only", default="", help="run the parts whose name contains this")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    cell, _ = trained_network(arguments.arch, arguments.hidden, arguments.steps, arguments.cache)
    print(f"\n{arguments.arch}, state size {cell.state_size}, {arguments.points} points, {arguments.threads} threads")
    print("| part | seconds | MiB above start | note |\n|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    for name in PARTS:
        if arguments.only in name:
            results = context.Queue()
            process = context.Process(target=measure, args=(name, arguments, results))
            process.start()
            seconds, memory, note = results.get()
            process.join()
            print(f"| {name} | {seconds:.2f} | {memory:.0f} | {note} |", flush=True)


if __name__ == "__main__":
    main()
