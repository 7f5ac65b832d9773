"""One mark says which options results follow from; identity, comparisons and recorded parameters go by it."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from slowpoints.app.main import config_folder
from slowpoints.app.run import _params
from slowpoints.app.sweep import _sweep
from slowpoints.options import leaves
from slowpoints.sweep.folder import Sweep, working_on
from slowpoints.sweep.jobs import Job, sweep_id
from slowpoints.sweep.networks import Network
from slowpoints.sweep.options import check_options, essence
from slowpoints.sweep.search import Search

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


@pytest.mark.parametrize("place", ["sweep-${hydra.sweeper.id}", "results"])
def test_a_sweep_that_an_earlier_version_began_is_found_by_its_jobs(tmp_path, place):
    configs = [
        changed(options_of("synthetic").model_dump(mode="json"), "arch.name"),
        options_of("sst").model_dump(mode="json"),
    ]
    jobs = [Job(name, Path(name), config) for name, config in zip(("one", "two"), configs, strict=True)]
    searches = [Search("best", ["one", "two"], {"questions": {}})]
    folder = {"sweep": {"dir": f"{tmp_path}/{place}"}, "sweeper": {"id": None}}
    hydra = SimpleNamespace(config=OmegaConf.create({"hydra": folder}))
    own = tmp_path / place.replace("${hydra.sweeper.id}", "abcd")
    assert _sweep(hydra, "abcd", jobs).folder == own
    for job in jobs:
        replace(job, folder=own / job.name).write({})
    with working_on(Sweep("ab12", own, jobs, searches)):
        pass
    own = own.rename(tmp_path / place.replace("${hydra.sweeper.id}", "ab12"))
    first = own / "one" / "config.yaml"
    first.write_text(first.read_text().replace("_target_: slowpoints.text.options.SyntheticData", "source: synthetic"))
    assert "source: synthetic" in first.read_text()
    found = _sweep(hydra, "abcd", jobs, searches)
    assert (found.id, found.folder) == ("ab12", own)
    assert [job.folder for job in found.jobs] == [own / "one", own / "two"]
    assert _sweep(hydra, "abcd", jobs).id == "abcd"  # without the search
    other = [jobs[0], replace(jobs[1], config=changed(configs[1], "training.rate"))]
    assert _sweep(hydra, "abcd", other, searches).id == "abcd"
    (own / "sweep.json").write_text("{")
    assert _sweep(hydra, "abcd", jobs, searches).id == "abcd"
    assert _sweep(hydra, "ab12", jobs, searches).folder == own


def test_the_id_does_not_depend_on_how_data_are_named():
    config = options_of("synthetic").model_dump(mode="json")
    data = {key: value for key, value in config["data"].items() if key != "_target_"}
    assert sweep_id([{**config, "data": {"source": "synthetic", **data}}]) == sweep_id([config])
    assert sweep_id([{**config, "data": {"source": "hub", **data}}]) != sweep_id([config])
