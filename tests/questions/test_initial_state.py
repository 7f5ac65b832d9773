"""Analyses start documents where the network does, and read it out from all that its readout sees."""

import numpy as np
import pytest
import torch
from made import WORDS, dissect, integrator

from slowpoints.cells import LSTM
from slowpoints.questions.explorer import ExplorerQuestion
from slowpoints.questions.linearized import LinearizedNetworkQuestion
from slowpoints.questions.manifold import ManifoldQuestion
from slowpoints.questions.pca import PrincipalComponentQuestion
from slowpoints.training.model import RecurrentClassifier


@pytest.fixture
def shifted():
    """An integrator that starts with some evidence."""
    network = integrator()
    network.cell.train_initial_state()
    with torch.no_grad():
        network.cell.initial_state.fill_(0.05)
    return dissect(network)


def test_trajectories_start_in_the_trained_state(shifted):
    network, trajectories = shifted.network, shifted.trajectories
    assert trajectories.initial.tolist() == pytest.approx([0.05] * 6)
    state = trajectories.initial[None]
    for token, visited in zip(trajectories.tokens[: trajectories.offsets[1]], trajectories.of(0), strict=True):
        with torch.no_grad():
            state = network.cell.step(state, network.embedding(token[None]))
        torch.testing.assert_close(visited, state[0])


def test_figures_show_the_trained_state(shifted):
    expected = shifted.components.project(torch.full((1, 6), 0.05).double(), 2)[0].numpy()
    np.testing.assert_allclose(PrincipalComponentQuestion()(shifted).arrays["initial"], expected, rtol=1e-5)
    arrays = ExplorerQuestion()(shifted).arrays
    np.testing.assert_allclose(arrays["initial_plane"], expected, rtol=1e-5)
    logit = 0.05 * 6**0.5 + shifted.network.readout.bias.item()
    assert arrays["initial_logit"] == pytest.approx(logit, rel=1e-5)


def test_the_linearised_network_starts_in_the_trained_state(shifted):
    found = LinearizedNetworkQuestion()(shifted)
    assert found.metrics["agreement"] == 1  # where it starts decides many of them
    started_at_zero = found.arrays["logit"] - 0.05 * 6**0.5
    assert np.mean((started_at_zero > 0) == (found.arrays["logit"] > 0)) < 1


def test_the_line_of_an_lstm_that_is_read_out_whole_is_compared_with_the_whole_readout():
    torch.manual_seed(0)
    networks = [RecurrentClassifier(LSTM(2, 4, readout_cell_state=True), WORDS) for _ in range(2)]
    dissection = dissect(networks[0], untrained=networks[1])
    assert dissection.readout.shape == (8,)
    axis, weights = dissection.manifold.axis, dissection.readout.double()
    cosine = float((axis @ weights).abs() / weights.norm())
    assert ManifoldQuestion()(dissection).metrics["readout_alignment"] == pytest.approx(cosine, abs=1e-6)
    logits = dissection.states.double() @ weights + dissection.network.readout.bias.item()
    torch.testing.assert_close(dissection.logits(dissection.states).double(), logits, atol=1e-5, rtol=1e-5)
