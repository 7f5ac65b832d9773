"""Runs that would get the same folder, since they begin in the same second."""

import pytest

from slowpoints.app.main import run_command
from slowpoints.tracking.journal import own_folder


def test_each_gets_a_folder_of_its_own(tmp_path):
    with own_folder(tmp_path / "run") as first, own_folder(tmp_path / "run") as second:
        assert (first, second) == (tmp_path / "run", tmp_path / "run-2")
        (first / "tracking" / "journal.jsonl").touch()
    assert {path.name for path in tmp_path.iterdir()} == {"run"}  # nothing was recorded in the second
    with own_folder(tmp_path / "run") as third:
        assert third == tmp_path / "run-2"


@pytest.mark.parametrize(("name", "left"), [("out-${now:%Y}", "out-20??-2"), ("out", "out")])
def test_a_folder_that_the_clock_names_is_made_unique_and_one_that_the_user_names_is_taken(
    tmp_path, monkeypatch, name, left
):
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr("slowpoints.app.run.run", lambda options, folder: asked.append(folder))
    for taken in (name.replace("${now:%Y}", str(year)) for year in range(2026, 2100)):
        (tmp_path / taken / "tracking").mkdir(parents=True, exist_ok=True)
    run_command([f"hydra.run.dir={name}"])
    assert asked[0].match(left)
