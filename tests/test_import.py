import subprocess
import sys

import pytest

import slowpoints


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


def test_the_library_needs_none_of_the_experiments_dependencies():
    code = "import slowpoints.dynamics, sys; print([name for name in ('mlflow', 'hydra', 'lightning_fabric', "
    code += "'pytorch_lightning', 'datasets', 'matplotlib') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
