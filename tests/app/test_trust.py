"""A folder, or a run in MLflow, from somebody else: what its configuration names is not built unless it is trusted."""

import json
import sys

import mlflow
import pytest
import torch
import yaml

from slowpoints.app.main import main, run_command
from slowpoints.app.trust import check_trust, split_trust, trust_option
from slowpoints.errors import UserError
from slowpoints.sweep.jobs import Job
from slowpoints.sweep.processes import TRUST, _start
from slowpoints.sweep.slurm import Pack

GRU = "slowpoints.cells.GRU"
MODULE = '''
import os
from pathlib import Path

import torch
from slowpoints.cells import GRU


class OwnCell(GRU):
    """A cell of somebody's own."""


def wreck(*_, **__):
    Path("wrecked").touch()
'''


class Payload:
    """Writes a file when it is loaded."""

    def __reduce__(self):
        return exec, ("open('wrecked', 'w').close()",)


@pytest.fixture(autouse=True)
def _own_modules(tmp_path, monkeypatch):
    """Two modules in the current folder, which is that of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("my_cells", "other_cells"):
        (tmp_path / f"{name}.py").write_text(MODULE)
    (tmp_path / "payload.pt").touch()
    torch.save(Payload(), tmp_path / "payload.pt")
    yield
    for name in ("my_cells", "other_cells"):
        sys.modules.pop(name, None)


LOADS = {"_target_": "torch.load", "f": "payload.pt", "weights_only": False}
PAYLOADS = {
    "direct": LOADS,
    "in an argument": {"_target_": GRU, "update_bias": LOADS},
    "in a list of arguments": {"_target_": GRU, "_args_": [[LOADS]]},
    "partly": {"_target_": GRU, "x": {"y": {**LOADS, "_partial_": True}}},
    "by way of a cell's module": {**LOADS, "_target_": "slowpoints.cells.gru.torch.load"},
    "by way of an analysis": {**LOADS, "_target_": "slowpoints.questions.pca.torch.load"},
    "a function of one's own": {"_target_": "my_cells.wreck"},
    "a program": {"_target_": "os.system", "command": "touch wrecked"},
    "a name that is put in": {"_target_": "${oc.env:PAYLOAD}", "f": "payload.pt", "weights_only": False},
    "a value that is put in": {"_target_": GRU, "update_bias": "${oc.env:PAYLOAD}"},
    "of this project, but no cell": {"_target_": "slowpoints.files.write_text", "target": "wrecked", "text": ""},
    "nothing that can be called so": {"_target_": [LOADS]},
}


def give(folder, cell):
    """Let a finished run come from somebody else: its configuration names a cell, and no digest is in the way."""
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["arch"]["cell"] = cell
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    summary = json.loads((folder / "summary.json").read_text())
    summary.pop("digests", None)
    (folder / "summary.json").write_text(json.dumps(summary))


def refused(capsys, command, arguments):
    with pytest.raises(SystemExit) as stopped:
        command(arguments)
    said = capsys.readouterr().err
    assert stopped.value.code == 2, said
    assert said.count("error: ") == 1
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("way", ["resume", "checkpoint"])
def test_what_somebody_elses_folder_names_is_not_built(left, capsys, monkeypatch, tmp_path, way, payload):
    monkeypatch.setenv("PAYLOAD", "torch.load")
    give(left.folder, PAYLOADS[payload])
    if way == "resume":
        (left.folder / "summary.json").unlink()
        said = refused(capsys, main, ["resume", "run"])
    else:
        said = refused(capsys, run_command, ["checkpoint=run", "analysis=none", f"tracking.uri={left.uri}"])
    assert "config.yaml" in said
    assert "arch.cell" in said
    assert "trust=" in said or "refers to something else" in said or "put in" not in payload
    assert not (tmp_path / "wrecked").exists()
    assert not (tmp_path / "multirun").exists()


@pytest.mark.parametrize("target", ["my_cells.wreck", "os.system", "slowpoints.text.cache.write_cache"])
@pytest.mark.parametrize("way", ["resume", "checkpoint"])
def test_nor_are_data(left, capsys, tmp_path, way, target):
    config = yaml.safe_load((left.folder / "config.yaml").read_text())
    give(left.folder, config["arch"]["cell"])
    config["data"]["_target_"] = target
    (left.folder / "config.yaml").write_text(yaml.safe_dump(config))
    if way == "resume":
        (left.folder / "summary.json").unlink()
        said = refused(capsys, main, ["resume", "run"])
    else:
        said = refused(capsys, run_command, ["checkpoint=run", "analysis=none", f"tracking.uri={left.uri}"])
    assert f"data._target_ is {target}, which is no cell, question or data set of slowpoints" in said
    assert not (tmp_path / "wrecked").exists()


def test_a_question_is_not_built_either(left, capsys, tmp_path):
    config = yaml.safe_load((left.folder / "config.yaml").read_text())
    config["analysis"]["questions"]["mine"] = {"_target_": "my_cells.wreck"}
    (left.folder / "config.yaml").write_text(yaml.safe_dump(config))
    (left.folder / "summary.json").unlink()
    said = refused(capsys, main, ["resume", "run"])
    assert "analysis.questions.mine._target_ is my_cells.wreck" in said
    assert "trust=my_cells" in said
    assert not (tmp_path / "wrecked").exists()


def test_a_run_of_mlflow_is_not_trusted_either(left, store, capsys, tmp_path):
    give(left.folder, LOADS)
    mlflow.set_tracking_uri(store)
    with mlflow.start_run() as recorded:
        for name in ("config.yaml", "summary.json", "tokenizer.json", "model.safetensors"):
            mlflow.log_artifact(str(left.folder / name))
    said = refused(
        capsys, run_command, [f"checkpoint={recorded.info.run_id}", "analysis=none", f"tracking.uri={store}"]
    )
    assert "arch.cell._target_ is torch.load" in said
    assert not (tmp_path / "wrecked").exists()


def test_to_look_at_somebody_elses_run_builds_nothing(left, tmp_path):
    give(left.folder, LOADS)
    main(["redraw", "run"])
    main(["compare", "run", "--into", "out", "--no-mlflow"])
    assert (tmp_path / "out" / "comparison.html").is_file()
    assert not (tmp_path / "wrecked").exists()


def test_what_the_user_names_is_built(left, capsys, tmp_path):
    give(left.folder, {"_target_": "my_cells.OwnCell"})
    usual = ["checkpoint=run", "analysis=none", f"tracking.uri={left.uri}"]
    assert "trust=my_cells" in refused(capsys, run_command, usual)
    assert "trust=my_cells" in refused(capsys, run_command, [*usual, "trust=other_cells"])
    run_command([*usual, "trust=[other_cells,my_cells]", "hydra.run.dir=again"])
    config = yaml.safe_load((tmp_path / "again" / "config.yaml").read_text())
    assert config["arch"]["cell"]["_target_"] == "my_cells.OwnCell"
    assert "trust" not in config  # nobody trusts for somebody else
    (tmp_path / "again" / "summary.json").unlink()
    refused(capsys, main, ["resume", "again"])
    main_ends_well(["resume", "again", "trust=my_cells"])


def main_ends_well(arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0


def test_what_the_user_types_is_theirs(left, tmp_path):
    small = [each for each in left.options if not each.startswith("analysis")]
    cell = ["arch.cell._target_=my_cells.OwnCell", f"tracking.uri={left.uri}", "hydra.run.dir=mine"]
    run_command([*small, "analysis=none", *cell])
    assert (tmp_path / "mine" / "summary.json").is_file()


@pytest.mark.parametrize(
    ("target", "trusted", "allowed"),
    [
        ("slowpoints.cells.GRU", [], True),
        ("slowpoints.cells.gru.GRU", [], True),
        ("slowpoints.questions.pca.PrincipalComponentQuestion", [], True),
        ("slowpoints.questions.answers.Answers", [], False),
        ("slowpoints.questions.pca.np.load", [], False),
        ("slowpoints.cells.GRU.load_state_dict", [], False),
        ("slowpoints.cells", [], False),
        ("slowpoints.training.train.load_weights", [], False),
        ("my_cells.OwnCell", ["my_cells"], True),
        ("my_cells.OwnCell", ["my_cells.OwnCell"], True),
        ("my_cells.OwnCell", ["my"], False),
        ("my_cells.wreck", ["my_cells"], True),
        ("my_cells.os.system", ["my_cells"], False),
        ("my_cells.torch.load", ["my_cells"], False),
        ("my_cells.torch.load", ["my_cells.torch.load"], True),
        ("my_cells.OwnCell.load_state_dict", ["my_cells"], False),
        ("my_cells.wreck.__globals__", ["my_cells"], False),
        ("my_cells.OwnCell.__init__.__globals__", ["my_cells"], False),
    ],
)
def test_a_target_is_trusted_where_a_trusted_module_defines_it(tmp_path, target, trusted, allowed):
    config = {"arch": {"cell": {"_target_": target}}}
    if allowed:
        check_trust(config, tmp_path, trusted)
        return
    with pytest.raises(UserError, match=r"arch\.cell\._target_ is"):
        check_trust(config, tmp_path, trusted)


def test_a_module_that_is_not_here_is_named(tmp_path):
    config = {"arch": {"cell": {"_target_": "no_cells.Mine"}}}
    with pytest.raises(UserError, match=r"no_cells\.Mine cannot be imported, here and now"):
        check_trust(config, tmp_path, ["no_cells"])


def test_names_to_trust_come_from_the_command_and_from_a_launcher(monkeypatch):
    monkeypatch.setenv(TRUST, "c.D")
    assert split_trust(["FOLDER", "trust=a,b"]) == (["FOLDER"], ["a", "b", "c.D"])
    assert split_trust(["trust=[a,b]"]) == ([], ["a", "b", "c.D"])
    assert split_trust(["trust="]) == ([], ["c.D"])
    assert trust_option({"cell": {"_target_": GRU}}) == ""
    assert trust_option({"cell": {"_target_": "my.cells.Own"}, "other": [{"_target_": "m.f"}]}) == " trust=m,my.cells"


def test_a_launcher_tells_its_jobs_what_it_has_checked(tmp_path, monkeypatch):
    started = {}
    monkeypatch.setattr("subprocess.Popen", lambda command, **options: started.update(options["env"]))
    config = {"arch": {"cell": {"_target_": "my_cells.OwnCell", "inner": {"_target_": GRU}}}}
    _start(job := Job("one", tmp_path, config), threads=1, gpu=None)
    assert started[TRUST] == f"my_cells.OwnCell,{GRU}"
    assert Pack([job], 1).checkpoint().function.jobs == [job]  # on Slurm, and again after a requeue


def test_a_sweep_of_a_cell_of_ones_own_goes_on(left, capsys, tmp_path, monkeypatch):
    """In a process of its own, as users run it."""
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{sys.path[0]}")
    small = [each for each in left.options if not each.startswith("analysis")]
    options = ["analysis=none", "arch.cell._target_=my_cells.OwnCell", f"tracking.uri={left.uri}"]
    run_command(["-m", "seed=1", *small, *options, "hydra.sweep.dir=sweep"])
    summary = tmp_path / "sweep" / "gru-synthetic" / "summary.json"
    assert summary.is_file()

    summary.unlink()
    begun = []
    monkeypatch.setattr("slowpoints.sweep.local.run_here", lambda jobs, *_: begun.extend(jobs))
    identity = json.loads((tmp_path / "sweep" / "sweep.json").read_text())["id"]
    again = [f"sweep.resume={identity}", "hydra.sweep.dir=sweep"]
    assert "trust=my_cells" in refused(capsys, run_command, again)
    assert not begun
    with pytest.raises(SystemExit):  # as nobody ran it
        run_command([*again, "trust=my_cells"])
    assert [job.name for job in begun] == ["gru-synthetic"]
    assert f"sweep.resume={identity} trust=my_cells" in capsys.readouterr().out
