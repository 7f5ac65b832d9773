"""Calls of the library are checked against the shapes in its annotations."""

from __future__ import annotations

from tests.shapes import check_shapes

check_shapes()
