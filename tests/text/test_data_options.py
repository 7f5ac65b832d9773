from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from slowpoints.errors import UserError
from slowpoints.tasks.data import data_class
from slowpoints.text.options import SyntheticData

CONF = Path(__file__).parents[2] / "conf" / "data"


def parse(given):
    return data_class(given).model_validate(given)


def config(name):
    return yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["imdb", "yelp", "sst", "synthetic", "files", "flipflop"])
def test_every_config_lists_every_option_with_a_comment(name):
    options = parse(config(name))
    assert set(config(name)) == {"_target_", *type(options).model_fields}
    assert config(name)["_target_"] == options.model_dump()["_target_"]
    lines = (CONF / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert all("#" in line or "_target_" in line for line in lines)


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
        ("synthetic", "documents", 10**12),
        ("synthetic", "longest", 10**12),
        ("synthetic", "zipf_exponent", 1e308),
        ("synthetic", "intensity", float("inf")),
        ("synthetic", "margin", float("inf")),
        ("synthetic", "margin", float("nan")),
        ("imdb", "max_length", 10**30),
        ("imdb", "name", "x" * 300),
        ("imdb", "text_column", 0),
        ("imdb", "revision", 1234567),
        ("sst", "repository", 1),
        ("files", "label_column", True),
        ("files", "delimiter", ";;"),
        ("files", "delimiter", '"'),
        ("files", "encoding", "latin-99"),
        ("files", "encoding", "base64"),
    ],
)
def test_impossible_values_are_refused_by_name(name, option, value):
    with pytest.raises(ValidationError) as caught:
        parse({**config(name), option: value})
    assert [error["loc"][-1] for error in caught.value.errors()] == [option]


def test_a_number_where_a_text_is_meant_is_refused_with_the_way_to_write_it():
    with pytest.raises(ValidationError, match=r"""quotes within quotes: 'data\.text_column="0"'"""):
        parse({**config("files"), "text_column": 0})


def test_a_tab_may_be_typed():
    assert parse({**config("files"), "train": "r.csv", "delimiter": r"\t"}).delimiter == "\t"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (None, "data: needs a `_target_`: the class of the data set"),
        (3, "data: needs a `_target_`"),
        (
            "slowpoints.text.options.WebData",
            r"data: cannot import slowpoints\.text\.options\.WebData \(module .* has no",
        ),
        ("no_such_module.Mine", r"data: cannot import no_such_module\.Mine \(No module named 'no_such_module'\)"),
        ("Mine", "data: cannot import Mine"),
        ("slowpoints.cells.GRU", r"data: slowpoints\.cells\.GRU is no data set \(a class derived from"),
        ("slowpoints.tasks.data.own_data", "is no data set"),
        ("slowpoints.tasks.data.Data", r"data: slowpoints\.tasks\.data\.Data lacks task, which"),
        ("slowpoints.text.options.DocumentData", r"DocumentData lacks fingerprint, read, which"),
    ],
)
def test_what_names_no_data_set_is_refused(target, message):
    with pytest.raises(UserError, match=message) as caught:
        parse({**config("imdb"), "_target_": target})
    assert "\n" not in str(caught.value)
