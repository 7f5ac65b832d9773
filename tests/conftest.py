"""Fixtures for all tests."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Left:
    """A small run that has finished: its folder, its MLflow store, and its options on the command line."""

    folder: Path
    uri: str
    options: tuple[str, ...]


@pytest.fixture(scope="session")
def _left(_empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Left:
    from slowpoints.app.main import run_command

    home = tmp_path_factory.mktemp("left")
    shutil.copy(_empty_store, home / "mlflow.db")
    uri = f"sqlite:///{home}/mlflow.db"
    small = ("data.documents=100", "arch.hidden_size=4", "arch.embedding_size=3", "training.max_epochs=1", "threads=1")
    options = (*small, "analysis=[sampling,pca]", "analysis.sampling.documents=15", "analysis.sampling.points=20")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        run_command([*options, f"cache_dir={home}/cache", f"tracking.uri={uri}", "hydra.run.dir=run"])
    return Left(home / "run", uri, options)


@pytest.fixture
def left(_left: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Left:
    """A small finished run, the folder of which is the test's own; the current folder is the one around it."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(_left.folder, tmp_path / "run")
    return Left(tmp_path / "run", _left.uri, _left.options)
