"""How well a linear recurrent network does that is trained directly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.training.linear_rnn import LinearRNN, LinearRNNOptions, LinearRNNResult, mode_shares, train_linear_rnn

if TYPE_CHECKING:
    from slowpoints.questions.dissection import Dissection

SLOW = 100.0  # tokens


class LinearRNNQuestion(Question):
    """Trains a linear recurrent network on the same data, and compares accuracies (Maheswaranathan et al. 2019).

    Metrics: `test_accuracy`, `val_accuracy`, `accuracy_loss` (the network's test accuracy minus the linear one's),
    `epochs`, and `slow_share` (share of the variance of the linear network's test logits that its modes of more than
    100 tokens carry).

    Arrays: of every mode (real eigenvalues first, then pairs) `eigenvalues`, `time_constants` (tokens), `mode_shares`;
    `word_weights (vocabulary, state)`, what every word adds to each dimension of the state; `validation_curve`.

    Parameters
    ----------
    options
        Those of `slowpoints.training.linear_rnn.LinearRNNOptions`, such as `epochs` and `rate`.

    Raises
    ------
    ValueError
        If one of them is out of its range.
    TypeError
        If there is no such option.
    """

    name = "linear_rnn"
    claims = (
        Claim(
            "linear_rnn_worse",
            "A linear recurrent network is a few per cent worse",
            (Condition("linear_rnn/accuracy_loss", 0.015, 0.005),),
        ),
    )
    columns = (
        Column("linear_rnn/test_accuracy", "linear RNN", ".3f", table="accuracies"),
        Column("linear_rnn/accuracy_loss", "linear RNN, loss", ".3f", "about 0.03"),
    )

    def __init__(self, **options: Any) -> None:
        self.options = LinearRNNOptions(**options)

    def __call__(self, dissection: Dissection) -> Findings:
        """Return accuracies, and the linear network's time constants and weights."""
        result = trained_linear_rnn(dissection, self.options)
        arrays = _arrays(result.network) | {
            "mode_shares": mode_shares(result.network, dissection.data.test),
            "validation_curve": np.array(result.validation_curve),
        }
        slow = arrays["time_constants"] > SLOW
        metrics = {
            "test_accuracy": result.test_accuracy,
            "val_accuracy": result.validation_accuracy,
            "accuracy_loss": dissection.test_accuracy - result.test_accuracy,
            "epochs": float(result.epochs),
            "slow_share": float(arrays["mode_shares"][slow].sum()),
        }
        return Findings(_sentence(result, metrics), metrics, arrays)


def trained_linear_rnn(dissection: Dissection, options: LinearRNNOptions | None = None) -> LinearRNNResult:
    """Return the linear network, which is trained once for all questions that ask for it.

    Parameters
    ----------
    options
        Of its training; where None, those with which it was trained first, or the default.

    Raises
    ------
    Unanswerable
        If there are not two classes.
    """
    dissection.check_two_classes()
    data, trained = dissection.data, dissection.linear_rnns
    options = options or next(iter(trained), LinearRNNOptions())
    if options not in trained:
        trained[options] = train_linear_rnn(
            data.train,
            data.validation,
            data.test,
            len(data.words),
            options,
            seed=dissection.seed,
            device=dissection.device,
        )
    return trained[options]


def _arrays(network: LinearRNN) -> dict[str, np.ndarray]:
    with torch.no_grad():
        return {
            "eigenvalues": network.eigenvalues(),
            "time_constants": network.cell.log_time_constant.exp().cpu().numpy(),
            "word_weights": (network.embedding.weight @ network.cell.input.T).cpu().numpy(),
        }


def _sentence(result: LinearRNNResult, metrics: dict[str, float]) -> str:
    loss = metrics["accuracy_loss"]
    return (
        f"A linear recurrent network trained directly gets {result.test_accuracy:.3f} of the test documents right, "
        f"{abs(loss):.3f} {'less' if loss >= 0 else 'more'} than the network (validation "
        f"{result.validation_accuracy:.3f}, the best of {result.epochs} epochs); modes of more than {SLOW:.0f} tokens "
        f"carry {metrics['slow_share']:.0%} of the variance of its logits."
    )
