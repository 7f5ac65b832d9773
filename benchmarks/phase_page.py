"""Put the phase diagram of a sweep into docs/results.md: what networks are, the more their cells are penalised.

python -m src.run experiment=phase data.root=FOLDER
python benchmarks/phase_page.py multirun/sweep-ID
"""

import argparse
import re
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from slowpoints.errors import UserError
from slowpoints.files import new_file
from slowpoints.questions.question import Column
from slowpoints.report.style import MODES, NEUTRAL, VISITED, new_figure, panels
from slowpoints.runs.folder import RunFolder
from slowpoints.sweep.networks import Network, find_networks

PAGE = Path(__file__).parents[1] / "docs" / "results.md"
FIGURE = "phase.png"
PLACE = re.compile(r"(<!-- phase diagram -->\n).*?(<!-- end of phase diagram -->)", re.DOTALL)
DIMENSIONS = "dimensions_95"  # components that hold 95 % of the variance of visited states
COLUMNS = (
    Column("test/accuracy", "test", ".3f"),
    Column("shuffled_words/test_accuracy", "words shuffled", ".3f"),
    Column("pca/participation_ratio", "participation ratio", ".2f"),
    Column(DIMENSIONS, "components to 95 %", ".0f"),
    Column("modes/tau_1_median", "tau 1", ".0f"),
    Column("modes/tau_2_median", "tau 2", ".0f"),
    Column("modes/tau_3_median", "tau 3", ".0f"),
    Column("modes/tau_1_over_length", "tau 1 / median length", ".2f"),
    Column("manifold/coverage", "coverage", ".0%"),
    Column("fixed_points/slow_drift_share", "drift in a document", ".0%"),
)
BLACK, BLUE = "#000000", MODES[0]
ROWS = (
    (((COLUMNS[0], BLACK), (COLUMNS[1], BLUE)), "accuracy", "linear"),
    (((COLUMNS[2], BLACK), (COLUMNS[3], BLUE)), "dimensions of visited states", "log"),
    (tuple(zip(COLUMNS[4:7], MODES, strict=True)), "time constant (tokens)", "log"),
    (((COLUMNS[8], BLACK), (COLUMNS[9], BLUE)), "share of the line", "linear"),
)
VERDICTS = "claims: black holds, grey weakly or for some seeds, white does not, - not judged"
HELD = {"holds": 1.0, "holds weakly": 0.5, "does not hold": 0.0}


@dataclass(frozen=True)
class Phase:
    """What networks with one penalty are, over their seeds.

    Attributes
    ----------
    penalty
        `training.recurrent_l2`.
    seeds
        How many networks.
    values
        Medians by metric, of those that have it.
    held
        By claim how far it holds: 1 where it does for all seeds, 0 where for none; a seed for which it does weakly
        counts half. NaN where it was judged for none.
    """

    penalty: float
    seeds: int
    values: Mapping[str, float]
    held: Mapping[str, float]


def phases(networks: Sequence[Network]) -> dict[str, list[Phase]]:
    """Return by network, as `gru-imdb`, its phases by rising penalty.

    Raises
    ------
    UserError
        Where networks of one name and penalty differ in more than their seeds, or none has several penalties.
    """
    alike: dict[str, dict[float, list[Network]]] = defaultdict(lambda: defaultdict(list))
    for network in networks:
        penalty = float(network.config["training"].get("recurrent_l2", 0.0))
        alike[f"{network.arch}-{network.data}"][penalty].append(network)
    for name, by_penalty in alike.items():
        for penalty, each in by_penalty.items():
            if len({network.seed for network in each}) < len(each):
                raise UserError(f"{name}: networks of recurrent_l2={penalty:g} differ in other options, too")
    if not any(len(by_penalty) > 1 for by_penalty in alike.values()):
        raise UserError("there are no networks that differ in training.recurrent_l2: name a sweep of experiment=phase")
    return {name: [_phase(*each) for each in sorted(by_penalty.items())] for name, by_penalty in alike.items()}


def _phase(penalty: float, networks: Sequence[Network]) -> Phase:
    measured = [{**network.metrics, **_dimensions(network)} for network in networks]
    names = dict.fromkeys(name for each in measured for name in each)
    judged: dict[str, list[float]] = defaultdict(list)
    for network in networks:
        for verdict in network.verdicts:
            judged[verdict.claim].append(HELD.get(verdict.verdict, np.nan))
    return Phase(
        penalty,
        len(networks),
        {name: statistics.median(each[name] for each in measured if name in each) for name in names},
        {claim: float(np.nanmean(each)) if np.isfinite(each).any() else np.nan for claim, each in judged.items()},
    )


def _dimensions(network: Network) -> dict[str, float]:
    """Return how many principal components hold 95 % of the variance, where the run has told them."""
    if not (network.folder / "arrays" / "pca.npz").is_file():
        return {}
    explained = RunFolder(network.folder).arrays(["pca"])["pca"]["explained"]
    return {DIMENSIONS: float(np.searchsorted(explained.cumsum(), 0.95) + 1)}


def tables(found: Mapping[str, Sequence[Phase]]) -> str:
    """Return a table for each network, in Markdown: a row for each penalty."""
    heads = ["recurrent_l2", *(column.heading for column in COLUMNS), "claims that hold"]
    parts = []
    for name, rows in found.items():
        lines = [heads, ["---"] * len(heads), *(_row(phase) for phase in rows)]
        parts.append(f"### {name}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts)


def _row(phase: Phase) -> list[str]:
    judged = [held for held in phase.held.values() if np.isfinite(held)]
    return [
        f"{phase.penalty:g}",
        *(format(phase.values[each.metric], each.format) if each.metric in phase.values else "-" for each in COLUMNS),
        f"{sum(held == 1 for held in judged)} of {len(judged)}",
    ]


def draw(found: Mapping[str, Sequence[Phase]]) -> Figure:
    """Draw accuracies, dimensions, time constants, line and verdicts against the penalty, in a column a network."""
    figure = new_figure(2.6 * len(found) + 1.6, 10.5)
    axes = np.array(panels(figure, 5, len(found))).reshape(5, -1)
    claims = list(dict.fromkeys(claim for rows in found.values() for phase in rows for claim in phase.held))
    for column, (name, rows) in enumerate(found.items()):
        axes[0, column].set_title(name, fontweight="bold", parse_math=False)
        for panel, (curves, label, scale) in zip(axes[:4, column], ROWS, strict=True):
            _draw_curves(panel, rows, curves, scale)
            if column == 0:
                panel.set_ylabel(label, fontsize="small")
                panel.legend(frameon=False, fontsize="x-small")
        _draw_length(axes[2, column], rows)
        axes[3, column].set_ylim(-0.03, 1.03)
        _draw_verdicts(axes[4, column], rows, claims)
        for panel in axes[:, column]:
            ticks = [f"{phase.penalty:g}" for phase in rows]
            panel.set_xticks(range(len(rows)), ticks, rotation=60, fontsize="x-small")
            panel.tick_params(axis="y", labelsize="x-small")
        axes[4, column].set_xlabel("recurrent_l2", fontsize="small")
    axes[4, 0].set_yticks(range(len(claims)), claims)
    axes[4, 0].set_title(VERDICTS, fontsize="x-small", loc="left")
    for row in axes[:4]:
        _share_scale(row)
    return figure


def _draw_curves(panel: Axes, rows: Sequence[Phase], curves: Sequence[tuple[Column, str]], scale: str) -> None:
    for column, colour in curves:
        values = [phase.values.get(column.metric, np.nan) for phase in rows]
        if np.isfinite(values).any():
            panel.plot(values, color=colour, marker="o", markersize=3, linewidth=1, label=column.heading)
    panel.set_yscale(scale)
    if scale == "log":
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.yaxis.set_minor_formatter(NullFormatter())


def _draw_length(panel: Axes, rows: Sequence[Phase]) -> None:
    """Draw how long the median document is, as far as it is known: what tau 1 is beside it tells."""
    values = [phase.values for phase in rows]
    known = [each for each in values if each.get(COLUMNS[7].metric) and COLUMNS[4].metric in each]
    if known:
        length = statistics.median(each[COLUMNS[4].metric] / each[COLUMNS[7].metric] for each in known)
        panel.axhline(length, color=NEUTRAL, linestyle="--", linewidth=1)
        panel.annotate("median document", (0, length), fontsize="x-small", color=NEUTRAL, va="bottom")


def _draw_verdicts(panel: Axes, rows: Sequence[Phase], claims: Sequence[str]) -> None:
    """Draw a row for each claim: black where it holds for all seeds, white where for none; nothing where not judged."""
    shares = np.array([[phase.held.get(claim, np.nan) for phase in rows] for claim in claims]).reshape(len(claims), -1)
    edges = [np.arange(count + 1) - 0.5 for count in (len(rows), len(claims))]
    panel.pcolormesh(*edges, shares, cmap="Greys", vmin=0, vmax=1, edgecolor=VISITED, linewidth=0.5)
    panel.invert_yaxis()
    for claim, place in zip(*np.nonzero(np.isnan(shares)), strict=True):
        panel.text(place, claim, "-", ha="center", va="center", fontsize="x-small", color=NEUTRAL)
    panel.set_yticks([])


def _share_scale(row: Sequence[Axes]) -> None:
    """Give panels of one quantity the same scale, so that networks can be compared."""
    low, high = min(panel.get_ylim()[0] for panel in row), max(panel.get_ylim()[1] for panel in row)
    for panel in row:
        panel.set_ylim(low, high)


def with_phases(page: str, content: str) -> str:
    """Return the page with the phase diagram's part in place of its own."""
    filled, count = PLACE.subn(lambda marks: f"{marks[1]}\n{content.strip()}\n\n{marks[2]}", page)
    if count != 1:
        marks = "<!-- phase diagram --> and <!-- end of phase diagram -->"
        raise ValueError(f"the page has {count} pairs of the marks {marks}, not one")
    return filled


def main() -> None:
    """Fill the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", type=Path, help="folder of a sweep of experiment=phase, finished or not")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to fill; the figure goes beside it")
    options = parser.parse_args()
    try:
        found = phases(find_networks([options.sweep]))
    except UserError as error:
        parser.error(str(error))
    picture = options.page.parent / "figures" / FIGURE
    picture.parent.mkdir(exist_ok=True)
    with new_file(picture) as file:
        draw(found).savefig(file, format="png")
    shown = f"![Phases of {', '.join(found)}](figures/{FIGURE})"
    page = with_phases(options.page.read_text(encoding="utf-8"), f"{shown}\n\n{tables(found)}")
    with new_file(options.page) as file:
        file.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
