"""The task of telling the class of documents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from slowpoints.tasks.outputs import TWO_CLASSES, Classes
from slowpoints.tasks.sequences import Sequences
from slowpoints.tasks.task import Task
from slowpoints.text.bag_of_words import BagOfWords, fit_bag_of_words
from slowpoints.text.corpus import Corpus, EncodedData
from slowpoints.text.valence_words import ValenceWords, choose_valence_words

GRADES = Classes(("very negative", "negative", "neutral", "positive", "very positive"), ordered=True)


@dataclass(frozen=True)
class DocumentTask(Task):
    """Documents as sequences of words.

    Attributes
    ----------
    data
        The same documents with all that is known of their words.
    """

    data: EncodedData

    @property
    def things(self) -> str:
        """What sequences are called in sentences."""
        return "documents"

    @property
    def tokenizer(self) -> str:
        """The tokeniser with its vocabulary."""
        return self.data.tokenizer_json

    @cached_property
    def bag_of_words(self) -> BagOfWords:
        """The baseline that knows no order, of two classes."""
        return fit_bag_of_words(self.data.train, self.data.validation, self.data.test, len(self.data.words))

    def probes(self) -> ValenceWords | None:
        """Return the words that the bag of words finds positive, negative and neutral; None where there are grades.

        Raises
        ------
        ValueError
            If there are no words of one kind.
        """
        if self.outputs.size > 1:
            return None
        return choose_valence_words(self.bag_of_words.weights, self.data.words, self.data.train)


def documents(data: EncodedData) -> DocumentTask:
    """Return the task of telling the classes of a data set's documents: two, or the five grades of SST."""
    return DocumentTask(
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
