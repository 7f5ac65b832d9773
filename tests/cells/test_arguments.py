"""The order of state and input, from the names of a function's arguments."""

import functools

import pytest
import torch
from torch import nn

from slowpoints.cells.arguments import Order, order_of

ORDERS = [
    (lambda state, input: state, Order.STATE_INPUT),
    (lambda h, x: h, Order.STATE_INPUT),
    (lambda x, h: h, Order.INPUT_STATE),
    (lambda input, hx=None: hx, Order.INPUT_STATE),
    (lambda x_t, prev_hidden: x_t, Order.INPUT_STATE),
    (lambda xt, hiddenState: xt, Order.INPUT_STATE),
    (lambda state, input, weight=1.0: state, Order.STATE_INPUT),
    (lambda h, weight=1.0: h, Order.STATE),
    (lambda h: h, Order.STATE),
    (lambda x, u: x, None),  # in control theory x is the state
    (lambda a, b: a, None),
    (lambda hidden, state: hidden, None),
    (lambda *both: both, None),
    (lambda h, x, mask: h, None),
    (torch.tanh, None),
    (nn.GRUCell(2, 3).forward, Order.INPUT_STATE),
    (functools.partial(lambda scale, h, x: h, 2.0), Order.STATE_INPUT),
]


@pytest.mark.parametrize(("function", "order"), ORDERS)
def test_names_tell_the_order_or_nothing(function, order):
    assert order_of(function) is order
