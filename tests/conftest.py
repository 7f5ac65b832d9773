"""Fixtures for all tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder with the real data sets (imdb/train.parquet and so on); the test is skipped where there is none."""
    named = os.environ.get("SLOWPOINTS_DATA")
    if not named:
        pytest.skip("no real data: name a folder that has it with SLOWPOINTS_DATA")
    return Path(named)


@pytest.fixture(scope="session")
def _empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store without runs: making one takes seconds, copying it none."""
    from slowpoints.tracking.options import TrackingOptions
    from slowpoints.tracking.store import open_store

    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        open_store(TrackingOptions(uri="sqlite:///mlflow.db", experiment="unused"))
    return folder / "mlflow.db"


@pytest.fixture
def store(_empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URI of an empty MLflow store in the test's own folder, which becomes the current one."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(_empty_store, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"  # absolute: MLflow keeps a connection for each URI, whatever the folder
