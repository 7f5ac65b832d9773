import pytest
import torch
from hydra import compose, initialize_config_dir

from slowpoints.app.main import config_folder
from slowpoints.cells import GRU, LSTM, UGRNN, Linear, VanillaRNN
from slowpoints.sweep.options import check_options
from slowpoints.tasks.batches import Batch
from slowpoints.training.model import RecurrentClassifier
from slowpoints.training.module import TaskModule
from slowpoints.training.train import CheckpointFiles, load_weights


def classifier(*overrides):
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        options = check_options(compose("config", overrides=list(overrides)))
    return TaskModule(RecurrentClassifier(GRU(4, 5), 20), options.training)


def test_the_rate_rises_linearly_and_then_decays_exponentially():
    module = classifier("training.warmup_steps=9", "training.final_rate_share=0.01")
    assert module.rate_share(0, 1000) == pytest.approx(0.1)
    assert module.rate_share(4, 1000) == pytest.approx(0.5, rel=0.03)
    assert module.rate_share(500, 1000) == pytest.approx(0.1)
    assert module.rate_share(1000, 1000) == pytest.approx(0.01)


def gradients(module, batch):
    module.zero_grad()
    loss = module.training_step(batch, 0)
    loss.backward()
    return loss.item(), {name: parameter.grad.clone() for name, parameter in module.named_parameters()}


@pytest.mark.parametrize("cell", [LSTM(4, 5), GRU(4, 5), UGRNN(4, 5), VanillaRNN(4, 5), Linear(4, 5)])
def test_the_penalty_adds_twice_its_factor_times_the_parameter_to_the_cells_gradients_alone(cell):
    torch.manual_seed(0)
    cell.train_initial_state()
    with torch.no_grad():
        cell.initial_state.fill_(0.3)
    batch = Batch(torch.tensor([[2, 3, 4], [5, 6, 0]]), torch.tensor([3, 2]), torch.tensor([1, 0]))
    logged = {}
    found = {}
    for factor in (0.0, 0.1):
        module = TaskModule(RecurrentClassifier(cell, 20), classifier(f"training.recurrent_l2={factor}").options)
        torch.manual_seed(1)
        torch.nn.init.normal_(module.network.embedding.weight)
        torch.nn.init.normal_(module.network.readout.weight)
        module.log = lambda name, value, **_: logged.__setitem__(name, float(value.detach()))
        found[factor] = gradients(module, batch)
    (plain, before), (penalised, after) = found.values()
    squares = sum(parameter.square().sum().item() for parameter in cell.parameters())
    assert penalised == pytest.approx(plain + 0.1 * squares, rel=1e-6)
    assert logged["training/loss"] == pytest.approx(plain)  # the task's alone
    assert logged["training/recurrent_penalty"] == pytest.approx(0.1 * squares)
    for name, parameter in module.named_parameters():
        added = 0.2 * parameter.detach() if name.startswith("network.cell.") else torch.zeros_like(parameter)
        torch.testing.assert_close(after[name], before[name] + added)
    assert "network.cell.initial_state" in after


def test_the_initial_state_is_kept_with_the_weights(tmp_path):
    path = tmp_path / "model.safetensors"
    modules = []
    for value in (0.25, 0.0):
        module = classifier()
        module.network.cell.train_initial_state()
        torch.nn.init.constant_(module.network.cell.initial_state, value)
        modules.append(module)
    CheckpointFiles().save_checkpoint({"state_dict": modules[0].state_dict()}, path)
    load_weights(modules[1], path)
    assert modules[1].network.cell.initial_state.tolist() == [0.25] * 5


def test_weights_survive_the_file_and_are_written_whole(tmp_path):
    torch.manual_seed(0)
    first, second = classifier(), classifier()
    path = tmp_path / "model.safetensors"
    CheckpointFiles().save_checkpoint({"state_dict": first.state_dict()}, path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    load_weights(second, path)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])
