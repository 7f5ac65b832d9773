"""Networks to measure the dynamics library on: trained on SST by the project's own recipe and command, and kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file
from torch import Tensor

from slowpoints.cells import GRU, LSTM, Cell

ARCHITECTURES: dict[str, type[GRU] | type[LSTM]] = {"gru": GRU, "lstm": LSTM}
DOCUMENTS = 600


def train(arch: str, state_size: int, data: Path | None, cache: Path, threads: int) -> Path:
    """Return the folder of a network with this state size, trained as `arch=ARCH data=sst` says."""
    hidden = state_size // 2 if arch == "lstm" else state_size
    folder = cache / f"{arch}-{state_size}"
    if not (folder / "visited.safetensors").is_file():
        options = [f"arch={arch}", f"arch.hidden_size={hidden}", "data=sst", f"data.root={data or 'null'}"]
        options += ["analysis=none", f"threads={threads}", f"cache_dir={cache / 'data'}", "console=quiet"]
        options += [f"tracking.uri=sqlite:///{cache}/mlflow.db"]
        if not (folder / "summary.json").is_file():
            subprocess.run(
                [sys.executable, "-m", "slowpoints.app.main", "run", *options, f"hydra.run.dir={folder}"], check=True
            )
        save_file({"states": _visited(folder, cache)}, folder / "visited.safetensors")
    return folder


def load(folder: Path) -> tuple[Cell, Tensor]:
    """Return the cell that was trained in a folder, and the states `(visited, state)` that it visits."""
    prefix = "network.cell."
    weights = {
        name.removeprefix(prefix): value
        for name, value in load_file(folder / "model.safetensors").items()
        if name.startswith(prefix)
    }
    hidden, embedding = weights["rnn.weight_hh_l0"].shape[1], weights["rnn.weight_ih_l0"].shape[1]
    cell = ARCHITECTURES[folder.name.split("-")[0]](embedding, hidden)
    cell.load_state_dict(weights)
    return cell, load_file(folder / "visited.safetensors")["states"]


def _visited(folder: Path, cache: Path) -> Tensor:
    """Let the network read some test documents."""
    from omegaconf import OmegaConf

    from slowpoints.app.build import build_network
    from slowpoints.questions.trajectories import read
    from slowpoints.sweep.options import check_options
    from slowpoints.text.load import load_data
    from slowpoints.text.task import sequences_of
    from slowpoints.training.module import TaskModule
    from slowpoints.training.train import load_weights

    options = check_options(OmegaConf.load(folder / "config.yaml"))
    data = load_data(options.data, cache / "data", options.seed)
    classifier = TaskModule(build_network(options, len(data.words)), options.training)
    load_weights(classifier, folder / "model.safetensors")
    documents = np.random.default_rng(0).permutation(len(data.test))[:DOCUMENTS]
    return read(classifier.network.eval(), sequences_of(data.test), documents).states
