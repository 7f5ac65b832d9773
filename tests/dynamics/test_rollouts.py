import copy

import pytest
import torch
from networks import linear_network, rotation

from slowpoints.cells import GRU
from slowpoints.dynamics import (
    InvalidInput,
    linearize,
    linearized_states,
    nearest_points,
    one_step_errors,
    predict_one_step,
    relaxation,
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def small_gru():
    torch.manual_seed(0)
    return GRU(3, 6).double()


def linear_case():
    network = linear_network(0.4 * normal(4, 4), normal(4, seed=1))
    return network, linearize(network, normal(7, 4, seed=2), torch.zeros(4))


def test_the_linearisation_of_a_linear_network_is_exact():
    network, linearization = linear_case()
    states, inputs = 5 * normal(40, 4, seed=3), normal(40, 4, seed=4)
    torch.testing.assert_close(predict_one_step(linearization, states, inputs), network(states, inputs))
    assert one_step_errors(linearization, states, inputs, network(states, inputs)).max() < 1e-12


def test_a_linear_network_runs_freely_as_itself():
    network, linearization = linear_case()
    inputs, state = normal(3, 20, 4, seed=5), torch.zeros(3, 4).double()
    expected = []
    for token in range(20):
        state = network(state, inputs[:, token])
        expected.append(state)
    torch.testing.assert_close(linearized_states(linearization, inputs), torch.stack(expected, dim=1))
    resumed = linearized_states(linearization, inputs[:, 5:], expected[4])
    torch.testing.assert_close(resumed, torch.stack(expected[5:], dim=1))


def test_predictions_use_the_nearest_point_whatever_the_order():
    cell = small_gru()
    linearization = linearize(cell, normal(9, 6))
    states, inputs = normal(30, 6, seed=1), normal(30, 3, seed=2)
    nearest = nearest_points(linearization, states)
    assert torch.equal(nearest, torch.cdist(states, linearization.location).argmin(dim=1))
    expected = torch.stack(
        [
            linearization.image[point]
            + linearization.recurrent_jacobian[point] @ (state - linearization.location[point])
            + linearization.input_jacobian[point] @ input
            for point, state, input in zip(nearest, states, inputs, strict=True)
        ]
    )
    torch.testing.assert_close(predict_one_step(linearization, states, inputs), expected)
    flipped = predict_one_step(linearization, states.flip(0), inputs.flip(0))
    torch.testing.assert_close(flipped.flip(0), expected)


def test_predictions_close_to_a_point_are_good_to_second_order():
    cell = small_gru()
    linearization = linearize(cell, normal(1, 6))
    errors = []
    for scale in (1e-2, 1e-3):
        states = linearization.location + scale * normal(20, 6, seed=1)
        inputs = scale * normal(20, 3, seed=2)
        with torch.no_grad():
            following = cell.step(states, inputs)
        errors.append(one_step_errors(linearization, states, inputs, following).max().item())
    assert errors[1] == pytest.approx(errors[0] / 100, rel=0.2)


def test_relaxation_of_a_shrinking_rotation_is_constant():
    changes = relaxation(rotation(0.3, 0.9), normal(5, 2), torch.zeros(2), steps=10)
    expected = abs(0.9 * torch.exp(torch.tensor(0.3j, dtype=torch.complex128)) - 1)
    torch.testing.assert_close(changes, expected.expand(10, 5))


def test_relaxation_leaves_everything_as_it_was():
    cell, states = small_gru(), normal(5, 6)
    kept, parameters = states.clone(), copy.deepcopy(cell.state_dict())
    changes = relaxation(cell, states)
    assert changes.shape == (50, 5)
    assert changes[-1].max() < changes[0].max()
    assert torch.equal(states, kept)
    assert all(torch.equal(parameters[name], value) for name, value in cell.state_dict().items())


@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("one input per state", lambda lin: predict_one_step(lin, normal(4, 4), normal(3, 4))),
        ("has 3 numbers", lambda lin: predict_one_step(lin, normal(4, 3), normal(4, 4))),
        ("network's input", lambda lin: predict_one_step(lin, normal(4, 4), normal(4, 3))),
        ("following", lambda lin: one_step_errors(lin, normal(4, 4), normal(4, 4), normal(3, 4))),
        ("batch, time, input", lambda lin: linearized_states(lin, normal(4, 4))),
        ("initial", lambda lin: linearized_states(lin, normal(2, 3, 4), normal(3, 4))),
        ("steps", lambda lin: relaxation(GRU(3, 6), normal(2, 6), steps=0)),
    ],
)
def test_bad_input_is_one_clear_message(part, call):
    with pytest.raises(InvalidInput, match=part):
        call(linear_case()[1])
