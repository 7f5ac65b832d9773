"""On a GPU the library, the analyses and a run find what they find on the CPU."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.questions.made import dissect, integrator

import slowpoints
from slowpoints.cells import GRU, LSTM, UGRNN, Stacked, VanillaRNN
from slowpoints.questions.fixed_points import FixedPointQuestion
from slowpoints.questions.linearization import LinearizationQuestion
from slowpoints.questions.manifold import ManifoldQuestion
from slowpoints.questions.modes import ModesQuestion
from slowpoints.questions.overlap import OverlapQuestion
from slowpoints.questions.pca import PrincipalComponentQuestion

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and there is none")
PROJECT = Path(__file__).parents[2]
ANALYSES = (
    FixedPointQuestion(),
    ManifoldQuestion(),
    ModesQuestion(),
    OverlapQuestion(),
    LinearizationQuestion(),
    PrincipalComponentQuestion(),
)


def network(kind):
    torch.manual_seed(0)
    return Stacked([GRU(3, 10), LSTM(10, 6)]) if kind is Stacked else kind(3, 12)


@pytest.fixture(params=[GRU, LSTM, UGRNN, VanillaRNN, Stacked])
def on_both(request):
    """A cell and states, on the CPU and on the GPU."""
    cell = network(request.param)
    states = 0.3 * torch.randn(40, cell.state_size, generator=torch.Generator().manual_seed(0))
    return (cell, states), (copy.deepcopy(cell).cuda(), states.cuda())


def test_searches_end_in_the_same_points(on_both):
    (cell, states), (on_gpu, states_there) = on_both
    here = slowpoints.find_fixed_points(cell, states)
    there = slowpoints.find_fixed_points(on_gpu, states_there)
    assert there.location.device.type == "cuda"
    assert there.counts() == here.counts()
    torch.testing.assert_close(there.location.cpu(), here.location, rtol=1e-4, atol=1e-4)


def test_modes_are_the_same(on_both):
    (cell, states), (on_gpu, states_there) = on_both
    here = slowpoints.linearize(cell, states, modes=3)
    there = slowpoints.linearize(on_gpu, states_there, modes=3)
    torch.testing.assert_close(there.modes.eigenvalues.cpu().abs(), here.modes.eigenvalues.abs(), rtol=1e-8, atol=1e-10)
    assert float(there.modes.residual.max()) < 1e-9
    torch.testing.assert_close(there.image.cpu(), here.image, rtol=1e-10, atol=1e-12)


def test_a_plain_function_is_searched_on_the_gpu():
    weight = torch.tensor([[1.5, 0.0], [0.0, 0.5]], dtype=torch.float64)
    starts = torch.randn(60, 2, generator=torch.Generator().manual_seed(0)).double()

    def found(device):
        there = weight.to(device)
        return slowpoints.find_fixed_points(
            lambda state, input: torch.tanh(state @ there.T + input), starts.to(device), torch.zeros(2).to(device)
        )

    torch.testing.assert_close(found("cuda").location.cpu(), found("cpu").location, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda analysis: analysis.name)
def test_analyses_find_the_same_numbers(analysis):
    here = analysis(dissect(integrator(), untrained=integrator())).metrics
    there = analysis(dissect(integrator().cuda(), untrained=integrator().cuda())).metrics
    assert there.keys() == here.keys()
    for name, value in here.items():
        assert there[name] == pytest.approx(value, rel=1e-2, abs=1e-3), name


@pytest.mark.timeout(600)
def test_a_run_on_the_gpu_ends_like_one_on_the_cpu(tmp_path):
    options = ["data.documents=600", "training.max_epochs=3", "arch.hidden_size=32", "analysis=quick", "console=quiet"]
    accuracy = {}
    for accelerator in ("cpu", "cuda"):
        folder = tmp_path / accelerator
        command = [sys.executable, "-m", "slowpoints.app.main", "run", *options, f"hydra.run.dir={folder}"]
        subprocess.run([*command, f"training.accelerator={accelerator}"], cwd=tmp_path, check=True, timeout=280)
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["failures"] == {}
        accuracy[accelerator] = summary["metrics"]["test/accuracy"]
    assert np.diff(list(accuracy.values())) == pytest.approx(0, abs=0.1)
