"""An interrupted training goes on as if nothing had happened: same weights, same curves, to the last bit."""

import errno
import json
import logging
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers.logger import Logger

from runs.damage import DAMAGES, damage
from slowpoints.cells import GRU
from slowpoints.interruption import STOP, Interrupted
from slowpoints.runs.reading import digest_of_values
from slowpoints.tasks.datamodule import TaskData
from slowpoints.text.load import load_data
from slowpoints.text.options import SyntheticData
from slowpoints.text.task import documents
from slowpoints.training.model import RecurrentClassifier
from slowpoints.training.module import TaskModule
from slowpoints.training.options import TrainingOptions
from slowpoints.training.train import CheckpointFiles, make_trainer, train
from slowpoints.training.trained import Trained, read_trained

BATCHES = 10  # in an epoch: 160 training documents of 200


class Curves(Logger):
    """Keeps what is logged, as (name, step) -> value: what is logged twice at a step must be the same."""

    def __init__(self, points):
        super().__init__()
        self.points = points

    name = version = "curves"

    def log_metrics(self, metrics, step=None):
        for name, value in metrics.items():
            assert self.points.setdefault((name, step), value) == value

    def log_hyperparams(self, *args, **kwargs):
        pass


class Count(pl.Callback):
    """Counts batches."""

    batches = 0

    def on_train_batch_start(self, *_):
        self.batches += 1


class Accident(pl.Callback):
    """Ends the training at a step: by asking it to stop, or at once."""

    def __init__(self, step, kind):
        self.step, self.kind = step, kind

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_index):
        if trainer.global_step == self.step:
            if self.kind == "asked":
                STOP.asked = "a test"
            else:
                raise RuntimeError("killed")


@pytest.fixture(autouse=True)
def _no_request_remains():
    yield
    STOP.asked, STOP.deferred = None, False


def options(**changes):
    usual = {
        "max_epochs": 3,
        "batch_size": 16,
        "rate": 0.01,
        "final_rate_share": 0.1,
        "warmup_steps": 4,
        "weight_decay": 0.01,
        "gradient_clip": 1.0,
        "embedding_dropout": 0.3,
        "word_dropout": 0.1,
        "readout_dropout": 0.3,
        "embedding_std": 0.1,
        "patience": 9,
        "validations_per_epoch": 1,
        "precision": "32-true",
        "accelerator": "cpu",
        "devices": 1,
        "deterministic": True,
    }
    return TrainingOptions(**usual | changes)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    chosen = SyntheticData(name="synthetic", documents=200, longest=20)
    return load_data(chosen, tmp_path_factory.mktemp("cache"), seed=0)


def fit(data, chosen, folder, points, accident=None):
    pl.seed_everything(1 if accident is None else 0, verbose=False)  # what remains of it must not matter
    torch.manual_seed(0)
    network = RecurrentClassifier(
        GRU(5, 6), len(data.words), embedding_dropout=0.3, word_dropout=0.1, readout_dropout=0.3
    )
    module = TaskModule(network, chosen)
    callbacks = [] if accident is None else [accident]
    trainer = make_trainer(chosen, folder, Curves(points), callbacks)
    result = train(trainer, module, TaskData(documents(data), chosen.batch_size, seed=0), resume=True)
    return module.state_dict(), result


@pytest.mark.parametrize("validations", [1, 2])
@pytest.mark.parametrize("kind", ["asked", "killed"])
@pytest.mark.parametrize("step", [3, BATCHES // 2, BATCHES, BATCHES + 1, 2 * BATCHES - 1, 2 * BATCHES + 4])
def test_the_rest_is_as_without_the_interruption(data, tmp_path, step, kind, validations):
    chosen = options(validations_per_epoch=validations)
    curves, resumed = {}, {}
    undisturbed, expected = fit(data, chosen, tmp_path / "undisturbed", curves)

    with pytest.raises(Interrupted if kind == "asked" else RuntimeError):
        fit(data, chosen, tmp_path / "disturbed", resumed, Accident(step, kind))
    STOP.asked = None
    state, result = fit(data, chosen, tmp_path / "disturbed", resumed)

    assert resumed == curves
    assert result.validation_score == expected.validation_score
    assert result.epochs == expected.epochs
    for name, tensor in undisturbed.items():
        assert torch.equal(state[name], tensor), name


def test_no_batch_is_trained_on_twice_after_a_request(data, tmp_path):
    with pytest.raises(Interrupted):
        fit(data, options(), tmp_path, {}, Accident(BATCHES + 3, "asked"))
    STOP.asked = None
    fit(data, options(), tmp_path, {}, count := Count())
    assert count.batches == 2 * BATCHES - 3


def test_the_time_is_that_of_both_parts(data, tmp_path):
    with pytest.raises(Interrupted):
        fit(data, options(), tmp_path, {}, Accident(BATCHES + 3, "asked"))
    STOP.asked = None
    state = torch.load(tmp_path / ".resume" / "training.ckpt", weights_only=True)
    before = state["callbacks"]["ResumePoint"]["seconds"]
    _, result = fit(data, options(), tmp_path, {})
    assert 0 < before < result.seconds


def test_a_training_that_is_over_is_not_done_again(data, tmp_path):
    chosen = options(max_epochs=1)
    first, expected = fit(data, chosen, tmp_path, {})
    second, result = fit(data, chosen, tmp_path, points := {})
    assert points == {}
    assert result == expected
    assert all(torch.equal(second[name], tensor) for name, tensor in first.items())


def test_early_stopping_remembers(data, tmp_path):
    chosen = options(max_epochs=30, rate=1e-9, patience=4)  # nothing improves
    _, expected = fit(data, chosen, tmp_path / "undisturbed", {})
    assert expected.epochs < 30
    with pytest.raises(RuntimeError):
        fit(data, chosen, tmp_path / "disturbed", {}, Accident(3 * BATCHES + 2, "killed"))
    _, result = fit(data, chosen, tmp_path / "disturbed", {})
    assert result.epochs == expected.epochs


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    state, result = fit(data, options(), folder, {})
    return state, result, folder


@pytest.fixture(scope="module")
def stopped(data, tmp_path_factory):
    """The folder of a training that was killed after two validations and a few batches."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.raises(RuntimeError):
        fit(data, options(), folder, {}, Accident(2 * BATCHES + 4, "killed"))
    return folder


def goes_on_as_undisturbed(data, folder, undisturbed):
    """Finish a training, and return how many batches that took."""
    state, result = fit(data, options(), folder, {}, count := Count())
    expected_state, expected, _ = undisturbed
    assert (result.validation_score, result.epochs) == (expected.validation_score, expected.epochs)
    assert all(torch.equal(state[name], tensor) for name, tensor in expected_state.items())
    return count.batches


@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if kind != "gone"])
def test_a_state_that_cannot_be_read_gives_way_to_the_one_before(data, tmp_path, undisturbed, stopped, caplog, kind):
    shutil.copytree(stopped, tmp_path / "run")
    damage(tmp_path / "run" / ".resume" / "training.ckpt", kind)
    (tmp_path / "run" / "model.safetensors").unlink()  # which the state brings back
    with caplog.at_level(logging.WARNING):
        batches = goes_on_as_undisturbed(data, tmp_path / "run", undisturbed)
    assert batches == 2 * BATCHES  # from the first validation on
    assert "training.ckpt cannot be gone on from" in caplog.text


def test_a_training_goes_on_where_its_folder_was_moved_to(data, tmp_path, undisturbed, stopped):
    shutil.copytree(stopped, tmp_path / "elsewhere")
    assert goes_on_as_undisturbed(data, tmp_path / "elsewhere", undisturbed) == BATCHES


def test_without_a_state_that_can_be_read_the_training_begins_anew(data, tmp_path, undisturbed, stopped, caplog):
    shutil.copytree(stopped, tmp_path / "run")
    for name in ("training.ckpt", "training-before.ckpt"):
        damage(tmp_path / "run" / ".resume" / name, "cut")
    with caplog.at_level(logging.WARNING):
        assert goes_on_as_undisturbed(data, tmp_path / "run", undisturbed) == 3 * BATCHES
    assert "The training begins anew" in caplog.text


def test_a_state_of_another_network_is_not_gone_on_from(data, tmp_path, undisturbed, stopped, caplog):
    shutil.copytree(stopped, tmp_path / "run")
    for name in ("training.ckpt", "training-before.ckpt"):
        path = tmp_path / "run" / ".resume" / name
        state = torch.load(path, weights_only=True)
        state["state_dict"].popitem()
        torch.save(state, path)
    assert goes_on_as_undisturbed(data, tmp_path / "run", undisturbed) == 3 * BATCHES
    assert "it is not a state of this training" in caplog.text


def test_a_state_that_would_run_code_is_not_read(data, tmp_path, undisturbed, stopped):
    shutil.copytree(stopped, tmp_path / "run")
    for name in ("training.ckpt", "training-before.ckpt"):
        torch.save({"state_dict": Payload(tmp_path / "wrecked")}, tmp_path / "run" / ".resume" / name)
    goes_on_as_undisturbed(data, tmp_path / "run", undisturbed)
    assert not (tmp_path / "wrecked").exists()


class Payload:
    """Makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", [".resume/trained.json", "model.safetensors"])
def test_a_network_whose_record_or_weights_cannot_be_read_is_trained_again(
    data, tmp_path, undisturbed, caplog, name, kind
):
    shutil.copytree(undisturbed[2], tmp_path / "run")
    damage(tmp_path / "run" / name, kind)
    with caplog.at_level(logging.WARNING):
        assert goes_on_as_undisturbed(data, tmp_path / "run", undisturbed) == 3 * BATCHES
    assert kind == "gone" or "the network is trained again" in caplog.text


@pytest.mark.parametrize("name", ["model.safetensors", "training.ckpt"])
def test_that_a_disk_is_full_is_said_by_the_error_of_whatever_is_saved(tmp_path, monkeypatch, name):
    monkeypatch.setattr("slowpoints.training.train.new_file", lambda target: nullcontext(Path("/dev/full")))
    with pytest.raises(OSError, match="No space left") as error:
        CheckpointFiles().save_checkpoint({"state_dict": {"weights": torch.zeros(100_000)}}, tmp_path / name)
    assert error.value.errno == errno.ENOSPC


def test_that_a_training_is_over_is_read_as_the_version_before_wrote_it(tmp_path):
    CheckpointFiles().save_checkpoint({"state_dict": {"weights": torch.zeros(2)}}, tmp_path / "model.safetensors")
    (tmp_path / ".resume").mkdir()
    record = {"checkpoint": "model.safetensors", "validation_accuracy": 0.75, "epochs": 3, "seconds": 1.5}
    (tmp_path / ".resume" / "trained.json").write_text(json.dumps({**record, "digest": digest_of_values(record)}))
    assert read_trained(tmp_path) == Trained("model.safetensors", 0.75, 3, 1.5)
