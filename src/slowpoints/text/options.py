"""Data sets of documents: their options, range-checked, and where they read from.

What reads waits until it is needed: options are checked before anything is imported that takes long.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from slowpoints.options import Count
from slowpoints.tasks.data import Data, is_text

if TYPE_CHECKING:
    from slowpoints.tasks.task import Task
    from slowpoints.text.documents import Source


def _is_encoding(name: str) -> str:
    try:
        "a".encode(name)
    except (LookupError, UnicodeError):
        raise ValueError("must be an encoding that Python knows, such as utf-8, utf-16, cp1252 or latin-1") from None
    return name


def _is_delimiter(text: str) -> str:
    if text == "\\t":  # as it is typed
        return "\t"
    if len(text) != 1 or text in '"\r\n':
        raise ValueError("must be a single character, such as ';' or '\\t'")
    return text


Share = Annotated[float, Field(gt=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, BeforeValidator(is_text)]
Label = str | bool | int | float


class TextData(Data):
    """Documents whose class is to be told, with splits of their own; vocabulary and cache follow from the texts."""

    vocabulary_size: Annotated[Count, Field(ge=3)] = 15_000
    min_count: Count = 2
    lowercase: bool = True
    max_length: Count = 400
    keep: Literal["first", "last"] = "first"
    validation_share: Share = 0.1

    @field_validator("root", "train", "validation", "test", check_fields=False)
    @classmethod
    def _expand_home(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser()

    @property
    def grades(self) -> int:
        """Number of classes: 2, or the 5 of SST."""
        return 2

    @abstractmethod
    def read(self, seed: int) -> Source:
        """Return the documents: texts and labels, 0 for negative and 1 for positive.

        Parameters
        ----------
        seed
            Of what is drawn at random.

        Raises
        ------
        UserError
            If the documents cannot be had, read, or used.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Return what changes when the documents do, such as a digest of their files.

        Raises
        ------
        UserError
            If files are missing.
        """

    def files(self) -> list[Path]:
        """Return the files on this machine that `read` reads: small ones are read first of all."""
        return []

    def find(self, seed: int, cache: Path) -> Callable[[], Task]:
        """Look for the documents, and read small files at once, so that mistakes are known before all else."""
        from slowpoints.text.load import find_data

        return find_data(self, cache, seed).task

    def task(self, seed: int, cache: Path) -> Task:
        """Return the task of telling their classes."""
        return self.find(seed, cache)()


class DocumentData(TextData):
    """Documents of which a share is held out for testing where they have no such split: what to derive one's own from.

    A class of one's own has `read` and `fingerprint`.
    """

    test_share: Share = 0.1


class FromHub(TextData):
    """From the Hugging Face hub, or the same from a local folder."""

    repository: Text
    revision: Text | None = None

    def fingerprint(self) -> str:
        """Return what the content follows from: the local files, or the repository and revision."""
        from slowpoints.text import hub

        return hub.fingerprint(self)

    def files(self) -> list[Path]:
        """Return the files of the local folder, if one is named."""
        from slowpoints.text import hub

        return list(hub.local_files(self).values())


class HubData(FromHub):
    """A binary data set from the Hugging Face hub, or the same from a local folder."""

    text_column: Text = "text"
    label_column: Text = "label"
    positive_label: Label | None = None

    def read(self, seed: int) -> Source:
        """Read the splits."""
        from slowpoints.text import hub

        return hub.read(self)


class TreebankData(FromHub):
    """The Stanford Sentiment Treebank, from the hub or from a local folder."""

    classes: Literal[2, 5] = 2
    phrases: bool = False

    @property
    def grades(self) -> int:
        """All grades, or positive and negative."""
        return self.classes

    def read(self, seed: int) -> Source:
        """Read the splits."""
        from slowpoints.text import treebank

        return treebank.read(self)


class FileData(DocumentData):
    """The user's own files."""

    root: Path | None = None  # says which files: other folders may have others of the same name
    train: Path
    validation: Path | None = None
    test: Path | None = None
    text_column: Text = "text"
    label_column: Text = "label"
    positive_label: Label | None = None
    delimiter: Annotated[Text, AfterValidator(_is_delimiter)] | None = None
    encoding: Annotated[Text, AfterValidator(_is_encoding)] | None = None
    quotes: bool = True

    def fingerprint(self) -> str:
        """Return a digest of every file."""
        from slowpoints.text import files

        return files.fingerprint(self)

    def files(self) -> list[Path]:
        """Return the files."""
        from slowpoints.text import files

        return list(files.paths(self).values())

    def read(self, seed: int) -> Source:
        """Read the files."""
        from slowpoints.text import files

        return files.read(self)


class SyntheticData(DocumentData):
    """Generated documents whose words have known valences."""

    min_count: Count = 1
    documents: Annotated[Count, Field(ge=20)] = 8_000
    shortest: Count = 10
    longest: Count = 60
    neutral_words: Annotated[int, Field(gt=0, le=5_000)] = 500
    sentiment_words: Annotated[int, Field(ge=2, le=4_000)] = 200
    zipf_exponent: Annotated[float, Field(ge=0, le=10)] = 1.0
    sentiment_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    min_strength: Annotated[float, Field(ge=0, lt=4)] = 0.5
    max_strength: Annotated[float, Field(gt=0, le=4)] = 4.0
    margin: Annotated[float, Field(ge=0, le=1e6)] = 2.0
    negation: Probability = 0.0
    intensifiers: Probability = 0.0
    intensity: Annotated[float, Field(gt=0, le=100)] = 2.0

    @field_validator("longest", "max_strength")
    @classmethod
    def _is_not_below(cls, upper: float, info: ValidationInfo) -> float:
        name = {"longest": "shortest", "max_strength": "min_strength"}[info.field_name or ""]
        lower = info.data.get(name)
        if lower is not None and upper < lower:
            raise ValueError(f"must be at least data.{name} ({lower})")
        return upper

    def fingerprint(self) -> str:
        """Return a digest of the lexicon: the rest follows from the options and the seed."""
        from slowpoints.text import synthetic

        return synthetic.fingerprint()

    def read(self, seed: int) -> Source:
        """Generate the documents."""
        from slowpoints.text import synthetic

        return synthetic.generate(self, seed)
