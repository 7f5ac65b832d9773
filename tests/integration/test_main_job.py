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

from slowpoints.app.main import main, run_command

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
    "pca/variance_explained_2",
    "fixed_points/count",
    "fixed_points/q_median",
    "modes/tau_1_median",
    "modes/stable_share",
    "manifold/readout_alignment",
    "inputs/projection_auc",
    "overlap/r1_m_median",
    "linearization/one_step_error_median",
    "linearized/test_accuracy",
    "linear_rnn/test_accuracy",
    "bow/test_accuracy",
    "shuffled_words/test_accuracy",
    "flow/drift_in_document",
    "fidelity/agreement/integrator",
}
FIGURES = {
    "figure_1_activity",
    "figure_2a_dimensions",
    "figure_2b_states",
    "figure_2c_manifold",
    "figure_3_modes",
    "figure_4ac_inputs",
    "figure_4bd_overlap",
    "figure_5_linearization",
    "fidelity",
    "fixed_points",
    "flow",
    "page",
    "relaxation",
    "valence_words",
}


def run(store, options):
    run_command([*options, f"tracking.uri={store}"])


def read_json(path):
    return json.loads(Path(path).read_text())


def read_metrics(folder):
    return read_json(f"{folder}/summary.json")["metrics"]


def of_network(metrics):
    """What is measured of the network, without times."""
    return {name: value for name, value in metrics.items() if "seconds" not in name}


@pytest.mark.parametrize("arch", ["gru", "linear", "lstm", "ugrnn", "rnn"])
def test_a_run_leaves_the_same_in_its_folder_and_in_mlflow(store, capsys, arch):
    run(store, [*SMALL, f"arch={arch}", "hydra.run.dir=out"])

    summary = read_metrics("out")
    assert summary.keys() >= PROMISED
    assert 0 <= summary["test/accuracy"] <= 1
    assert summary["fixed_points/starts"] == 20
    names = {path.name for path in Path("out").iterdir()} - {"tracking"}
    assert names == {
        "config.yaml",
        "run.log",
        "summary.json",
        "tokenizer.json",
        "model.safetensors",
        "arrays",
        "explorer.html",
        "word_table.csv",
        *(f"{figure}.{suffix}" for figure in FIGURES for suffix in ("png", "pdf")),
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
    assert "of the test documents right" in said
    assert "of 20 searches came to a relative speed below 0.01" in said
    assert f"then http://127.0.0.1:5000/#/experiments/{record.info.experiment_id}/runs" in said
    assert "The paper's figures on a page: out/page.png" in said
    assert said in Path("out/run.log").read_text()


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(store):
    for folder, seed, analysis in (("one", 3, "paper"), ("two", 3, "paper"), ("three", 4, "none")):
        run(store, [*SMALL, f"seed={seed}", f"analysis={analysis}", f"hydra.run.dir={folder}"])
    one, two, three = (of_network(read_metrics(folder)) for folder in ("one", "two", "three"))
    assert one == two
    assert three != {name: one[name] for name in three}


def test_the_best_state_is_kept_and_tested_not_the_last(store):
    run(store, [*SMALL, "training.rate=0.5", "training.max_epochs=4", "hydra.run.dir=out", "analysis=none"])
    mlflow.set_tracking_uri(store)
    (record,) = mlflow.search_runs(experiment_names=["slowpoints"], output_format="list")
    history = mlflow.MlflowClient().get_metric_history(record.info.run_id, "training/val_accuracy")
    assert read_metrics("out")["val/accuracy"] == pytest.approx(max(point.value for point in history))


def test_a_diverged_training_fails_with_its_step_and_its_run_is_marked_failed(store, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(
            store,
            [
                *SMALL,
                "training.rate=1e18",
                "training.gradient_clip=null",
                "arch=rnn",
                "arch.cell.nonlinearity=relu",
                "hydra.run.dir=out",
            ],
        )
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
    assert read_metrics("out")["test/accuracy"] == 1
    assert read_metrics("out")["bow/test_accuracy"] == 1


def test_mixed_precision_is_one_option_away(store):
    run(store, [*SMALL, "training.precision=bf16-mixed", "analysis=none", "hydra.run.dir=out"])
    weights = load_file("out/model.safetensors")
    assert weights["network.readout.weight"].dtype == torch.float32


def test_for_programs_there_is_one_document_and_for_scripts_the_folder(store, capsys):
    run(store, [*SMALL, "analysis=none", "hydra.run.dir=out", "console=json"])
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["metrics"] == read_metrics("out")
    assert document["folder"] == str(Path("out").resolve())
    assert "epoch 1 of 2" in said.err
    run(store, [*SMALL, "analysis=none", "hydra.run.dir=out", "console=quiet"])
    said = capsys.readouterr()
    assert (said.out, said.err) == ("out\n", "")
    assert "epoch 2 of 2" in Path("out/run.log").read_text()


def test_a_trained_network_follows_the_true_valence_of_words(store):
    options = ["data.documents=5000", "arch.hidden_size=32", "arch.embedding_size=32", "threads=1"]
    run(store, [*options, "analysis.sampling.documents=100", "analysis.sampling.points=60", "hydra.run.dir=out"])
    metrics = read_metrics("out")
    assert metrics["test/accuracy"] > 0.85
    assert metrics["inputs/true_rho"] >= 0.9
    assert metrics["valence_words/true_correlation"] > 0.3


def test_analyses_are_repeated_from_a_checkpoint_with_the_same_numbers(store, capsys):
    run(store, [*SMALL, "seed=5", "arch=rnn", "hydra.run.dir=out"])
    first = of_network(read_metrics("out"))
    mlflow.set_tracking_uri(store)
    (record,) = mlflow.search_runs(experiment_names=["slowpoints"], output_format="list")
    sampling = [option for option in SMALL if option.startswith("analysis.")]
    checkpoints = (("out", "paper"), ("out/model.safetensors", "quick"), (record.info.run_id, "quick"))
    for number, (checkpoint, analysis) in enumerate(checkpoints):
        folder = f"again{number}"
        options = [*sampling, f"analysis={analysis}", "threads=1", f"hydra.run.dir={folder}"]
        run(store, [f"checkpoint={checkpoint}", *options])
        again = of_network(read_metrics(folder))
        assert again == {name: first[name] for name in again}
        assert analysis == "quick" or again == first
        assert OmegaConf.load(f"{folder}/config.yaml").arch.name == "rnn"
        assert read_metrics(folder)["training/seconds"] == read_metrics("out")["training/seconds"]
    run(store, ["checkpoint=again0", "analysis=none", "threads=1"])
    (folder,) = Path("multirun").glob("*/*-again-again0")
    assert read_metrics(folder)["test/accuracy"] == first["test/accuracy"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["checkpoint=nowhere"], "no such file or folder"),
        (["checkpoint=" + 32 * "0"], "does not have all of this run"),
        (["checkpoint=empty"], "has no config.yaml, model.safetensors"),
        (["checkpoint=out", "arch=lstm"], "arch=lstm: comes from the checkpoint"),
        (["checkpoint=out", "training.rate=1"], "training.rate=1: comes from the checkpoint"),
        (["checkpoint=out", "data.documents=100"], "another vocabulary"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_refused(store, capsys, options, message):
    run(store, [*SMALL, "analysis=none", "hydra.run.dir=out"])
    Path("empty").mkdir()
    with pytest.raises(SystemExit) as stopped:
        run(store, [*options, "hydra.run.dir=again"])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not Path("again").exists()


def test_figures_are_redrawn_from_a_runs_folder_alone(store):
    run(store, [*SMALL, "hydra.run.dir=out"])
    Path("out/model.safetensors").unlink()
    for figure in FIGURES:
        Path(f"out/{figure}.png").unlink()
    main(["redraw", "out"])
    assert {path.stem for path in Path("out").glob("*.png")} == FIGURES


def test_what_cannot_be_redrawn_is_said(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["redraw", str(tmp_path)])
    assert stopped.value.code == 2
    assert "there are no arrays" in capsys.readouterr().err


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
