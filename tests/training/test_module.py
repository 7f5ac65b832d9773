import pytest
import torch
from hydra import compose, initialize_config_dir

from slowpoints.app.main import config_folder
from slowpoints.cells import GRU
from slowpoints.sweep.options import check_options
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


def test_weights_survive_the_file_and_are_written_whole(tmp_path):
    torch.manual_seed(0)
    first, second = classifier(), classifier()
    path = tmp_path / "model.safetensors"
    CheckpointFiles().save_checkpoint({"state_dict": first.state_dict()}, path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    load_weights(second, path)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])
