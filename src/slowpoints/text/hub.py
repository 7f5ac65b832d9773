"""Data sets of the Hugging Face hub, or the same from a local folder, read by `datasets`."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from slowpoints.errors import UserError
from slowpoints.text.cache import file_digest
from slowpoints.text.documents import Source
from slowpoints.text.labels import read_rows
from slowpoints.text.options import FromHub, HubData
from slowpoints.text.tables import read_parquet, rows_of
from slowpoints.text.wording import listed, shortened

SPLITS = ("train", "validation", "test")


def fingerprint(options: FromHub) -> str:
    """What the content follows from: the local files, or the repository and revision.

    Raises
    ------
    UserError
        If the folder, or a file in it, is missing.
    """
    if options.root is None:
        return f"{options.repository}@{options.revision}"
    return " ".join(f"{split}:{file_digest(path)}" for split, path in local_files(options).items())


def read(options: HubData) -> Source:
    """Read the splits of a binary data set.

    Raises
    ------
    UserError
        If the data cannot be had or read, a column is missing, or a label cannot be understood.
    """
    tables = read_tables(options)
    rows = {
        split: rows_of(
            table,
            options.text_column,
            options.label_column,
            f"data: {split} split of {options.name}",
            options.positive_label,
        )
        for split, table in tables.items()
    }
    return read_rows(rows, options.positive_label)


def read_tables(options: FromHub) -> dict[str, Any]:
    """The splits as pyarrow tables.

    Raises
    ------
    UserError
        If the data cannot be had or read.
    """
    if options.root is None:
        return _from_hub(options)
    return {split: read_parquet(path, f"data.root: {path}") for split, path in local_files(options).items()}


def local_files(options: FromHub) -> dict[str, Path]:
    """Return the file of each split in the local folder; none where the data come from the hub.

    Raises
    ------
    UserError
        If the folder, or a file in it, is missing.
    """
    if options.root is None:
        return {}
    name, folder = options.name, options.root / options.name
    if not folder.is_dir():
        raise UserError(
            f"data.root: there is no folder {folder}; data.root must be a folder with {name}/train.parquet and "
            f"{name}/test.parquet"
        )
    files = {split: folder / f"{split}.parquet" for split in SPLITS}
    for split in ("train", "test"):
        if not files[split].is_file():
            raise UserError(f"data.root: there is no file {files[split]}; train.parquet and test.parquet must be there")
    return {split: path for split, path in files.items() if path.is_file()}


def _from_hub(options: FromHub) -> dict[str, Any]:
    import datasets

    answer = None
    if not hub_answers():
        # `datasets` then uses its own cache, or fails at once instead of after half a minute of retries.
        datasets.config.HF_HUB_OFFLINE = True
        answer = "There was none"
    try:
        found = datasets.load_dataset(options.repository, revision=options.revision)
    except datasets.exceptions.DatasetNotFoundError as error:
        raise UserError(
            f"data.repository: {shortened(str(error))}; name a public data set of the Hugging Face hub"
        ) from error
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise UserError(
            f"data.repository: {options.repository} cannot be loaded from the Hugging Face hub. Connect to a "
            f"network, or name a local folder with data.root=FOLDER (one that holds {options.name}/train.parquet and "
            f"{options.name}/test.parquet); data=synthetic needs neither. The hub's answer: "
            f"{answer or shortened(str(error))}"
        ) from error
    missing = {"train", "test"} - set(found)
    if missing:
        raise UserError(
            f"data.repository: {options.repository} has no split {missing.pop()!r}, only {listed(sorted(found))}"
        )
    return {split: found[split].data.table for split in SPLITS if split in found}


def hub_answers() -> bool:
    """Whether the Hugging Face hub, or whatever `HF_ENDPOINT` names in its place, answers within seconds."""
    import datasets

    if datasets.config.HF_HUB_OFFLINE:
        return False
    address = datasets.config.HF_ENDPOINT
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=5).close()
    except urllib.error.HTTPError:
        return True  # an answer, if an unfriendly one
    except (OSError, ValueError) as error:
        # Python's own certificates may be out of date where those of `datasets` are not.
        return isinstance(getattr(error, "reason", None), ssl.SSLError)
    return True
