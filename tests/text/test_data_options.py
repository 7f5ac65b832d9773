from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from slowpoints.text.options import DataOptions, SyntheticData

CONF = Path(__file__).parents[2] / "conf" / "data"
parse = TypeAdapter(DataOptions).validate_python


def config(name):
    return yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["imdb", "yelp", "sst", "synthetic", "files"])
def test_every_config_lists_every_option_with_a_comment(name):
    options = parse(config(name))
    assert set(config(name)) == set(type(options).model_fields)
    assert all("#" in line for line in (CONF / f"{name}.yaml").read_text(encoding="utf-8").splitlines())


def test_python_and_config_have_the_same_defaults():
    assert parse(config("synthetic")) == SyntheticData(name="synthetic")


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("imdb", "max_length", 0),
        ("imdb", "vocabulary_size", 2),
        ("imdb", "min_count", 0),
        ("imdb", "keep", "middle"),
        ("imdb", "validation_share", 1.0),
        ("imdb", "name", "../imdb"),
        ("imdb", "max_lenght", 100),
        ("sst", "classes", 3),
        ("files", "test_share", 0.0),
        ("synthetic", "documents", 1),
        ("synthetic", "longest", 9),
        ("synthetic", "max_strength", 0.1),
        ("synthetic", "negation", 1.5),
    ],
)
def test_impossible_values_are_refused_by_name(name, option, value):
    with pytest.raises(ValidationError) as caught:
        parse({**config(name), option: value})
    assert [error["loc"][-1] for error in caught.value.errors()] == [option]


def test_an_unknown_source_is_refused():
    with pytest.raises(ValidationError, match="source"):
        parse({**config("imdb"), "source": "web"})
