"""Documents, whose class is to be told."""

from __future__ import annotations

from dataclasses import dataclass

from slowpoints.tasks.outputs import TWO_CLASSES, Classes
from slowpoints.tasks.sequences import Sequences
from slowpoints.tasks.task import Task
from slowpoints.text.corpus import Corpus, EncodedData

GRADES = Classes(("very negative", "negative", "neutral", "positive", "very positive"), ordered=True)


@dataclass(frozen=True)
class Documents(Task):
    """Documents as sequences of words.

    Attributes
    ----------
    data
        The same documents with all that is known of their words.
    """

    data: EncodedData


def documents(data: EncodedData) -> Documents:
    """Return the task of telling the classes of a data set's documents: two, or the five grades of SST."""
    return Documents(
        data.name,
        sequences_of(data.train),
        sequences_of(data.validation),
        sequences_of(data.test),
        len(data.words),
        TWO_CLASSES if data.classes == 2 else GRADES,
        data,
    )


def sequences_of(corpus: Corpus) -> Sequences:
    """Return the documents of a corpus as sequences, with their labels, without a copy."""
    return Sequences(corpus.tokens, corpus.offsets, corpus.labels)
