"""What can be told from which words occur."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slowpoints.questions.question import Column, Findings, Question

if TYPE_CHECKING:
    from slowpoints.questions.dissection import Dissection


class BagOfWordsQuestion(Question):
    """Fits a logistic regression on which words occur: the baseline that knows no order.

    Metrics: `test_accuracy`, `val_accuracy`.
    """

    name = "bow"
    columns = (Column("bow/test_accuracy", "bag of words", ".3f", table="accuracies"),)

    def __call__(self, dissection: Dissection) -> Findings:
        """Return its accuracy beside the network's."""
        baseline = dissection.bag_of_words
        metrics = {"test_accuracy": baseline.test_accuracy, "val_accuracy": baseline.validation_accuracy}
        sentence = (
            f"A bag of words gets {baseline.test_accuracy:.1%} of the test documents right, the network "
            f"{dissection.test_accuracy:.1%}."
        )
        return Findings(sentence, metrics)
