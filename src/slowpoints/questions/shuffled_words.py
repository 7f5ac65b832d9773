"""How much the order of words matters to the network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.questions.question import Column, Findings, Question
from slowpoints.tasks.batches import LengthBuckets, make_batch
from slowpoints.text.corpus import Corpus, gather, offsets_of
from slowpoints.text.task import sequences_of

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from slowpoints.questions.dissection import Dissection
    from slowpoints.training.model import RecurrentClassifier

BATCH = 256  # documents run at a time


class ShuffledWordsQuestion(Question):
    """Accuracy of the network on test documents whose words are shuffled (each document's own, evenly).

    The same documents are read in order and shuffled, and the standard errors are of the paired difference.

    Metrics: `test_accuracy` (shuffled), `accuracy_loss` (in order minus shuffled), `accuracy_loss_error` (its standard
    error), `changed_share` (share of documents whose predicted label changes), `documents`.

    Parameters
    ----------
    documents
        Test documents that are read, a random sample; all of them with None (on IMDB half a minute).

    Raises
    ------
    ValueError
        If `documents` is less than 2.
    """

    name = "shuffled_words"
    columns = (Column("shuffled_words/test_accuracy", "words shuffled", ".3f", table="accuracies"),)

    def __init__(self, documents: int | None = 3000) -> None:
        if documents is not None and documents < 2:
            raise ValueError(f"documents must be at least 2 (or null for all), not {documents}")
        self.documents = documents

    def __call__(self, dissection: Dissection) -> Findings:
        """Return accuracies, and the logits of every document that was read."""
        generator = np.random.default_rng([dissection.seed, 1])
        dissection.check_two_classes()
        test = dissection.data.test
        documents = np.sort(generator.permutation(len(test))[: self.documents])
        ordered = select_documents(test, documents)
        logits = document_logits(dissection.network, ordered)
        shuffled = document_logits(dissection.network, shuffle_words(ordered, generator))
        correct = [(values > 0) == ordered.labels for values in (logits, shuffled)]
        loss = correct[0].astype(float) - correct[1]
        metrics = {
            "test_accuracy": float(correct[1].mean()),
            "accuracy_loss": float(loss.mean()),
            "accuracy_loss_error": float(loss.std(ddof=1) / len(loss) ** 0.5),
            "changed_share": float(((logits > 0) != (shuffled > 0)).mean()),
            "documents": float(len(documents)),
        }
        arrays = {"document": documents, "label": ordered.labels, "logit": logits, "shuffled_logit": shuffled}
        return Findings(_sentence(metrics), metrics, arrays)


def shuffle_words(corpus: Corpus, generator: np.random.Generator) -> Corpus:
    """Return the corpus with the words of each document in random order."""
    # Single precision leaves room for the document's number: a key never rounds up to that of the next document.
    keys = np.repeat(np.arange(len(corpus)), corpus.lengths) + generator.random(len(corpus.tokens), dtype=np.float32)
    return replace(corpus, tokens=corpus.tokens[np.argsort(keys, kind="stable")])


def select_documents(corpus: Corpus, documents: Int64[np.ndarray, " chosen"]) -> Corpus:
    """Return some documents of a corpus."""
    lengths = corpus.lengths[documents]
    tokens = gather(corpus.tokens, corpus.offsets[documents], lengths)
    return Corpus(tokens, offsets_of(lengths), corpus.labels[documents])


def document_logits(network: RecurrentClassifier, corpus: Corpus) -> Float64[np.ndarray, " document"]:
    """Return the network's logit of every document."""
    device = network.readout.weight.device
    network.eval()
    logits = np.empty(len(corpus))
    with torch.inference_mode():
        for documents in LengthBuckets(corpus.lengths, BATCH):
            batch = make_batch(sequences_of(corpus), documents)
            logits[documents] = network(batch.tokens.to(device), batch.lengths.to(device)).cpu().numpy()
    return logits


def _sentence(metrics: dict[str, float]) -> str:
    accuracy, loss = metrics["test_accuracy"], metrics["accuracy_loss"]
    return (
        f"With the words of {metrics['documents']:.0f} test documents shuffled, accuracy is {accuracy:.3f} instead of "
        f"{accuracy + loss:.3f} (a loss of {loss:.3f} ± {metrics['accuracy_loss_error']:.3f}, standard error); "
        f"{metrics['changed_share']:.1%} of the predicted labels change."
    )
