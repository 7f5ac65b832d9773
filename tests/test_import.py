import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import slowpoints

PROJECT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", slowpoints.__all__)
def test_the_library_is_importable_from_the_top(name):
    assert getattr(slowpoints, name).__name__ == name
    assert name in dir(slowpoints)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = slowpoints.nothing_of_the_kind


def test_importing_the_package_loads_no_heavy_library():
    code = "import slowpoints, sys; print([name for name in ('torch', 'numpy', 'sklearn') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


FIVE_LINES = """
import sys
for name in BLOCKED:
    sys.modules[name] = None  # importing it raises ImportError

import torch
import slowpoints

cell = slowpoints.from_torch(torch.nn.GRU(3, 8))
visited = cell.states(torch.randn(20, 10, 3)).flatten(0, 1)
points = slowpoints.find_fixed_points(cell, slowpoints.sample_states(visited, 50))
linear = slowpoints.linearize(cell, points.converged)
assert len(linear) == 50, points
"""


def test_the_library_works_where_nothing_of_the_experiments_can_be_imported():
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["experiments"]
    modules = {re.match(r"[\w-]+", extra).group().replace("-", "_").lower() for extra in extras}
    blocked = sorted(
        modules | {"hydra", "lightning_fabric", "sklearn", "yaml"}
    )  # those called otherwise, and scikit-learn
    assert {"mlflow", "omegaconf", "pytorch_lightning", "submitit", "datasets"} <= set(blocked)
    code = FIVE_LINES.replace("BLOCKED", repr(blocked))
    subprocess.run([sys.executable, "-c", code], check=True)
