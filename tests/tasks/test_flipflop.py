"""The flip-flop: a task of numbers at every step, and the states of a network that has learnt it."""

from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_dir

from slowpoints.app.build import build_for
from slowpoints.app.main import config_folder
from slowpoints.dynamics import linearize
from slowpoints.questions.dissection import Dissection
from slowpoints.sweep.options import check_options
from slowpoints.tasks.datamodule import TaskData
from slowpoints.tasks.flipflop import FlipFlop
from slowpoints.training.evaluate import evaluate
from slowpoints.training.module import TaskModule
from slowpoints.training.train import make_trainer, train


def test_what_is_to_be_told_is_the_last_pulse_of_each_line():
    options = FlipFlop(name="flipflop", bits=2, sequences=20, steps=12, pulses=0.3)
    task = options.task(0, Path("nowhere"))
    assert [len(each) for each in (task.train, task.validation, task.test)] == [16, 2, 2]
    for start, end in zip(task.test.offsets, task.test.offsets[1:], strict=False):
        held = np.zeros(2)
        for pulses, told in zip(task.test.inputs[start:end], task.test.targets[start:end], strict=True):
            held = np.where(pulses != 0, pulses, held)
            np.testing.assert_array_equal(told, held)
    assert set(np.unique(task.train.targets)) == {-1, 1}
    probes = task.probes()
    assert probes.names == ("bit 1 up", "bit 2 up", "bit 1 down", "bit 2 down")
    np.testing.assert_array_equal(probes.inputs, probes.labels)
    np.testing.assert_array_equal(probes.of(-1, axis=1), [3])
    again = options.task(0, Path("nowhere"))
    np.testing.assert_array_equal(again.train.inputs, task.train.inputs)
    assert not np.array_equal(options.task(1, Path("nowhere")).train.inputs, task.train.inputs)


def test_a_network_that_has_learnt_it_rests_in_eight_stable_corners(tmp_path):
    changes = ["arch.hidden_size=24", "arch.embedding_size=3", "data.sequences=500", "data.steps=30"]
    changes += [
        "training.max_epochs=24",
        "training.batch_size=16",
        "analysis.sampling.points=150",
        "analysis.sampling.fixed=1e-4",
    ]
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        options = check_options(
            compose("config", overrides=["data=flipflop", "training.accelerator=cpu", "threads=1", *changes])
        )
    task = options.data.task(0, tmp_path)
    untrained, network = build_for(options, task), build_for(options, task)
    assert network.embedding.weight.shape == (3, 3)
    module, batches = TaskModule(network, options.training), TaskData(task, options.training.batch_size, seed=0)
    train(make_trainer(options.training, tmp_path, logger=False, score="r2"), module, batches)
    found = evaluate(module, batches.test_dataloader())
    assert found["r2"] > 0.97

    dissection = Dissection(network, untrained, task, options.analysis.sampling, 0, found["r2"])
    points = dissection.fixed_points.converged
    stable = points[linearize(network.cell, points, modes=1).modes.unstable == 0]
    with torch.no_grad():
        said = network.logits(network.cell.hidden(stable.location).float())
    assert (said.abs() - 1).abs().max() < 0.5
    corners = {tuple(row) for row in said.sign().int().tolist()}
    assert corners == {(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)}
    for corner in corners:  # one state each: the searches that came there agree
        here = stable.location[(said.sign().int() == torch.tensor(corner)).all(dim=1)]
        assert torch.cdist(here, here).max() < 0.05 * stable.location.norm(dim=1).median()

    pulse = dissection.embed(torch.from_numpy(dissection.probes.inputs[:1]))  # bit 1 up
    with torch.no_grad():
        pushed = network.cell.step(stable.location.float(), pulse.repeat(len(said), 1))
        moved = network.logits(network.cell.hidden(pushed)) - said
    assert moved[said[:, 0] < 0, 0].min() > 0.5
