"""The three data sets of the Hugging Face hub, as its real client loads them from a stand-in on this machine.

The client reads where its hub and its cache are when it is imported, so that each case is a process of its own.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hub_server import hub_of
from reviews import reviews

CONF = Path(__file__).parents[2] / "conf" / "data"
SETS = ("imdb", "yelp", "sst")
LOAD = """
import json, sys, yaml
from pydantic import TypeAdapter
from slowpoints.errors import UserError
from slowpoints.text import hub, treebank
from slowpoints.text.options import DataOptions

for path in sys.argv[1:]:
    options = TypeAdapter(DataOptions).validate_python(yaml.safe_load(open(path, encoding="utf-8")))
    try:
        source = (treebank if options.source == "treebank" else hub).read(options)
    except UserError as error:
        print(json.dumps(str(error)))
        continue
    splits = {"train": source.train, "validation": source.validation, "test": source.test}
    print(json.dumps({split: [d.texts, d.labels.tolist()] for split, d in splits.items() if d is not None}))
"""


def load(address, home, names=SETS):
    """What the user gets of each data set: its splits, or a message."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *(str(CONF / f"{name}.yaml") for name in names)],
        env={**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(names, map(json.loads, done.stdout.splitlines()), strict=True))


def parquet(count, labels=None):
    texts, usual = reviews(count)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": texts, "label": labels or usual}), buffer)
    return buffer.getvalue()


def json_lines(grades):
    rows = [{"text": f"sentence -LRB- {i} -RRB-", "label": g, "label_text": "so"} for i, g in enumerate(grades)]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def card(names, splits):
    """The head of a repository's page, which tells the client the names of classes and where the splits are."""
    features = [
        {"name": "text", "dtype": "string"},
        {"name": "label", "dtype": {"class_label": {"names": {str(i): name for i, name in enumerate(names)}}}},
    ]
    sizes = [{"name": split, "num_bytes": 1, "num_examples": count} for split, count in splits.items()]
    files = [{"split": split, "path": f"plain_text/{split}-*"} for split in splits]
    head = {
        "dataset_info": {"config_name": "plain_text", "features": features, "splits": sizes},
        "configs": [{"config_name": "plain_text", "data_files": files, "default": True}],
    }
    return f"---\n{yaml.safe_dump(head)}---\n# A data set\n".encode()


def polar(names, **splits):
    """A repository of the layout of IMDB's and Yelp's."""
    files = {f"plain_text/{split}-00000-of-00001.parquet": content for split, content in splits.items()}
    sizes = {split: pq.ParquetFile(io.BytesIO(content)).metadata.num_rows for split, content in splits.items()}
    return {"README.md": card(names, sizes), ".gitattributes": b"", **files}


REPOSITORIES = {
    "stanfordnlp/imdb": polar(
        ["neg", "pos"], train=parquet(60), test=parquet(20), unsupervised=parquet(10, labels=[-1] * 10)
    ),
    "fancyzhx/yelp_polarity": polar(["1", "2"], train=parquet(40), test=parquet(12)),
    "SetFit/sst5": {
        "README.md": b"# SST-5\n",
        "train.jsonl": json_lines([4, 2, 0, 1]),
        "dev.jsonl": json_lines([3, 1]),
        "test.jsonl": json_lines([0, 4, 2]),
    },
}
EXPECTED = {
    "imdb": {"train": list(reviews(60)), "test": list(reviews(20))},
    "yelp": {"train": list(reviews(40)), "test": list(reviews(12))},
    "sst": {
        "train": [["sentence ( 0 )", "sentence ( 2 )", "sentence ( 3 )"], [1, 0, 0]],
        "validation": [["sentence ( 0 )", "sentence ( 1 )"], [1, 0]],
        "test": [["sentence ( 0 )", "sentence ( 1 )"], [0, 1]],
    },
}


def test_the_three_data_sets_are_downloaded_and_then_need_no_network(tmp_path):
    with hub_of(REPOSITORIES) as address:
        assert load(address, tmp_path) == json.loads(json.dumps(EXPECTED))
    assert load(address, tmp_path) == json.loads(json.dumps(EXPECTED))  # nobody is there any more


def test_classes_in_another_order_are_told_by_their_names(tmp_path):
    turned = {"stanfordnlp/imdb": polar(["pos", "neg"], train=parquet(60), test=parquet(20))}
    texts, labels = reviews(60)
    with hub_of(turned) as address:
        found = load(address, tmp_path, ["imdb"])["imdb"]
    assert found["train"] == [texts, [1 - label for label in labels]]


@pytest.mark.parametrize(
    ("repositories", "instead", "answer"),
    [
        (
            REPOSITORIES,
            (200, b"<html>Sign in to use this network</html>"),
            "cannot be loaded from the Hugging Face hub",
        ),
        (REPOSITORIES, (403, b"<html>Blocked</html>"), "cannot be loaded from the Hugging Face hub"),
        ({}, None, "name a public data set of the Hugging Face hub"),
    ],
    ids=["page of a network", "blocked", "no such repository"],
)
def test_a_broken_answer_ends_with_one_message(tmp_path, repositories, instead, answer):
    with hub_of(repositories, instead) as address:
        messages = load(address, tmp_path, ["imdb", "sst"])
    for name, repository in (("imdb", "stanfordnlp/imdb"), ("sst", "SetFit/sst5")):
        assert isinstance(messages[name], str)
        assert repository in messages[name]
        assert answer in messages[name]
        assert len(messages[name]) < 800


def test_a_file_that_came_broken_is_said(tmp_path):
    sound = polar(["neg", "pos"], train=parquet(60), test=parquet(20))
    cut = {path: content[:-100] if "test-" in path else content for path, content in sound.items()}
    with hub_of({"stanfordnlp/imdb": cut}) as address:
        message = load(address, tmp_path, ["imdb"])["imdb"]
    assert "stanfordnlp/imdb cannot be loaded" in message
