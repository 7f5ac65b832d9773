"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder with the real data sets (imdb/train.parquet and so on); the test is skipped where there is none."""
    named = os.environ.get("SLOWPOINTS_DATA")
    root = Path(named) if named else PROJECT.parent / "shared" / "data"
    if not root.is_dir():
        pytest.skip(f"no real data: {root} is no folder (name one with SLOWPOINTS_DATA)")
    return root
