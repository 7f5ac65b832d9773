"""Arrays of numpy and torch are taken everywhere, and give the same."""

import pytest
import torch
from networks import line_attractor, normal

from slowpoints.dynamics import (
    InvalidInput,
    Region,
    drift,
    eigenmodes,
    find_fixed_points,
    find_manifold,
    input_effects,
    input_projections,
    linearize,
    linearized_states,
    mode_overlaps,
    nearest_points,
    one_step_errors,
    predict_one_step,
    principal_components,
    readout_change,
    relaxation,
    sample_states,
    spectrum,
    sweep_tolerances,
    time_constants,
    typical_step,
    visited_states,
)

DIRECTION = normal(4)
NETWORK = line_attractor(DIRECTION)
STATES, INPUTS = normal(40, 4, seed=1), normal(40, 4, seed=2)
POINTS = find_fixed_points(NETWORK, STATES, torch.zeros(4))
LINEAR = linearize(NETWORK, POINTS)
MATRICES = torch.diag_embed(torch.arange(1.0, 5.0).double()) + 0.01 * normal(5, 4, 4)  # real eigenvalues
LENGTHS = torch.tensor([3, 1, 5, 2])

CALLS = {
    "drift": lambda kind: drift(NETWORK, kind(STATES), 3, kind(torch.ones(4).double())),
    "eigenmodes": lambda kind: eigenmodes(kind(MATRICES)).right,
    "find_fixed_points": lambda kind: find_fixed_points(NETWORK, kind(STATES), kind(torch.zeros(4))).location,
    "find_manifold": lambda kind: (
        find_manifold(kind(STATES), visited=kind(INPUTS), readout=kind(normal(2, 4)), dimension=2).position
    ),
    "input_effects": lambda kind: input_effects(LINEAR, kind(INPUTS)),
    "input_projections": lambda kind: input_projections(LINEAR, kind(INPUTS)),
    "linearize": lambda kind: linearize(NETWORK, kind(STATES), kind(INPUTS)).image,
    "linearized_states": lambda kind: linearized_states(LINEAR, kind(INPUTS.view(4, 10, 4)), kind(STATES[:4])),
    "mode_overlaps": lambda kind: mode_overlaps(LINEAR, kind(DIRECTION)),
    "nearest_points": lambda kind: nearest_points(LINEAR, kind(STATES)),
    "one_step_errors": lambda kind: one_step_errors(LINEAR, kind(STATES), kind(INPUTS), kind(STATES + 1)),
    "oriented": lambda kind: LINEAR.oriented(kind(-DIRECTION)).modes.right,
    "predict_one_step": lambda kind: predict_one_step(LINEAR, kind(STATES), kind(INPUTS)),
    "principal_components": lambda kind: principal_components(kind(STATES)).components,
    "project": lambda kind: principal_components(STATES).project(kind(INPUTS.view(4, 10, 4)), 2),
    "readout_change": lambda kind: readout_change(kind(STATES), kind(DIRECTION)),
    "region": lambda kind: Region.around(kind(STATES), 0.5).contains(kind(2 * STATES)),
    "relaxation": lambda kind: relaxation(NETWORK, kind(STATES), kind(torch.ones(4).double()), steps=3),
    "relative_speed": lambda kind: (
        find_fixed_points(
            NETWORK,
            kind(STATES),
            kind(torch.zeros(4)),
            typical_step=typical_step(kind(STATES.view(4, 10, 4)), kind(LENGTHS)),
        ).relative_speed
    ),
    "sample_states": lambda kind: sample_states(kind(STATES), 10, noise=0.1),
    "share": lambda kind: find_manifold(STATES).share(kind(INPUTS)),
    "spectrum": lambda kind: spectrum(kind(MATRICES)),
    "sweep_tolerances": lambda kind: sweep_tolerances(NETWORK, kind(STATES), kind(torch.zeros(4)))[1e-8].location,
    "time_constants": lambda kind: time_constants(kind(torch.tensor([0.5, 0.9j]))),
    "visited_states": lambda kind: visited_states(kind(STATES.view(4, 10, 4)), kind(LENGTHS)),
}


def read_only(tensor):
    array = tensor.numpy().copy()
    array.flags.writeable = False
    return array


KINDS = {
    "numpy": torch.Tensor.numpy,
    "read-only": read_only,
    "other byte order": lambda tensor: tensor.numpy().astype(tensor.numpy().dtype.newbyteorder()),
    "strided": lambda tensor: tensor.numpy()[::-1].copy()[::-1],
    "with gradient": lambda tensor: tensor.clone().requires_grad_() if tensor.is_floating_point() else tensor,
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_arrays_of_numpy_and_torch_give_the_same(call, kind):
    found, expected = call(kind), call(torch.clone)
    assert torch.equal(found, expected)
    assert found.dtype == expected.dtype
    assert not found.requires_grad


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("kind", [lambda tensor: tensor.tolist(), lambda tensor: tensor.numpy().astype(object)])
def test_what_is_no_array_of_numbers_is_one_clear_message(call, kind):
    with pytest.raises(InvalidInput, match="must"):
        call(kind)
