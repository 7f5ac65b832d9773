from __future__ import annotations

import pytest
import torch
from tests.shapes import WrongShape, check_shapes

from slowpoints.cells import GRU

check_shapes()


def test_a_shape_that_is_not_as_annotated_is_found():
    cell = GRU(3, 5)
    assert cell.hidden_states(torch.zeros(2, 7, 3)).shape == (2, 7, 5)
    with pytest.raises(WrongShape, match=r"Cell.hidden_states: inputs is \(7, 3\)"):
        cell.hidden_states(torch.zeros(7, 3))
