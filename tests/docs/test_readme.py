"""What the README names is there, and its commands mean something."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from slowpoints.app.main import USAGE, config_folder

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text()
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```sh\n(.*?)```", README, re.S)
    for line in block.split("\n")
]


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)", README))
def test_links_lead_somewhere(target):
    assert (PROJECT / target).exists()


@pytest.mark.parametrize("command", [each for each in COMMANDS if each[:1] == ["make"]], ids=" ".join)
def test_targets_are_in_the_makefile(command):
    assert re.search(rf"^{command[1]}:", (PROJECT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize(
    "command", [each for each in COMMANDS if each[:3] == ["python", "-m", "src.run"]], ids=" ".join
)
def test_options_compose(command):
    overrides = [each.split(",")[0] for each in command[3:] if "=" in each]
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        config = compose("config", overrides)
    assert config.arch.name in {"gru", "lstm"}


@pytest.mark.parametrize("command", [each for each in COMMANDS if each[:1] == ["slowpoints"]], ids=" ".join)
def test_commands_are_known(command):
    assert f"slowpoints {command[1]}" in USAGE
