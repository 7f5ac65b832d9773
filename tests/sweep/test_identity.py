"""One mark says which options results follow from; identity, comparisons and recorded parameters go by it."""

import copy
import json
from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from slowpoints.app.main import config_folder
from slowpoints.app.run import _params
from slowpoints.app.sweep import _identity
from slowpoints.options import leaves
from slowpoints.sweep.folder import Sweep, working_on
from slowpoints.sweep.jobs import Job, earlier_sweep_id, sweep_id
from slowpoints.sweep.networks import Network
from slowpoints.sweep.options import check_options, essence

WITHOUT_EFFECT = {
    *("cache_dir", "threads", "console", "data.root"),
    *("tracking.uri", "tracking.experiment", "tracking.patience", "tracking.offline_start"),
    *("training.accelerator", "training.devices", "training.deterministic"),
}
DATA = {"synthetic": [], "imdb": [], "sst": [], "files": ["data.train=reviews.csv"]}


def options_of(data):
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        return check_options(compose("config", overrides=[f"data={data}", *DATA[data]]))


def changed(config, key):
    """Return the configuration with another value in one place."""
    config = copy.deepcopy(config)
    *above, last = key.split(".")
    section = config
    for name in above:
        section = section[name]
    section[last] = "another"
    return config


@pytest.mark.parametrize("data", DATA)
def test_options_without_effect_are_the_marked_ones_everywhere(tmp_path, data):
    config = options_of(data).model_dump(mode="json")
    expected = WITHOUT_EFFECT - ({"data.root"} if data == "files" else set())  # there it says which files
    places = {place for place, _ in leaves(config) if not place.startswith("analysis.")}
    assert expected <= places
    network = Network(tmp_path, config, {}, {})
    for place in places - {"data._target_"}:
        other = changed(config, place)
        same = place in expected
        assert (sweep_id([config]) == sweep_id([other])) is same, place
        described = Network(tmp_path, other, {}, {}).options == network.options
        assert described is (same or place in ("seed", "checkpoint")), place


def test_options_of_files_are_found_in_a_configuration_of_the_version_before():
    config = options_of("files").model_dump(mode="json")
    before = {key: value for key, value in config.items() if key != "console"}
    before["data"] = {key: value for key, value in config["data"].items() if key not in ("encoding", "quotes")}
    assert essence(before) == essence(config)
    assert essence({**before, "data": {**before["data"], "quotes": False}}) != essence(config)


def test_a_job_that_differs_in_options_without_effect_is_done(tmp_path):
    config = options_of("synthetic").model_dump(mode="json")
    job = Job("one", tmp_path / "one", config)
    job.write({})
    (job.folder / "summary.json").write_text(json.dumps({"metrics": {"test/accuracy": 0.5}}))
    assert Job("one", job.folder, changed(config, "tracking.patience")).is_done
    assert not Job("one", job.folder, changed(config, "training.rate")).is_done


def test_recorded_parameters_are_the_options_that_the_network_follows_from():
    params = _params(options_of("imdb"))
    assert {"arch", "data", "seed", "data.repository", "training.rate", "unit.update_bias"} <= params.keys()
    assert not params.keys() & WITHOUT_EFFECT


def test_a_sweep_that_the_version_before_began_is_found(tmp_path):
    config = {"arch": {"name": "gru"}, "tracking": {"uri": "sqlite:///mlflow.db"}, "threads": 1, "console": "normal"}
    assert earlier_sweep_id([config]) == "ce613a41" != sweep_id([config])
    folder = {"sweep": {"dir": f"{tmp_path}/sweep-${{hydra.sweeper.id}}"}, "sweeper": {"id": None}}
    hydra = SimpleNamespace(config=OmegaConf.create({"hydra": folder}))
    assert _identity(hydra, [config]) == (sweep_id([config]), tmp_path / f"sweep-{sweep_id([config])}")
    before = Sweep("ce613a41", tmp_path / "sweep-ce613a41", [])
    with working_on(before):
        pass
    assert _identity(hydra, [config]) == ("ce613a41", before.folder)
    (before.folder / "sweep.json").write_text("{")
    assert _identity(hydra, [config]) == ("ce613a41", before.folder)
