"""A task that is written outside the package: its data, network, loss, score and evidence follow from it."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir

from slowpoints.app.build import build_for, build_questions
from slowpoints.app.main import config_folder
from slowpoints.errors import UserError
from slowpoints.questions.dissection import Dissection
from slowpoints.questions.question import Unanswerable
from slowpoints.sweep.options import check_options
from slowpoints.tasks import TWO_CLASSES, Classes, Labels, Sequences, Task, Values
from slowpoints.tasks.datamodule import TaskData
from slowpoints.text.task import GRADES, documents
from slowpoints.training.evaluate import evaluate
from slowpoints.training.module import TaskModule
from slowpoints.training.train import make_trainer, train

sys.path.append(str(Path(__file__).parents[1] / "questions"))
from made import SAMPLING, some_data

SMALL = ("arch.embedding_size=6", "arch.hidden_size=12", "training.batch_size=16", "training.rate=0.02")
ANSWERED = {  # of any task, by a number each
    "relaxation": "change_last",
    "pca": "variance_explained_2",
    "fixed_points": "converged_share",
}
PLAIN = ("training.embedding_dropout=0", "training.readout_dropout=0", "training.word_dropout=0")


def options_of(*overrides):
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        return check_options(compose("config", overrides=[*SMALL, *PLAIN, "training.accelerator=cpu", *overrides]))


def some_sequences(say, count=300, symbols=5, seed=0):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(3, 9, count)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    inputs = generator.integers(2, symbols, offsets[-1])
    each = np.split(inputs, offsets[1:-1])
    return Sequences(inputs, offsets, np.concatenate([np.atleast_1d(say(one)) for one in each]))


def most_frequent(symbols):
    """Which of the symbols 2, 3 and 4 is there most often: the first of equals."""
    return np.bincount(symbols - 2, minlength=3).argmax()


def running_sum(symbols):
    """The sum so far of steps of -1, 0 and 1, `(step, 1)`."""
    return np.cumsum(symbols - 3.0)[:, None] / 4


THREE = Task(
    "most-frequent",
    *(some_sequences(most_frequent, seed=seed) for seed in range(3)),
    inputs=5,
    outputs=Classes(("a", "b", "c")),
)
SUM = Task("sum", *(some_sequences(running_sum, seed=seed) for seed in range(3)), inputs=5, outputs=Values(1))


def trained(task, folder, epochs):
    options = options_of(f"training.max_epochs={epochs}", "training.patience=20")
    module = TaskModule(build_for(options, task), options.training)
    data = TaskData(task, options.training.batch_size, seed=0)
    trainer = make_trainer(options.training, folder, logger=False, score=task.outputs.score)
    result = train(trainer, module, data)
    return module, result, evaluate(module, data.test_dataloader())


def test_three_classes_are_trained_by_softmax_and_judged_by_accuracy(tmp_path):
    module, result, found = trained(THREE, tmp_path, 6)
    network = module.network
    assert network.readout.weight.shape == (3, 12)
    assert set(found) == {"loss", "accuracy"}
    batch = next(iter(TaskData(THREE, 75, seed=0).test_dataloader()))
    with torch.no_grad():
        said = network.eval()(batch.tokens, batch.lengths)
    right = (said.argmax(dim=1) == batch.targets).float().mean()
    assert found["accuracy"] == pytest.approx(right.item(), abs=1e-6)
    expected = -said.log_softmax(dim=1)[torch.arange(len(said)), batch.targets].mean()
    assert found["loss"] == pytest.approx(expected.item(), rel=1e-5)
    assert found["accuracy"] > 0.9 > 0.5 > np.bincount(THREE.test.targets).max() / 300
    assert result.validation_score > 0.8


def test_the_evidence_for_three_classes_has_two_axes_that_hold_all_differences():
    readout = torch.randn(3, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    axes = THREE.outputs.evidence(readout)
    assert axes.shape == (2, 12)
    assert axes[0].norm() > axes[1].norm()
    assert axes[0] @ axes[1] == pytest.approx(0, abs=1e-12)
    differences = readout[1:] - readout[:1]
    within = torch.linalg.lstsq(axes.T, differences.T).solution
    torch.testing.assert_close(axes.T @ within, differences.T)
    torch.testing.assert_close(axes, THREE.outputs.evidence(readout + torch.ones(12)))  # what softmax does not see
    torch.testing.assert_close(GRADES.evidence(readout.repeat(2, 1)[:5])[1], readout[2] - readout[1])
    assert torch.equal(TWO_CLASSES.evidence(readout[:1]), readout[:1])


def test_values_are_told_at_every_step(tmp_path):
    module, _, found = trained(SUM, tmp_path, 25)
    assert set(found) == {"loss", "r2"}
    batch = next(iter(TaskData(SUM, 75, seed=0).test_dataloader()))
    assert batch.targets.shape == (len(SUM.test.inputs), 1)
    with torch.no_grad():
        said = module.network.eval()(batch.tokens, batch.lengths).numpy()
    targets = batch.targets[:, 0].numpy()
    assert found["loss"] == pytest.approx(np.mean((said - targets) ** 2), rel=1e-4)
    assert found["r2"] == pytest.approx(1 - np.mean((said - targets) ** 2) / targets.var(), abs=1e-4)
    assert found["r2"] > 0.9
    first = next(iter(TaskData(SUM, 75, seed=0).val_dataloader()))
    tokens = torch.cat([row[:length] for row, length in zip(first.tokens, first.lengths, strict=True)])
    ends = first.lengths.cumsum(0)
    total = (tokens - 3.0).cumsum(0)
    torch.testing.assert_close(4 * first.targets[ends[0] : ends[1], 0], (total - total[ends[0] - 1])[ends[0] : ends[1]])


def test_several_labels_are_told_at_once(tmp_path):
    splits = [
        some_sequences(lambda symbols: [[(symbols == 2).sum() > 1, symbols[-1] == 3]], seed=seed) for seed in range(3)
    ]
    splits = [replace(each, targets=each.targets.astype(int)) for each in splits]
    task = Task("tags", *splits, inputs=5, outputs=Labels(("two twice", "three at the end")))
    module, result, found = trained(task, tmp_path, 12)
    assert set(found) == {"loss", "f1"}
    assert module.network.readout.weight.shape == (2, 12)
    with torch.no_grad():
        batch = next(iter(TaskData(task, 75, seed=0).test_dataloader()))
        said = (module.network.eval()(batch.tokens, batch.lengths) > 0).numpy()
    there = batch.targets.numpy() == 1
    right, wrong = (said & there).sum(axis=0), (said != there).sum(axis=0)
    assert found["f1"] == pytest.approx(np.mean(2 * right / (2 * right + wrong)), abs=1e-6)
    assert found["f1"] > 0.95
    assert result.validation_score > 0.95


@pytest.mark.parametrize("task", [THREE, SUM, documents(some_data())], ids=["three classes", "values", "two classes"])
def test_an_analysis_of_two_classes_has_no_answer_for_others(task):
    options = options_of("analysis=paper")
    network, untrained = (build_for(options, task) for _ in range(2))
    dissection = Dissection(network, untrained, task, SAMPLING, seed=0, test_accuracy=0.5)
    if task.outputs is TWO_CLASSES:
        assert dissection.readout.shape == (12,)
        return
    for analysis in build_questions(options.analysis.questions):
        if analysis.name in ANSWERED:
            assert np.isfinite(analysis(dissection).metrics[ANSWERED[analysis.name]])
            continue
        with pytest.raises(Unanswerable, match="of the logit of two classes, and this network has"):
            analysis(dissection)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": 4}, "task made: the train split has symbols from 2 to 4, of 4 from 0 on"),
        ({"outputs": TWO_CLASSES}, "the train split has classes from 0 to 2, of 2 from 0 on"),
        ({"outputs": Values(1)}, "has targets once, after the last step; needed: after every step"),
        ({"train": SUM.train}, "has targets after every step; needed: once"),
        ({"train": SUM.train, "outputs": Values(2)}, "the train split has 1 targets at each step; needed: 2"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_trained(changes, message):
    given = {"train": THREE.train, "inputs": 5, "outputs": THREE.outputs, **changes}
    with pytest.raises(UserError, match=message):
        Task("made", validation=THREE.validation, test=THREE.test, **given)
    with pytest.raises(ValueError, match="none that is empty"):
        Sequences(np.arange(3), np.array([0, 3, 3]), np.zeros(2, dtype=int))
    with pytest.raises(ValueError, match="one for each of 1 sequences"):
        Sequences(np.arange(3), np.array([0, 3]), np.zeros(2, dtype=int))
    with pytest.raises(ValueError, match="two names or more"):
        Classes(("a", "a"))
