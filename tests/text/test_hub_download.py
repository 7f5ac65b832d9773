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
import yaml
from hub_server import hub_of
from reviews import reviews

CONF = Path(__file__).parents[2] / "conf" / "data"
SETS = ("imdb", "yelp", "sst")
LOAD = """
import json, sys, yaml
from slowpoints.errors import UserError
from slowpoints.tasks.data import data_class

for path in sys.argv[1:]:
    given = yaml.safe_load(open(path, encoding="utf-8"))
    try:
        source = data_class(given).model_validate(given).read(0)
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
        assert load(address, tmp_path) == EXPECTED
    assert load(address, tmp_path) == EXPECTED  # nobody is there any more
    with hub_of(dict.fromkeys(REPOSITORIES, (200, b"<html>Sign in to use this network</html>"))) as address:
        assert load(address, tmp_path, ["yelp"]) == {"yelp": EXPECTED["yelp"]}


def test_classes_are_told_by_their_names_and_a_file_that_came_broken_is_said(tmp_path):
    turned = polar(["pos", "neg"], train=parquet(60), test=parquet(20))
    whole = REPOSITORIES["fancyzhx/yelp_polarity"]
    cut = {path: content[:-100] if "test-" in path else content for path, content in whole.items()}
    with hub_of({"stanfordnlp/imdb": turned, "fancyzhx/yelp_polarity": cut}) as address:
        found = load(address, tmp_path, ["imdb", "yelp"])
    texts, labels = reviews(60)
    assert found["imdb"]["train"] == [texts, [1 - label for label in labels]]
    assert "fancyzhx/yelp_polarity cannot be loaded" in found["yelp"]


def test_a_broken_answer_ends_with_one_message(tmp_path):
    pages = {
        "stanfordnlp/imdb": (200, b"<html>Sign in to use this network</html>"),
        "fancyzhx/yelp_polarity": (403, b"<html>Blocked</html>"),
    }  # and there is no such repository as that of SST
    with hub_of(pages) as address:
        messages = load(address, tmp_path)
    assert "stanfordnlp/imdb cannot be loaded from the Hugging Face hub. Connect to a network" in messages["imdb"]
    assert "fancyzhx/yelp_polarity cannot be loaded from the Hugging Face hub" in messages["yelp"]
    assert "'SetFit/sst5' doesn't exist" in messages["sst"]
    assert "name a public data set of the Hugging Face hub" in messages["sst"]
    assert all(len(message) < 800 for message in messages.values())
