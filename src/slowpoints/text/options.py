"""The options in `conf/data`, described and range-checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from slowpoints.options import NO_EFFECT, Count, FileName, Options


def _is_text(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, bool | int | float):
        quoted = f"'data.{info.field_name}=\"{value}\"'"
        raise ValueError(f"must be a text; what looks like a number is put in quotes within quotes: {quoted}")
    return value


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
Text = Annotated[str, BeforeValidator(_is_text)]
Label = str | bool | int | float


class _DataOptions(Options):
    """What every data set has."""

    # Here for all kinds: a sweep over data sets may name a folder that some of them have no use for.
    root: Annotated[Path | None, NO_EFFECT] = None
    # The name is that of a folder and of cache files too.
    name: Annotated[FileName, BeforeValidator(_is_text)]
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


class HubData(_DataOptions):
    """A binary data set from the Hugging Face hub, or the same from a local folder."""

    source: Literal["hub"] = "hub"
    repository: Text
    revision: Text | None = None
    text_column: Text = "text"
    label_column: Text = "label"
    positive_label: Label | None = None


class TreebankData(_DataOptions):
    """The Stanford Sentiment Treebank, from the hub or from a local folder."""

    source: Literal["treebank"] = "treebank"
    repository: Text
    revision: Text | None = None
    classes: Literal[2, 5] = 2
    phrases: bool = False


class FileData(_DataOptions):
    """The user's own files."""

    source: Literal["files"] = "files"
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
    test_share: Share = 0.1


class SyntheticData(_DataOptions):
    """Generated documents whose words have known valences."""

    source: Literal["synthetic"] = "synthetic"
    min_count: Count = 1
    test_share: Share = 0.1
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


DataOptions = Annotated[HubData | TreebankData | FileData | SyntheticData, Field(discriminator="source")]
