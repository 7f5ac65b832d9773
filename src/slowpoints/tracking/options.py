"""Where runs are recorded."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import Field, field_validator

from slowpoints.options import Options, Seconds

SQLITE = "sqlite:///"
DATABASES = ("postgresql", "mysql", "mssql")
SERVERS = ("http", "https")


class TrackingOptions(Options):
    """Where runs are recorded: `conf/tracking/*.yaml`."""

    uri: str
    experiment: Annotated[str, Field(min_length=1)]
    patience: Seconds = 60.0
    offline_start: bool = False

    @field_validator("uri")
    @classmethod
    def _is_a_supported_store(cls, uri: str) -> str:
        kind = uri.partition(":")[0].partition("+")[0]
        if uri.startswith(SQLITE) and "\0" not in uri:
            _check_file(uri.removeprefix(SQLITE))
        elif kind in DATABASES:
            _check_driver(uri)
        elif not (kind in SERVERS and _has_host(uri)):
            raise ValueError("needs a store that MLflow keeps up, such as sqlite:///mlflow.db or http://127.0.0.1:5000")
        return uri

    @field_validator("experiment")
    @classmethod
    def _can_be_a_folder(cls, name: str) -> str:
        """Refuse what cannot be written as the name of a folder, in which MLflow keeps the files of the runs."""
        if not name.strip(". ") or not name.isprintable() or len(quote(name, safe="")) > 250:
            raise ValueError("needs a name that a folder can have, of at most 250 letters (fewer where not of ASCII)")
        return name


def _check_file(path: str) -> None:
    if not path or path.endswith("/") or path.startswith(":memory:"):
        raise ValueError("needs a file, such as sqlite:///mlflow.db: what is in memory ends with the run")


def _check_driver(uri: str) -> None:
    """Refuse a database that MLflow cannot speak to here: it would say so only when the data have been read."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        make_url(uri).get_dialect().import_dbapi()
    except ImportError as error:
        extra = "; it comes with: pip install 'slowpoints[postgres]'" if uri.startswith("postgresql") else ""
        raise ValueError(f"needs a driver that is not installed ({error.name}){extra}") from error
    except (SQLAlchemyError, ValueError) as error:
        raise ValueError(f"must be the address of a database ({error})") from error


def _has_host(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number
        return False
