import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from slowpoints.dynamics import InvalidInput, Region, principal_components, sample_states, visited_states


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_principal_components_are_those_of_scikit_learn():
    states = normal(200, 6) @ normal(6, 6, seed=1) + 3
    ours, theirs = principal_components(states), PCA().fit(states.numpy())
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_, rtol=1e-10)
    np.testing.assert_allclose(np.abs(ours.components.numpy() @ theirs.components_.T), np.eye(6), atol=1e-8)
    np.testing.assert_allclose(
        ours.project(states, 2).abs(), np.abs(theirs.transform(states.numpy())[:, :2]), atol=1e-8
    )


def test_a_line_has_one_dimension_and_a_ball_has_all():
    line = normal(100, 1) * torch.tensor([[3.0, 4.0, 0.0]]).double()
    found = principal_components(line)
    torch.testing.assert_close(found.components[0], torch.tensor([0.6, 0.8, 0.0]).double())
    assert found.participation_ratio == pytest.approx(1)
    assert found.dimensions(0.9) == found.dimensions(1.0) == 1
    assert principal_components(normal(50_000, 8)).participation_ratio == pytest.approx(8, rel=0.01)


def test_single_precision_far_from_zero_is_summed_in_double():
    states = (normal(1000, 3) + 1e4).float()
    expected = principal_components(states.double())
    torch.testing.assert_close(principal_components(states).variance, expected.variance)


def test_fewer_states_than_dimensions_have_fewer_components():
    found = principal_components(normal(3, 10))
    assert found.components.shape == (2, 10)
    assert found.explained.sum().item() == pytest.approx(1)


def test_projection_keeps_leading_axes_and_dtype():
    found = principal_components(normal(30, 4))
    projected = found.project(normal(2, 5, 4).float(), count=3)
    assert projected.shape == (2, 5, 3)
    assert projected.dtype == torch.float32


def test_states_that_do_not_vary_explain_nothing():
    found = principal_components(torch.ones(5, 3))
    assert found.explained.sum() == 0
    assert np.isnan(found.participation_ratio)


def test_samples_are_visited_states_without_repetition():
    states = normal(50, 3)
    sample = sample_states(states, 50, seed=1)
    assert torch.equal(sample.sort(dim=0).values, states.sort(dim=0).values)
    assert torch.equal(sample, sample_states(states, 50, seed=1))
    assert not torch.equal(sample, sample_states(states, 50, seed=2))


def test_noise_is_added_and_lets_states_repeat():
    states = torch.zeros(3, 4)
    sample = sample_states(states, 3000, noise=0.5)
    assert sample.shape == (3000, 4)
    assert sample.std().item() == pytest.approx(0.5, rel=0.05)
    assert torch.equal(states, torch.zeros(3, 4))


def test_visited_states_leave_out_padding():
    states = torch.arange(12.0).reshape(2, 3, 2)
    kept = visited_states(states, torch.tensor([1, 3]))
    assert torch.equal(kept, torch.cat([states[0, :1], states[1]]))


def test_a_region_holds_what_is_near_its_states():
    region = Region.around(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), reach=0.5)
    points = torch.tensor([[1.4, 0.0], [1.6, 0.0], [0.0, 0.04], [0.0, 0.06], [torch.nan, 0.0]])
    assert region.contains(points).tolist() == [True, False, True, False, False]


def test_a_region_follows_each_principal_component():
    """A ball of the states' spread would hold a point far off the plane that they vary in."""
    states = normal(500, 20) * torch.tensor([10.0, 3.0] + 18 * [0.01]).double()
    turn = torch.linalg.qr(normal(20, 20, seed=1)).Q
    far = torch.zeros(3, 20).double()
    far[0, 0], far[1, 1], far[2, 2] = 35.0, 25.0, 5.0
    for scale, shift in ((1.0, 0.0), (1e-6, 0.0), (1e6, 3e7)):
        region = Region.around(scale * states @ turn + shift)
        assert region.contains(scale * far @ turn + shift).tolist() == [True, False, False]


def test_a_region_of_few_states_of_many_units_holds_others_of_their_kind():
    held = Region.around(normal(12, 500)).contains(normal(200, 500, seed=1))
    assert held.double().mean() > 0.95


@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("at least two", lambda: principal_components(torch.zeros(1, 3))),
        ("NaN", lambda: principal_components(torch.full((4, 3), torch.nan))),
        ("share", lambda: principal_components(normal(9, 3)).dimensions(0)),
        ("has 2 numbers", lambda: principal_components(normal(9, 3)).project(normal(4, 2))),
        ("cannot draw 9 of 4", lambda: sample_states(normal(4, 2), 9)),
        ("noise", lambda: sample_states(normal(4, 2), 2, noise=-1)),
        ("count", lambda: sample_states(normal(4, 2), 0)),
        ("lengths", lambda: visited_states(normal(4, 2, 3), torch.tensor([1, 2]))),
        ("between 0 and the 2", lambda: visited_states(normal(1, 2, 3), torch.tensor([3]))),
        ("spread", lambda: Region.around(torch.ones(3, 2))),
        ("reach", lambda: Region.around(normal(3, 2), reach=0)),
        ("has 3 numbers", lambda: Region.around(normal(3, 2)).contains(normal(3, 3))),
    ],
)
def test_bad_input_is_one_clear_message(part, call):
    with pytest.raises(InvalidInput, match=part):
        call()
