"""Tables and a figure of several networks side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from slowpoints.analysis.claims import CLAIMS, judge
from slowpoints.errors import UserError
from slowpoints.figures.comparison import draw_comparison
from slowpoints.files import new_file, read_arrays, save_figure

ARCHITECTURES = ("lstm", "gru", "ugrnn", "rnn")
DATA = ("imdb", "yelp", "sst")
DRAWN = ("manifold", "modes", "inputs")
ACCURACIES = {
    "network": "test/accuracy",
    "validation": "val/accuracy",
    "words shuffled": "shuffled_words/test_accuracy",
    "linear RNN": "linear_rnn/test_accuracy",
    "bag of words": "bow/test_accuracy",
}
# Metric: heading, format, what the paper says
MECHANISM = {
    "pca/variance_explained_2": ("variance in 2 PCs", ".0%", "about 90 % in 2 to 3"),
    "pca/untrained_variance_explained_2": ("... untrained", ".0%", "far less"),
    "fixed_points/slow_count": ("slow points of 500", ".0f", ""),
    "fixed_points/count": ("fixed points of 500", ".0f", "about 500"),
    "manifold/line_variance": ("line variance", ".0%", "1-D"),
    "manifold/coverage": ("coverage", ".0%", "whole range"),
    "manifold/readout_alignment": ("\\|cos(m, w)\\|", ".2f", "aligned"),
    "modes/tau_1_median": ("tau 1 (tokens)", ".0f", "about 1,000 (LSTM, Yelp)"),
    "modes/tau_2_median": ("tau 2", ".0f", "about 100"),
    "modes/stable_share": ("stable modes", ".1%", "nearly all"),
    "modes/top_real_share": ("real top mode", ".0%", ""),
    "inputs/projection_auc": ("AUC of words", ".3f", "strong"),
    "inputs/human_rho_common": ("rho with ratings", ".2f", ""),
    "overlap/r1_m_median": ("\\|r1 . m\\|", ".2f", "high"),
    "overlap/random_median": ("... random", ".2f", "low"),
    "linearization/one_step_error_median": ("one-step error", ".1%", "about 10 %"),
    "linearized/test_accuracy": ("linearised, accuracy", ".3f", "much worse"),
    "linear_rnn/accuracy_loss": ("linear RNN, loss", ".3f", "about 0.03"),
    "mean_input/error_change": ("mean input: error change", ".0%", "none"),
}
MISSING = "\N{EN DASH}"
MARKS = {"holds": "yes", "holds weakly": "weakly", "does not hold": "**no**", "not measured": MISSING}


@dataclass(frozen=True)
class Network:
    """What a run left of a network.

    Attributes
    ----------
    name
        Architecture and data set, such as gru-imdb; with the seed where networks differ by it.
    metrics
        From `summary.json`.
    folder
        Of the run.
    """

    name: str
    metrics: dict[str, float]
    folder: Path

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the arrays that are drawn, as far as the run has them."""
        files = {name: self.folder / "arrays" / f"{name}.npz" for name in DRAWN}
        return {name: read_arrays(file) for name, file in files.items() if file.is_file()}


def find_networks(folders: Sequence[Path]) -> list[Network]:
    """Return the finished runs in folders and below them, by architecture and data set, in the paper's order.

    Raises
    ------
    UserError
        If there are none.
    """
    files = sorted({file for folder in folders for file in folder.rglob("summary.json")})
    if not files:
        named = ", ".join(map(str, folders)) or "no folder"
        raise UserError(f"{named}: there are no finished runs (summary.json); name the folder of a sweep")
    found = sorted((_read(file) for file in files), key=lambda entry: entry[0])
    return [network for _, network in found]


def _read(file: Path) -> tuple[tuple[int, int, str, int], Network]:
    summary = json.loads(file.read_text(encoding="utf-8"))
    config: Any = OmegaConf.load(file.parent / "config.yaml")
    arch, data, seed = config.arch.name, config.data.name, config.seed
    order = (_place(data, DATA), _place(arch, ARCHITECTURES), f"{data}-{arch}", seed)
    name = f"{arch}-{data}" + (f"-seed{seed}" if seed else "")
    return order, Network(name, summary["metrics"], file.parent)


def _place(name: str, known: Sequence[str]) -> int:
    return known.index(name) if name in known else len(known)


def write_comparison(networks: Sequence[Network], folder: Path) -> list[Path]:
    """Leave `comparison.md` and the figure in a folder, and return the files."""
    page = folder / "comparison.md"
    with new_file(page) as path:
        path.write_text(comparison_tables(networks), encoding="utf-8")
    drawn = {network.name: network.arrays() for network in networks}
    return [page, *save_figure(folder / "comparison", draw_comparison(drawn))]


def comparison_tables(networks: Sequence[Network]) -> str:
    """Return accuracies, numbers of the mechanism, and verdicts, as tables in Markdown."""
    accuracies = [
        [network.name, *(_number(network.metrics, metric, ".3f") for metric in ACCURACIES.values())]
        for network in networks
    ]
    mechanism = [
        [heading, *(_number(network.metrics, metric, form) for network in networks), paper]
        for metric, (heading, form, paper) in MECHANISM.items()
    ]
    judgements = [{found.claim: found.verdict for found in judge(network.metrics)} for network in networks]
    verdicts = [
        [claim.text, *(MARKS[judged.get(claim.name, "not measured")] for judged in judgements)] for claim in CLAIMS
    ]
    names = [network.name for network in networks]
    return "\n\n".join(
        [
            "## Accuracies\n\n" + _table(["", *ACCURACIES], accuracies),
            "## The mechanism\n\n" + _table(["", *names, "the paper"], mechanism),
            "## The paper's claims\n\n" + _table(["", *names], verdicts) + "\n",
        ]
    )


def _number(metrics: dict[str, float], metric: str, form: str) -> str:
    return format(metrics[metric], form).replace("%", " %") if metric in metrics else MISSING


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
