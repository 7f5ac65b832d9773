"""What a command is going to do, said before anything is loaded that takes time."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence

CONSOLE = "console="
MULTIRUN = {"-m", "--multirun"}
HELP = {"-h", "--help"}
ABOUT_OPTIONS = {*HELP, "--cfg", "-c", "--info", "-i", "--hydra-help", "--version"}  # Hydra tells, and nothing runs
FOR_THE_SHELL = {"--shell-completion", "-sc"}
LONGEST = 300  # characters of the arguments that are repeated
PLANS = {
    "compare": "setting networks side by side",
    "redraw": "drawing the figures of runs again",
    "resume": "going on with a run",
    "upload": "sending what MLflow has not received",
    "reconcile": "looking in MLflow for runs that ended without a word",
    "doctor": "checking whether a run would find here what it needs",
}


def announce(command: str, arguments: Sequence[str]) -> None:
    """Say on the error stream, at once, what a command is going to do; nothing with `console=quiet` or `json`."""
    modes = [each.removeprefix(CONSOLE) for each in arguments if each.startswith(CONSOLE)]
    silent = modes[-1:] in (["quiet"], ["json"]) or FOR_THE_SHELL & set(arguments)
    if not silent and sys.stderr is not None and (plan := plan_of(command, arguments)):
        print(f"slowpoints {command}: {plan}", file=sys.stderr, flush=True)


def plan_of(command: str, arguments: Sequence[str]) -> str:
    """Return what a command is going to do, by its arguments alone; nothing where it only explains itself at once."""
    plan = _plan_of_run(arguments) if command == "run" else PLANS[command]
    if command != "run" and HELP & set(arguments):
        return ""
    shown = [_without_password(each) for each in arguments if not each.startswith(CONSOLE) and each not in MULTIRUN]
    text = " ".join(shlex.join(shown).split())
    if len(text) > LONGEST:
        text = text[: LONGEST - 3] + "..."
    return f"{plan} ({text})" if text else plan


def _plan_of_run(arguments: Sequence[str]) -> str:
    if ABOUT_OPTIONS & set(arguments):
        return "composing the options"
    if any(each.startswith("sweep.resume=") for each in arguments):
        return "completing a sweep"
    if MULTIRUN & set(arguments):
        return "training and analysing the networks of a sweep"
    if any(each.startswith("checkpoint=") for each in arguments):
        return "repeating the analyses of a run"
    return "training a network and analysing it"


def _without_password(argument: str) -> str:
    """Return an argument without what addresses such as postgresql://user:password@host should not tell."""
    return re.sub(r"(://[^/@:\s]*):[^/@\s]*@", r"\1:...@", argument)
