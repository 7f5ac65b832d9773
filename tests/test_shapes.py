from __future__ import annotations

import pytest
import torch
from tests.shapes import WrongShape, check_shapes

from slowpoints.dynamics.solvers import solver

check_shapes()


def test_a_shape_that_is_not_as_annotated_is_found():
    assert solver.q_of(torch.zeros(4, 3)).shape == (4,)
    with pytest.raises(WrongShape, match=r"q_of: residual is \(4, 3, 2\)"):
        solver.q_of(torch.zeros(4, 3, 2))
