"""The networks of finished runs: which there are, and which differ by their seed alone."""

from __future__ import annotations

import logging
import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slowpoints.errors import DamagedFile, UserError
from slowpoints.questions.claims import Verdict, judge, recorded_verdicts
from slowpoints.questions.own import own_questions
from slowpoints.questions.question import Column, recorded_columns
from slowpoints.runs.folder import CONFIG, COPY, SUMMARY, RunFolder
from slowpoints.runs.scores import score_of
from slowpoints.sweep.jobs import job_names
from slowpoints.sweep.options import essence

log = logging.getLogger(__name__)

ARCHITECTURES = ("lstm", "gru", "ugrnn", "rnn")
DATA = ("imdb", "yelp", "sst")
DRAWN = ("manifold", "modes", "inputs")
ANALYSIS = "analysis."
NAMED = 3  # options at most in the name of a network


@dataclass(frozen=True)
class Network:
    """What a run left of a network.

    Attributes
    ----------
    folder
        Of the run.
    config
        Its resolved options, plain.
    metrics, findings
        From `summary.json`: the final numbers, and a sentence by question.
    verdicts, columns
        What became of the claims of its questions, and what these add to a comparison.
    """

    folder: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, float]
    findings: Mapping[str, str]
    verdicts: Sequence[Verdict] = ()
    columns: Sequence[Column] = ()

    @property
    def arch(self) -> str:
        """Name of the architecture."""
        return str(self.config["arch"]["name"])

    @property
    def data(self) -> str:
        """Name of the data set."""
        return str(self.config["data"]["name"])

    @property
    def seed(self) -> int:
        """The seed."""
        return int(self.config["seed"])

    @property
    def options(self) -> dict[str, str]:
        """The options that results follow from, flat, without the seed.

        Nor is the run among them whose weights were taken: its options are here, and a repetition is the same network.
        """
        return {key: value for key, value in _leaves(essence(self.config)) if key not in ("seed", "checkpoint")}

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the arrays that are drawn, as far as the run has them and they can be read."""
        found: dict[str, dict[str, np.ndarray]] = {}
        for name in DRAWN:
            try:
                found |= RunFolder(self.folder).arrays([name])
            except DamagedFile as error:
                log.warning("%s; the comparison's figure goes without", error)
        return found


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (None of a single value) over `count` seeds."""

    count: int
    mean: float
    deviation: float | None


@dataclass(frozen=True)
class Group:
    """Networks that differ by their seed alone.

    Attributes
    ----------
    name
        Architecture, data set, and the options in which they differ from other groups of the same.
    networks
        By seed.
    """

    name: str
    networks: Sequence[Network]

    @property
    def count(self) -> int:
        """How many networks."""
        return len(self.networks)

    @property
    def best(self) -> Network:
        """The network that is best on validation; the first of equals."""
        return max(self.networks, key=lambda network: (score_of(network.metrics, "val") or ("", -math.inf))[1])

    def spread(self, metric: str) -> Spread | None:
        """Return mean and spread of a metric over the seeds that have it; None if none has."""
        values = [network.metrics[metric] for network in self.networks if metric in network.metrics]
        if not values:
            return None
        return Spread(len(values), statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


def find_networks(folders: Sequence[Path]) -> list[Network]:
    """Return the finished runs in folders and below them; of runs with the same options the last one.

    A trial of a search that was analysed afterwards counts as the same run. A run whose record cannot be read is left
    out, which is said.

    Raises
    ------
    UserError
        If there are none.
    """
    files = {file.resolve() for folder in folders for file in folder.rglob(SUMMARY)}
    found, problems = [], []
    for file in sorted(files, key=lambda file: file.stat().st_mtime):
        try:
            found += _read(file.parent)
        except DamagedFile as error:
            problems.append(str(error))
    if not found:
        named = ", ".join(map(str, folders)) or "no folder"
        none = f"{named}: there are no finished runs ({SUMMARY}); name the folder of a sweep"
        raise UserError("\n".join(problems or [none]))
    for problem in problems:
        log.warning("%s. The run is left out of the comparison", problem)
    last = {(network.seed, *network.options.items()): network for network in found}
    analysed = {_training(network) for network in last.values() if _is_analysed(network)}
    return [each for each in last.values() if _is_analysed(each) or _training(each) not in analysed]


def group_networks(networks: Sequence[Network]) -> list[Group]:
    """Return networks by what they differ in but for the seed, in the paper's order."""
    groups: dict[tuple[str, str], dict[tuple[tuple[str, str], ...], list[Network]]] = defaultdict(dict)
    for network in sorted(networks, key=lambda each: each.seed):
        alike = groups[network.data, network.arch]
        alike.setdefault(tuple(network.options.items()), []).append(network)
    found = []
    for data, arch in sorted(groups, key=lambda pair: (_place(pair[0], DATA), _place(pair[1], ARCHITECTURES), pair)):
        members = list(groups[data, arch].values())
        named = zip(_names([each[0] for each in members]), members, strict=True)
        found += [Group(name, each) for name, each in sorted(named, key=lambda pair: pair[0])]
    return found


def _names(networks: Sequence[Network]) -> list[str]:
    """Return names for networks of one architecture and data set: from the options that differ among them."""
    options = [network.options for network in networks]
    keys = dict.fromkeys(key for each in options for key in each)
    differing = [key for key in keys if len({each.get(key) for each in options}) > 1][:NAMED]
    overrides = [[f"{key}={each.get(key, '')}" for key in differing] for each in options]
    return job_names(overrides, [dict(network.config) for network in networks])


def _read(folder: Path) -> list[Network]:
    """Return the network of a run; none where the folder is not that of a run."""
    run = RunFolder(folder)
    if not run.has(CONFIG):
        return []
    found = run.summary()
    config = run.config()
    try:
        verdicts, columns = _conclusions(config, found)
    except (ValueError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DamagedFile(folder / SUMMARY, f"has verdicts or columns that are none ({reason})", COPY) from error
    network = Network(folder, config, found["metrics"], found.get("findings", {}), verdicts, columns)
    try:
        network.arch, network.data, network.seed  # noqa: B018  (that they are there)
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFile(folder / CONFIG, f"is not that of a run ({error!r})", COPY) from error
    return [network]


def _conclusions(config: Mapping[str, Any], summary: Mapping[str, Any]) -> tuple[Sequence[Verdict], Sequence[Column]]:
    """Return verdicts and columns as the run recorded them; of earlier versions', by the questions of this one."""
    own = own_questions(config) if not {"verdicts", "columns"} <= summary.keys() else []
    claims = (claim for question in own for claim in question.claims)
    verdicts = recorded_verdicts(summary) if "verdicts" in summary else judge(claims, summary["metrics"])
    columns = [column for question in own for column in question.columns]
    return verdicts, recorded_columns(summary) if "columns" in summary else columns


def _leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in sorted(config.items()):
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def _is_analysed(network: Network) -> bool:
    return any(key.startswith(f"{ANALYSIS}questions.") for key in network.options)


def _training(network: Network) -> tuple[int, tuple[tuple[str, str], ...]]:
    options = network.options.items()
    return network.seed, tuple((key, value) for key, value in options if not key.startswith(ANALYSIS))


def _place(name: str, known: Sequence[str]) -> int:
    return known.index(name) if name in known else len(known)
