"""Every configuration that ships composes, and is within its own ranges."""

import itertools
import math
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from slowpoints.app.build import build_network
from slowpoints.app.main import config_folder
from slowpoints.sweep.options import check_options


def choices(group):
    return sorted(path.stem for path in (config_folder() / group).glob("*.yaml"))


def composed(*overrides):
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        return check_options(compose("config", overrides=list(overrides)))


@pytest.mark.parametrize(("arch", "data"), list(itertools.product(choices("arch"), choices("data"))))
def test_every_architecture_goes_with_every_data_set(arch, data):
    needed = ["data.train=reviews.csv"] if data == "files" else []
    options = composed(f"arch={arch}", f"data={data}", *needed)
    assert options.arch.name == arch
    assert options.data.name == data


@pytest.mark.parametrize(
    "choice",
    [
        f"{group}={name}"
        for group in ("training", "analysis", "tracking")
        for name in choices(group)
        if group != "analysis" or name in ("none", "paper", "quick")  # the others are parts of these
    ],
)
def test_every_other_choice_composes(choice):
    assert composed(choice)


def test_recipes_apply_and_the_command_line_wins():
    assert composed("arch=rnn", "data=imdb").training.rate == 0.0005
    assert composed("arch=gru", "data=imdb").training.rate == 0.002
    assert composed("arch=rnn", "data=imdb", "training.rate=0.1").training.rate == 0.1
    penalised = composed("arch=rnn", "data=sst")
    assert penalised.training.recurrent_l2 == 0.01
    assert penalised.arch.trained_initial_state
    assert composed("arch=rnn", "data=sst", "training.recurrent_l2=0").training.recurrent_l2 == 0


def test_experiments_have_the_penalties_that_they_are_about():
    for experiment, networks in (("phase", 32), ("recipes", 84)):
        with initialize_config_dir(str(config_folder()), version_base="1.3"):
            config = compose("config", overrides=[f"experiment={experiment}"], return_hydra_config=True)
        sweeper = config.hydra.sweeper
        choices = [*sweeper.params.values(), *(sweeper.search or {}).values()]
        assert math.prod(len(each.split(",")) for each in choices) == networks
        assert config.arch.trained_initial_state


def test_configurations_of_earlier_versions_are_those_of_networks_without_penalty_that_start_at_zero():
    recorded = composed("arch=lstm").model_dump(mode="json")
    for section, key in (
        ("training", "recurrent_l2"),
        ("arch", "trained_initial_state"),
        ("arch", "readout_cell_state"),
    ):
        del recorded[section][key]
    options = check_options(OmegaConf.create(recorded))
    assert options == composed("arch=lstm")
    assert options.training.recurrent_l2 == 0
    assert not options.arch.trained_initial_state
    assert not options.arch.readout_cell_state


def test_a_network_has_the_initial_state_and_the_readout_that_its_architecture_asks_for():
    network = build_network(composed("arch=lstm"), 5)
    assert (network.cell.initial_state, network.readout.weight.shape) == (None, (1, 128))
    network = build_network(composed("arch=lstm", "arch.trained_initial_state=true", "arch.readout_cell_state=true"), 5)
    assert network.cell.initial_state.tolist() == [0] * 256
    assert network.readout.weight.shape == (1, 256)


def test_every_recipe_is_for_a_network_and_data_set_there_is():
    networks = {f"{arch}-{data}" for arch, data in itertools.product(choices("arch"), choices("data"))}
    assert set(choices("recipe/network")) <= networks
    assert set(choices("recipe/data")) <= set(choices("data"))


@pytest.mark.parametrize("path", sorted(config_folder().rglob("*.yaml")), ids=lambda path: path.name)
def test_every_option_has_a_comment(path: Path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith("#"), "the first line says what the file is for"
    if path.parent.parent == config_folder() and path.parent.name in ("arch", "data", "training", "tracking"):
        for line in lines:
            if line and not line.startswith("#") and not line.rstrip().endswith(":") and "name:" not in line:
                assert "#" in line or "_target_" in line, line
