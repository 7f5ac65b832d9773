"""The main job as a user starts it, on small generated data."""

import json
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file

from slowpoints.app.main import run_command

SMALL = [
    "data.documents=200",
    "arch.hidden_size=6",
    "arch.embedding_size=5",
    "training.max_epochs=2",
    "analysis.sampling.documents=15",
    "analysis.sampling.points=20",
    "threads=1",
]
PROMISED = {
    "test/accuracy",
    "val/accuracy",
    "bow/test_accuracy",
    "fixed_points/count",
    "fixed_points/converged_share",
}


def run(store, options):
    run_command([*options, f"tracking.uri={store}"])


def read_json(path):
    return json.loads(Path(path).read_text())


@pytest.mark.parametrize("arch", ["gru", "lstm", "ugrnn", "rnn"])
def test_a_run_leaves_the_same_in_its_folder_and_in_mlflow(store, capsys, arch):
    run(store, [*SMALL, f"arch={arch}", "hydra.run.dir=out"])

    summary = read_json("out/summary.json")
    assert summary.keys() >= PROMISED
    assert 0 <= summary["test/accuracy"] <= 1
    assert summary["fixed_points/starts"] == 20
    names = {path.name for path in Path("out").iterdir()} - {"tracking"}
    assert names == {
        "config.yaml",
        "summary.json",
        "tokenizer.json",
        "model.safetensors",
        "arrays",
        "fixed_points.png",
        "fixed_points.pdf",
    }
    with np.load("out/arrays/fixed_points.npz", allow_pickle=False) as arrays:
        state_size = 12 if arch == "lstm" else 6
        assert arrays["location"].shape == (20, state_size)
        assert (arrays["status"] == 0).sum() == summary["fixed_points/count"]
    assert load_file("out/model.safetensors")["network.readout.weight"].shape == (1, 6)
    assert OmegaConf.load("out/config.yaml").arch.name == arch

    mlflow.set_tracking_uri(store)
    (record,) = mlflow.search_runs(experiment_names=["slowpoints"], output_format="list")
    assert record.info.status == "FINISHED"
    assert record.info.run_name == f"{arch}-synthetic"
    assert record.data.params["arch"] == arch
    assert record.data.params["training.batch_size"] == "64"
    for name, value in summary.items():
        assert record.data.metrics[name] == pytest.approx(value)
    client = mlflow.MlflowClient()
    assert {file.path for file in client.list_artifacts(record.info.run_id)} == names
    assert len(client.get_metric_history(record.info.run_id, "training/val_accuracy")) == 2

    said = capsys.readouterr().out
    assert "test/accuracy" in said
    assert "of 20 points came to q < 1e-08" in said
    assert "mlflow ui" in said
    assert str(Path("out").resolve()) in said.replace("\n", "")


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(store):
    for folder, seed in (("one", 3), ("two", 3), ("three", 4)):
        run(store, [*SMALL, f"seed={seed}", f"hydra.run.dir={folder}"])
    one, two, three = (read_json(f"{folder}/summary.json") for folder in ("one", "two", "three"))
    for summary in (one, two, three):
        del summary["training/seconds"]
    assert one == two
    assert one != three


def test_the_best_state_is_kept_and_tested_not_the_last(store):
    run(store, [*SMALL, "training.rate=0.5", "training.max_epochs=4", "hydra.run.dir=out", "analysis=none"])
    mlflow.set_tracking_uri(store)
    (record,) = mlflow.search_runs(experiment_names=["slowpoints"], output_format="list")
    history = mlflow.MlflowClient().get_metric_history(record.info.run_id, "training/val_accuracy")
    assert read_json("out/summary.json")["val/accuracy"] == pytest.approx(max(point.value for point in history))


def test_a_diverged_training_fails_with_its_step_and_its_run_is_marked_failed(store, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(store, [*SMALL, "training.rate=1e38", "training.gradient_clip=null", "arch=rnn", "hydra.run.dir=out"])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert "loss became nan at step" in message
    assert "training.rate" in message
    mlflow.set_tracking_uri(store)
    (record,) = mlflow.search_runs(experiment_names=["slowpoints"], output_format="list")
    assert record.info.status == "FAILED"


def test_own_files_are_learned_from(store):
    rows = [
        f"this was a {word} thing number {n},{label}" for n in range(40) for word, label in (("good", 1), ("bad", 0))
    ]
    Path("reviews.csv").write_text("\n".join(["review,stars", *rows]))
    run(
        store,
        [
            *[option for option in SMALL if not option.startswith("data.")],
            "data=files",
            "data.name=shop",
            "data.train=reviews.csv",
            "data.text_column=review",
            "data.label_column=stars",
            "training.max_epochs=20",
            "training.patience=20",
            "training.batch_size=8",
            "training.rate=0.02",
            "hydra.run.dir=out",
        ],
    )
    assert read_json("out/summary.json")["test/accuracy"] == 1
    assert read_json("out/summary.json")["bow/test_accuracy"] == 1


def test_a_sweep_runs_every_choice_into_a_folder_of_its_own(store):
    run(store, ["-m", "arch=gru,rnn", *SMALL, "hydra.sweep.dir=sweep"])
    assert {path.parent.name for path in Path("sweep").glob("*/summary.json")} == {"gru-synthetic-0", "rnn-synthetic-1"}
    mlflow.set_tracking_uri(store)
    records = mlflow.search_runs(experiment_names=["slowpoints"], output_format="list")
    assert {record.info.run_name for record in records} == {"gru-synthetic", "rnn-synthetic"}


def test_mixed_precision_is_one_option_away(store):
    run(store, [*SMALL, "training.precision=bf16-mixed", "analysis=none", "hydra.run.dir=out"])
    weights = load_file("out/model.safetensors")
    assert weights["network.readout.weight"].dtype == torch.float32


@pytest.mark.parametrize("command", [["-m", "src.run"], ["-m", "slowpoints.app.main", "run"]])
def test_both_commands_print_the_configuration_without_heavy_imports(command):
    project = Path(__file__).parents[2]
    code = (
        "import runpy, sys\n"
        f"sys.argv = {['command', *command[2:], '--cfg', 'job']!r}\n"
        f"runpy.run_module({command[1]!r}, run_name='__main__')\n"
        "heavy = {'torch', 'mlflow', 'pytorch_lightning', 'sklearn', 'datasets'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert OmegaConf.create(done.stdout).arch.name == "gru"
