"""What every function of the library asks of its arrays, each failure with one clear message."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

    Array = Tensor | NDArray[np.floating]


class InvalidInput(ValueError):
    """An array or option that cannot be analysed: the message says which, why, and what would be right."""


def as_tensor(array: Any, name: str) -> Tensor:
    """Return a numpy array, or a tensor, as a tensor without gradient.

    Raises
    ------
    InvalidInput
        Where it is neither, or holds what a tensor cannot.
    """
    if isinstance(array, np.ndarray):
        try:
            array = torch.from_numpy(np.require(array, array.dtype.newbyteorder("="), ["C", "W"]))
        except TypeError as error:
            raise InvalidInput(f"{name} must hold numbers, not {array.dtype}") from error
    if not isinstance(array, Tensor):
        raise InvalidInput(f"{name} must be a tensor or a numpy array, not {type(array).__name__}")
    return array.detach()


def as_points(array: Array, name: str = "states") -> Float[Tensor, "point axis"]:
    """Return an array of vectors as a detached tensor `(point, axis)`; a single vector becomes one row.

    Raises
    ------
    InvalidInput
        Where it is no array of real floating-point numbers with one or two axes, is empty, or is not finite.
    """
    points = as_tensor(array, name)
    if not points.is_floating_point():
        raise InvalidInput(f"{name} must hold real floating-point numbers, not {points.dtype}")
    if points.ndim == 1:
        points = points.unsqueeze(0)
    if points.ndim != 2:
        raise InvalidInput(
            f"{name} must have the shape (point, {_axis(name)}), not {tuple(array.shape)}; "
            "join the batch and time axes of trajectories with .flatten(0, 1)"
        )
    if points.numel() == 0:
        raise InvalidInput(f"{name} is empty: its shape is {tuple(array.shape)}")
    _check_finite(points, name)
    return points


def as_readout(readout: Array, state_size: int) -> Float[Tensor, "readout hidden"]:
    """Return readout weights as rows that see the first entries of a state, or all of them.

    Raises
    ------
    InvalidInput
        Where a row is zero, or has more weights than the state has entries.
    """
    rows = as_points(readout, "readout")
    if rows.shape[1] > state_size:
        raise InvalidInput(f"readout has {rows.shape[1]} weights in a row, the state only {state_size} entries")
    if not rows.any(dim=1).all():
        raise InvalidInput("readout has a row of zeros: it reads nothing")
    return rows


def _axis(name: str) -> str:
    return "input" if name.startswith("input") else "state"


def _check_finite(points: Tensor, name: str) -> None:
    bad = ~torch.isfinite(points).all(dim=1)
    if bad.any():
        raise InvalidInput(
            f"{name} holds NaN or infinite values in {int(bad.sum())} of {len(points)} rows, first in row "
            f"{int(bad.nonzero()[0])}; leave those rows out, and find out where they come from"
        )


def check_size(points: Tensor, size: int, name: str, owner: str) -> None:
    """Raise `InvalidInput` unless the points have as many axes as the network has."""
    if points.shape[-1] != size:
        raise InvalidInput(f"{name} has {points.shape[-1]} numbers in a row, but {owner} has {size}")


def check_device(tensor: Tensor, device: torch.device, name: str, owner: str) -> None:
    """Raise `InvalidInput` unless the tensor lies where the owner does."""
    if tensor.device != device:
        raise InvalidInput(f"{name} is on {tensor.device}, but {owner} is on {device}; move one with .to(...)")


def check_positive(value: float, name: str) -> None:
    """Raise `InvalidInput` unless an option is above zero."""
    if not value > 0:
        raise InvalidInput(f"{name} must be above 0, not {value}")


def check_count(value: int, name: str) -> None:
    """Raise `InvalidInput` unless an option is a whole number above zero."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral) or value < 1:
        raise InvalidInput(f"{name} must be a whole number above 0, not {value!r}")


def check_precision(dtype: torch.dtype) -> None:
    """Raise `InvalidInput` unless decompositions can be computed in a dtype."""
    if dtype not in (torch.float32, torch.float64):
        raise InvalidInput(f"dtype must be torch.float64 or torch.float32, not {dtype}")
