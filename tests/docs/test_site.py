"""The documentation builds without a broken link, and the references are complete."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import slowpoints.cells
import slowpoints.dynamics
from slowpoints.app.main import run_command

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "docs"))

from hooks import GROUPS, options_of  # noqa: E402


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site, strictly."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_pages_load_nothing_from_elsewhere(site):
    loaded = re.compile(r"""<(?:script|img|link|iframe)[^>]+(?:src|href)=["']?(https?://[^"' >]+)""")
    for page in site.rglob("*.html"):
        assert [url for url in loaded.findall(page.read_text()) if "canonical" not in url] == [], page.name


def test_the_story_was_run_and_shows_what_was_found(site):
    page = (site / "story.html").read_text()
    assert page.count("<img") == 3
    for found in (
        "of the test documents right",
        "time constants of the four slowest modes",
        "median error of one step",
    ):
        assert found in page
    assert "Warning" not in page
    assert json.loads((site / "story.ipynb").read_text())["cells"][1]["outputs"]


@pytest.mark.parametrize("module", [slowpoints.cells, slowpoints.dynamics], ids=lambda module: module.__name__)
def test_every_public_name_is_in_the_reference(site, module):
    page = (site / "reference" / "library.html").read_text()
    for name in module.__all__:
        assert f'id="{module.__name__}.{name}"' in page, name


@pytest.mark.parametrize("group", [".", *(group for group in GROUPS if group != "analysis")])
def test_every_option_is_in_the_reference_and_explained(site, group):
    page = (site / "reference" / "options.html").read_text()
    for file in (PROJECT / "conf" / group).glob("*.yaml"):
        for option in options_of(file.read_text()):
            assert option.key in page
            assert option.comment or option.key == "name" or option.key.startswith("cell."), (file.name, option.key)


def test_the_own_architecture_of_the_documents_works_as_it_stands(store, monkeypatch):
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", (PROJECT / "docs" / "own-architecture.md").read_text(), re.S))
    Path("my_cells.py").write_text(blocks["python"])
    Path("my_conf/arch").mkdir(parents=True)
    Path("my_conf/arch/leaky.yaml").write_text(blocks["yaml"])
    monkeypatch.syspath_prepend(str(Path.cwd()))
    small = ["data.documents=200", "arch.hidden_size=6", "arch.embedding_size=5", "training.max_epochs=1"]
    small += ["analysis=quick", "analysis.sampling.documents=15", "analysis.sampling.points=20", "threads=1"]
    run_command([*blocks["sh"].split()[3:], *small, f"tracking.uri={store}", "hydra.run.dir=out"])
    summary = json.loads(Path("out/summary.json").read_text())
    assert summary["failures"] == {}
    assert summary["metrics"]["fixed_points/starts"] == 20
