"""`slowpoints doctor`: whether a run would find what it needs here, and what to do where it would not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hydra import compose, initialize_config_dir
from packaging.requirements import Requirement

from slowpoints.app import INSTALL
from slowpoints.app.mistakes import explain
from slowpoints.console import VOICE, print_text
from slowpoints.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from slowpoints.sweep.options import RunOptions

State = Literal["works", "limited", "fails"]
SYMBOLS: dict[State, str] = {"works": "[green]✔[/]", "limited": "[yellow]![/]", "fails": "[red]✘[/]"}
ROOM = 1e9  # bytes that a run's results, its store and its caches may take
ANSWERS_WITHIN = 10.0  # seconds


@dataclass(frozen=True)
class Check:
    """What was found about one thing that runs need or can use.

    Attributes
    ----------
    state
        `limited`: the run that was asked about works, but something that others want is not there. `fails`: it does
        not.
    found
        In words.
    advice
        What to do about it; empty where nothing needs to be done.
    """

    name: str
    state: State
    found: str
    advice: str = ""


def doctor_command(overrides: Sequence[str], configuration: Path) -> int:
    """Check what a run with these options needs, say it, and return the exit code: 1 where the run would fail.

    Raises
    ------
    UserError
        If the options are wrong.
    """
    checks = examine(run_options(overrides, configuration))
    failing = [each.name for each in checks if each.state == "fails"]

    def show(console: Console) -> None:
        for each in checks:
            console.print(f"{SYMBOLS[each.state]} [bold]{each.name}[/]: ", end="")
            print_text(console, each.found)
            if each.advice:
                print_text(console, f"    {each.advice}")
        print_text(console, f"A run would fail: {', '.join(failing)}" if failing else "A run has what it needs.")

    document = {"works": not failing, "checks": [asdict(each) for each in checks]}
    VOICE.conclude(show, f"fails: {', '.join(failing)}" if failing else "works", document)
    return int(bool(failing))


def run_options(overrides: Sequence[str], configuration: Path) -> RunOptions:
    """Return the options that a run with these overrides would have.

    Raises
    ------
    UserError
        If they are wrong.
    """
    from slowpoints.sweep.options import check_options

    try:
        with initialize_config_dir(str(configuration), version_base="1.3"):
            return check_options(compose("config", overrides=list(overrides)))
    except UserError:
        raise
    except Exception as error:
        if message := explain(error):
            raise UserError(message) from error
        raise


def examine(options: RunOptions) -> list[Check]:
    """Return what is found about everything."""
    checks: dict[str, Callable[[], Check]] = {
        "packages": packages,
        "processors": lambda: processors(options.threads),
        "GPU": lambda: gpu(options.training.accelerator),
        "output": lambda: writable("output", Path("multirun"), needed=True),
        "cache": lambda: writable("cache", options.cache_dir, needed=False),
        "MLflow store": lambda: store(options.tracking.uri, offline_start=options.tracking.offline_start),
        "data": lambda: data(options),
        "Hugging Face hub": hub,
        "Slurm": slurm,
    }
    return [_carried_out(name, check) for name, check in checks.items()]


def _carried_out(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except UserError as error:
        return Check(name, "fails", "cannot be used", str(error))
    except ImportError as error:
        return Check(name, "fails", f"cannot be checked: {error}", INSTALL)


def packages() -> Check:
    """Whether the installed packages are those that slowpoints needs."""
    version = ".".join(map(str, sys.version_info[:3]))
    try:
        needed = [Requirement(line) for line in metadata.requires("slowpoints") or ()]
    except metadata.PackageNotFoundError:
        return Check("packages", "limited", f"Python {version}; slowpoints is not installed", INSTALL)
    wanted = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": "experiments"})]
    if problems := list(_unmet(wanted)):
        return Check("packages", "fails", "; ".join(problems), INSTALL)
    main = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "pytorch-lightning", "mlflow"))
    return Check("packages", "works", f"Python {version}, {main} and {len(wanted) - 3} others, as needed")


def _unmet(wanted: Sequence[Requirement]) -> Iterator[str]:
    for each in wanted:
        try:
            found = metadata.version(each.name)
        except metadata.PackageNotFoundError:
            yield f"{each.name} is not installed"
            continue
        if not each.specifier.contains(found, prereleases=True):
            yield f"{each.name} {found} is installed, and {each.specifier} is needed"


def processors(threads: int | None) -> Check:
    """How many processors and threads there are, and whether they agree."""
    import torch

    from slowpoints.sweep.local import available_cores, available_memory

    cores, used = available_cores(), threads or torch.get_num_threads()
    found = f"{cores} cores, {used} threads, {available_memory() / 1e9:.0f} GB of memory are free"
    if used > cores:
        advice = f"more threads than cores are several times slower: threads={cores}, or OMP_NUM_THREADS={cores}"
        return Check("processors", "limited", found, advice)
    return Check("processors", "works", found)


def gpu(accelerator: str) -> Check:
    """Which GPUs can be used."""
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return Check("GPU", "works", ", ".join(names))
    if accelerator == "gpu":
        return Check("GPU", "fails", "PyTorch sees none", "training.accelerator=auto takes what is there")
    if shutil.which("nvidia-smi") is not None:
        advice = "install a build of PyTorch for CUDA: https://pytorch.org/get-started/locally"
        return Check("GPU", "limited", f"there is a driver, but PyTorch {torch.__version__} cannot use it", advice)
    return Check("GPU", "works", "none; runs use the processors")


def writable(name: str, folder: Path, *, needed: bool) -> Check:
    """Whether files can be written to a folder that may not be there yet, and whether there is room for them."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    state: State = "fails" if needed else "limited"
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        option = "hydra.run.dir=FOLDER" if needed else "cache_dir=FOLDER; without, data are encoded by every run"
        return Check(name, state, f"{place} cannot be written to", f"name another folder: {option}")
    free = shutil.disk_usage(place).free
    if free < ROOM:
        return Check(name, state, f"{folder}: only {free / 1e6:.0f} MB are free", "make room, or name another folder")
    return Check(name, "works", f"{folder}: {free / 1e9:.0f} GB are free")


def store(uri: str, *, offline_start: bool = False) -> Check:
    """Whether runs can be recorded."""
    from slowpoints.tracking.database import SQLITE
    from slowpoints.tracking.store import existing_store

    name = "MLflow store"
    file = Path(uri.removeprefix(SQLITE))
    if uri.startswith(SQLITE) and file.parent.is_dir() and not file.exists():
        if not os.access(file.parent, os.W_OK):
            return Check(name, "fails", f"{uri} cannot be made", "name another file: tracking.uri=sqlite:///FILE")
        return Check(name, "works", f"{uri}: is made by the first run")
    try:
        existing_store(uri)
    except UserError as error:
        state: State = "limited" if offline_start else "fails"
        return Check(name, state, f"{uri} cannot be used", str(error))
    return Check(name, "works", uri)


def data(options: RunOptions) -> Check:
    """Whether the data can be had."""
    from slowpoints.text.hub import hub_answers
    from slowpoints.text.load import cache_file
    from slowpoints.text.options import HubData, SyntheticData, TextData, TreebankData

    chosen = options.data
    if not isinstance(chosen, TextData):
        chosen.find(options.seed, options.cache_dir)
        return Check("data", "works", f"{chosen.name} has what it needs")
    if cache_file(chosen, options.cache_dir, options.seed).is_file():
        return Check("data", "works", f"{chosen.name} is encoded in {options.cache_dir}")
    if isinstance(chosen, SyntheticData):
        return Check("data", "works", f"{chosen.name} is generated, and needs nothing")
    if isinstance(chosen, HubData | TreebankData) and chosen.root is None:
        if hub_answers():
            return Check("data", "works", f"{chosen.repository} comes from the Hugging Face hub")
        advice = f"connect to a network, or name a folder with {chosen.name}/train.parquet: data.root=FOLDER"
        found = f"{chosen.repository} is not encoded yet, and the Hugging Face hub does not answer"
        return Check("data", "limited" if _downloaded(chosen.repository) else "fails", found, advice)
    return Check("data", "works", f"the files of {chosen.name} are there")


def _downloaded(repository: str) -> bool:
    """Whether `datasets` has something of a repository from earlier."""
    import datasets

    return (Path(datasets.config.HF_DATASETS_CACHE) / repository.replace("/", "___").lower()).is_dir()


def hub() -> Check:
    """Whether data sets can be downloaded."""
    from slowpoints.text.hub import hub_answers

    if hub_answers():
        return Check("Hugging Face hub", "works", "answers")
    advice = "data=synthetic, data=files and data.root=FOLDER need no network"
    return Check("Hugging Face hub", "limited", "does not answer", advice)


def slurm() -> Check:
    """Whether sweeps can go to Slurm."""
    if shutil.which("sbatch") is None:
        return Check("Slurm", "works", "not here; sweeps use this machine")
    for command, advice in {
        ("sinfo", "--noheader"): "its controller must run (slurmctld); hydra/launcher=local needs none",
        ("sacct", "--noheader"): "without accounting (slurmdbd), jobs that are killed are noticed late",
    }.items():
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=ANSWERS_WITHIN)
        except (OSError, subprocess.SubprocessError):
            return Check("Slurm", "limited", f"is installed, but `{command[0]}` gets no answer", advice)
    return Check("Slurm", "works", "answers: hydra/launcher=slurm")
