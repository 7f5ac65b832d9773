"""The commands, and what they print when something is wrong.

Heavy imports wait until a command needs them, so that help and checks answer at once.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from slowpoints.app import INSTALL
from slowpoints.app.announcement import CONSOLE, MULTIRUN, announce
from slowpoints.errors import UserError
from slowpoints.interruption import BY_KEYBOARD, STOP

if TYPE_CHECKING:
    from omegaconf import DictConfig

USAGE = """\
slowpoints: find out how trained recurrent networks compute.

  slowpoints run [OPTIONS]      train a network, test it, and analyse it   (also: python -m src.run)
  slowpoints compare NAME ...   set the networks of a sweep, of folders, or of an MLflow experiment side by side
                                                            (also: python -m src.compare)
  slowpoints redraw FOLDER ...  draw the figures of runs again from their arrays, without the networks
  slowpoints resume FOLDER      go on with an interrupted run
  slowpoints upload FOLDER ...  send what MLflow has not received of runs, because it did not answer
  slowpoints reconcile          mark the runs as ended that MLflow believes to be running and that are not
  slowpoints doctor [OPTIONS]   check whether a run would find what it needs here: packages, devices, store, data, Slurm

`slowpoints run --help` lists every option and its default; `slowpoints run --cfg job` prints what a run would use.
With every command, console=quiet leaves only warnings and errors, and console=json gives the result as one document."""

# MLflow reports its use to its makers, from the moment that it is imported. Commands use no network unless asked to.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

BAD_INPUT = 2
LONGEST_NAME = 200  # characters of a folder, before which stands the time


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name, and exit."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    commands: dict[str, Callable[[list[str]], None]] = {
        "compare": _compare,
        "redraw": _redraw,
        "resume": _resume_command,
        "upload": lambda rest: _records_command("upload", rest),
        "reconcile": lambda rest: _records_command("reconcile", rest),
        "doctor": _doctor,
    }
    if arguments[:1] == ["run"]:
        run_command(arguments[1:])
    elif arguments and arguments[0] in commands:
        _speak(arguments[0], commands[arguments[0]], arguments[1:])
    elif arguments in (["-h"], ["--help"], []):
        print(USAGE)
    else:
        _refuse(f"there is no command {arguments[0]}; there are: run, {', '.join(commands)}")


def _speak(name: str, command: Callable[[list[str]], None], arguments: Sequence[str]) -> None:
    """Run a command in the mode that `console=MODE` among its arguments asks for."""
    announce(name, arguments)
    _check_installed()
    from slowpoints.console import VOICE, checked_mode

    modes = [each.removeprefix(CONSOLE) for each in arguments if each.startswith(CONSOLE)]
    try:
        with VOICE.speak(checked_mode(modes[-1] if modes else "normal")):
            command([each for each in arguments if not each.startswith(CONSOLE)])
    except Exception as error:
        _explain(error)
        raise


def run_command(arguments: Sequence[str]) -> None:
    """Compose a run from `conf` and the arguments, and do it; a user's mistake ends with one message and code 2."""
    announce("run", arguments)
    _check_installed()
    import hydra

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra then raises its errors instead of printing them
    STOP.listen()
    sys.argv = ["slowpoints run", *sorted(_expand_search(_expand_resume(arguments)), key=_is_override)]
    register_resolvers()
    try:
        _refuse_two_choices(arguments)
        _refuse_what_is_no_choice(arguments)
        hydra.main(version_base="1.3", config_path=str(config_folder()), config_name="config")(_job)()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(BY_KEYBOARD)
    except Exception as error:
        _explain(error)
        raise
    finally:
        STOP.rest()


def _check_installed() -> None:
    """End the process where the library alone is installed: what every command needs is looked for here."""
    try:
        import hydra  # noqa: F401

        import slowpoints.console  # noqa: F401
    except ModuleNotFoundError as missing:
        _refuse(f"the commands need more than the library, such as {missing.name}; {INSTALL}")


def _refuse_two_choices(arguments: Sequence[str]) -> None:
    """Fail where a config group is given twice: Hydra would take the last without a word."""
    chosen: dict[str, str] = {}
    for argument in filter(_is_override, arguments):
        group = argument.partition("=")[0]
        if group in chosen and (config_folder() / group).is_dir():
            raise UserError(f"{group} is given twice, {chosen[group]} and {argument}; leave one out, or -m {group}=A,B")
        chosen[group] = argument


def _refuse_what_is_no_choice(arguments: Sequence[str]) -> None:
    """Fail where the choice of a config group is no name, such as `arch=3`: Hydra would end with a traceback."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import ChoiceSweep

    given = list(filter(_is_override, arguments))
    for argument, override in zip(given, OverridesParser.create().parse_overrides(given), strict=True):
        folder = config_folder() / override.key_or_group
        if override.is_delete() or not folder.is_dir():
            continue
        if not override.key_or_group:
            raise UserError(f"{argument}: must be OPTION=VALUE, as in seed=3")
        chosen = override.value()
        names = chosen.list if isinstance(chosen, ChoiceSweep) else chosen if isinstance(chosen, list) else [chosen]
        if any(name is None or isinstance(name, int | float) for name in names):
            known = ", ".join(sorted(each.stem for each in folder.iterdir()))
            raise UserError(f"{argument}: there is no such choice; there are {known}")


def _is_override(argument: str) -> bool:
    """Whether an argument changes the configuration; Hydra's own options must stand before all of these, or after."""
    return "=" in argument and not argument.startswith("-")


def register_resolvers() -> None:
    """Let the configuration name the folder of a run that repeats analyses after the run that it repeats."""
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver("folder_of", _folder_of, replace=True)


def _folder_of(network: str, checkpoint: str | None) -> str:
    if checkpoint is None:
        return re.sub(r"[^\w.-]", "_", network)[:LONGEST_NAME]  # Hydra makes the folder before names are checked
    path = Path(checkpoint)
    return f"again-{(path.parent if path.suffix else path).name}"


def _compare(arguments: list[str]) -> None:
    from slowpoints.app.compare import compare_command

    compare_command(arguments)


def _redraw(arguments: list[str]) -> None:
    from slowpoints.app.redraw import redraw_command

    redraw_command(arguments)


def _expand_resume(arguments: Sequence[str]) -> list[str]:
    """Let `sweep.resume=ID` be all that is needed to complete a sweep."""
    prefix = "sweep.resume="
    rest = [each for each in arguments if not each.startswith(prefix)]
    named = [each.removeprefix(prefix) for each in arguments if each.startswith(prefix)]
    if not named:
        return rest
    mode = [] if MULTIRUN & set(rest) else ["-m"]
    return [*mode, *rest, f"hydra.sweeper.resume='{named[-1]}'"]


def _expand_search(arguments: Sequence[str]) -> list[str]:
    """Let `hydra.sweeper.search={...}` stand in place of an experiment's choices: Hydra would put it among them."""
    key = "hydra.sweeper.search="
    return [part for each in arguments for part in ([f"{key}null", each] if each.startswith(f"{key}{{") else [each])]


def _resume_command(arguments: Sequence[str]) -> NoReturn:
    from slowpoints.app.resume import resume_command

    sys.exit(resume_command(arguments))


def _records_command(name: str, arguments: Sequence[str]) -> NoReturn:
    from slowpoints.app import records

    sys.exit({"upload": records.upload_command, "reconcile": records.reconcile_command}[name](arguments))


def _doctor(overrides: Sequence[str]) -> NoReturn:
    from slowpoints.app.doctor import doctor_command

    sys.exit(doctor_command(overrides, config_folder()))


def _explain(error: Exception) -> None:
    """End the process with one message where the error is something that a user can mend."""
    from slowpoints.app.mistakes import explain

    if message := explain(error):
        _refuse(message)


def _refuse(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(BAD_INPUT)


def config_folder() -> Path:
    """Return the folder of the configuration: in an installed package its own copy, else the project's."""
    package = Path(__file__).resolve().parents[1]
    own = package / "conf"
    return own if own.is_dir() else package.parents[1] / "conf"


def _job(config: DictConfig) -> Any:
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    from slowpoints.console import VOICE
    from slowpoints.sweep.options import check_options

    hydra_config = HydraConfig.get()
    folder = Path(hydra_config.runtime.output_dir)
    try:
        if config.checkpoint is not None:
            from slowpoints.app.checkpoint import with_checkpoint

            config = with_checkpoint(config, hydra_config.overrides.task)
        options = check_options(config)
        with VOICE.speak(options.console):
            from slowpoints.app.run import run
            from slowpoints.tracking.journal import own_folder

            by_the_clock = "${now:" in OmegaConf.to_yaml(hydra_config.run)
            with own_folder(folder) if by_the_clock else nullcontext(folder) as own:
                return run(options, own)
    except Exception as error:
        _remove_if_empty(folder)
        _explain(error)  # at once: Hydra would add its own lines to an exception
        raise


def _remove_if_empty(folder: Path) -> None:
    """Leave nothing of a run that did nothing: neither its folder nor those of the date that Hydra made for it."""
    with suppress(OSError):  # another run has just put something there
        while folder.is_dir() and folder != Path.cwd() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


if __name__ == "__main__":
    main()
