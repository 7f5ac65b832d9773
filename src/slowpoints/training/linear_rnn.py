"""The baseline that knows order but is linear: a linear recurrent network, trained directly.

``h_{t+1} = A h_t + B x_t``, read out linearly after the last token (a bias of the state needs no parameter of its own:
the embeddings take it up). Almost every real matrix A is diagonalisable, so the network is trained in the basis of A's
eigenvectors, where its modes do not mix (Orvieto et al. 2023, *Resurrecting recurrent neural networks for long
sequences*, arXiv 2303.06349, section 3.2): A is made of real eigenvalues ``exp(-1/tau)`` and of pairs
``exp(-1/tau +- i omega)``, whose time constants tau are positive by construction, so that the network is stable. A mode
can be scaled at will, so its readout weight is 1.

A token of age a (0 for the last one) then adds ``exp(-a/tau_k) (B_k . x)`` for every real mode, and
``exp(-a/tau_k) (cos(omega_k a) (B_k . x) - sin(omega_k a) (B'_k . x))`` for every pair, to the logit. Summed over modes
this is ``u(a) . x``, and the logit of a document is one sum over its tokens, without a loop over time.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, dropout

from slowpoints.cells import Linear
from slowpoints.tasks.batches import LengthBuckets
from slowpoints.text.corpus import PADDING, UNKNOWN

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int64

    from slowpoints.text.corpus import Corpus

EVALUATION_BATCH = 512  # documents


@dataclass(frozen=True)
class LinearRNNOptions:
    """How the linear network is made and trained.

    Attributes
    ----------
    embedding_size
        Size of the words' embeddings, E.
    real_modes, pairs
        Number of real eigenvalues and of complex conjugate pairs; the state has `real_modes + 2 pairs` dimensions.
    longest
        Largest time constant at the start, in tokens; the others are spread log-uniformly from 1 on.
    epochs, patience
        Passes over the training set at most, and without a better validation accuracy before it stops.
    batch_size
        Documents in a training batch.
    rate, final_rate_share
        Rate of Adam, and what share of it is left at the end of an exponential decay over all epochs.
    weight_decay
        Decoupled, of embeddings and input weights.
    embedding_dropout, word_dropout
        Shares of the embeddings' entries and of the words that are left out in training.
    """

    # Chosen on validation, in a small search over embedding size (8, 16, 32), rate (.001 to .01), dropout of entries (0
    # to .7) and of words (.1 to .7), and modes (8 to 24). All came within .025 of the best of their data set but for
    # rates of .001, which are too slow. Mean validation / test accuracy of three seeds with these: IMDB .909 / .888,
    # Yelp .946 / .939, SST .797 / .799.
    embedding_size: int = 16
    real_modes: int = 16
    pairs: int = 8
    longest: float = 1000.0
    epochs: int = 6
    patience: int = 2
    batch_size: int = 64
    rate: float = 5e-3
    final_rate_share: float = 0.05
    weight_decay: float = 0.0
    embedding_dropout: float = 0.7
    word_dropout: float = 0.1

    def __post_init__(self) -> None:
        ranges = {
            "at least 1": (1, math.inf, ("embedding_size", "epochs", "patience", "batch_size")),
            "at least 0": (0, math.inf, ("real_modes", "pairs", "weight_decay")),
            "from 0 to less than 1": (0, math.nextafter(1, 0), ("embedding_dropout", "word_dropout")),
            "above 0 and at most 1": (math.nextafter(0, 1), 1, ("final_rate_share",)),
            "above 0": (math.nextafter(0, 1), math.inf, ("rate",)),
            "above 1": (math.nextafter(1, 2), math.inf, ("longest",)),
        }
        for wanted, (low, high, names) in ranges.items():
            for name in names:
                if not low <= getattr(self, name) <= high:
                    raise ValueError(f"{name} must be {wanted}, not {getattr(self, name)}")
        if self.real_modes + self.pairs == 0:
            raise ValueError("real_modes and pairs must not both be 0")


class LinearRNN(nn.Module):
    """A linear recurrent network in the basis of its eigenvectors, which reads documents without a loop over time.

    The logit is the sum of the real modes' states and of the first of every pair, plus a bias.
    """

    def __init__(self, vocabulary_size: int, options: LinearRNNOptions) -> None:
        super().__init__()
        self.options = options
        size = options.real_modes + 2 * options.pairs
        self.embedding = nn.Embedding(vocabulary_size, options.embedding_size, padding_idx=PADDING)
        with torch.no_grad():
            self.embedding.weight.mul_(0.1)
        self.cell = Linear(options.embedding_size, size, pairs=options.pairs, longest=options.longest)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, tokens: Int64[Tensor, "batch age"]) -> Float[Tensor, " batch"]:
        """Return the logit of every document, given its tokens from the last to the first, padded with zeros."""
        if self.training and self.options.word_dropout:
            dropped = torch.rand(tokens.shape, device=tokens.device) < self.options.word_dropout
            tokens = tokens.masked_fill(dropped & (tokens != PADDING), UNKNOWN)
        inputs = dropout(self.embedding(tokens), self.options.embedding_dropout, self.training)
        return inputs.flatten(1) @ self.response(tokens.shape[1]).flatten() + self.bias

    def response(self, ages: int) -> Float[Tensor, "age embedding"]:
        """Return u(a): what the logit owes to each entry of the embedding of a token `a` tokens before the last."""
        return self.kernels(ages) @ self.cell.input

    def kernels(self, ages: int) -> Float[Tensor, "age state"]:
        """Return what the logit owes to an input into each dimension of the state, by its age."""
        age = torch.arange(ages, device=self.bias.device)[:, None]
        decay = torch.exp(-age * torch.exp(-self.cell.log_time_constant))
        real, turning = decay.split([self.options.real_modes, self.options.pairs], dim=1)
        phase = age * self.cell.frequency
        return torch.cat([real, turning * phase.cos(), -turning * phase.sin()], dim=1)

    def eigenvalues(self) -> np.ndarray:
        """Return the real eigenvalues, and one of every pair, `(real_modes + pairs,)`, complex."""
        with torch.no_grad():
            return deepcopy(self.cell).double().eigenvalues.cpu().numpy()


@dataclass(frozen=True)
class LinearRNNResult:
    """A trained linear network.

    Attributes
    ----------
    network
        With the weights that did best on the validation set.
    validation_accuracy, test_accuracy
        Shares of documents whose label it gets right.
    epochs
        Passes over the training set.
    validation_curve
        Validation accuracy after every epoch.
    """

    network: LinearRNN
    validation_accuracy: float
    test_accuracy: float
    epochs: int
    validation_curve: tuple[float, ...] = field(repr=False)


def train_linear_rnn(
    train: Corpus,
    validation: Corpus,
    test: Corpus,
    vocabulary_size: int,
    options: LinearRNNOptions | None = None,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> LinearRNNResult:
    """Train a linear recurrent network, keep what did best on the validation set, and test that.

    The global random state is left as it is, and the result follows from the seed (on one kind of machine).
    """
    options = options or LinearRNNOptions()
    device = torch.device(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = LinearRNN(vocabulary_size, options).to(device)
        curve = _fit(network, train, validation, seed)
    return LinearRNNResult(
        network=network,
        validation_accuracy=max(curve),
        test_accuracy=accuracy(network, test),
        epochs=len(curve),
        validation_curve=tuple(curve),
    )


def _fit(network: LinearRNN, train: Corpus, validation: Corpus, seed: int) -> list[float]:
    """Train the network in place, give it its best weights, and return its validation accuracy after every epoch."""
    options, device = network.options, network.bias.device
    order = LengthBuckets(train.lengths, options.batch_size, seed)
    optimizer = _optimizer(network)
    decay = options.final_rate_share ** (1 / (options.epochs * len(order)))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, decay)
    curve: list[float] = []
    best: dict[str, Tensor] = {}
    for _ in range(options.epochs):
        network.train()
        for documents in order:
            tokens, labels = _from_the_last(train, documents)
            loss = binary_cross_entropy_with_logits(network(tokens.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        curve.append(accuracy(network, validation))
        if curve[-1] > max(curve[:-1], default=-1.0):
            best = {name: value.clone() for name, value in network.state_dict().items()}
        elif len(curve) - 1 - int(np.argmax(curve)) >= options.patience:
            break
    network.load_state_dict(best)
    return curve


def _optimizer(network: LinearRNN) -> torch.optim.Optimizer:
    decayed = [network.embedding.weight, network.cell.input]
    others = [network.cell.log_time_constant, network.cell.frequency, network.bias]
    groups = [{"params": decayed, "weight_decay": network.options.weight_decay}, {"params": others, "weight_decay": 0}]
    return torch.optim.AdamW(groups, lr=network.options.rate, fused=True)


def accuracy(network: LinearRNN, corpus: Corpus) -> float:
    """Return the share of documents whose label the network gets right."""
    return float(((document_logits(network, corpus) > 0) == corpus.labels).mean())


def document_logits(network: LinearRNN, corpus: Corpus) -> Float64[np.ndarray, " document"]:
    """Return the logit of every document of a corpus."""
    network.eval()
    logits = np.empty(len(corpus))
    with torch.inference_mode():
        for documents in LengthBuckets(corpus.lengths, EVALUATION_BATCH):
            tokens, _ = _from_the_last(corpus, documents)
            logits[documents] = network(tokens.to(network.bias.device)).cpu().numpy()
    return logits


def mode_shares(network: LinearRNN, corpus: Corpus) -> Float64[np.ndarray, " mode"]:
    """Return how much of the variance of the logits every mode carries, `(real_modes + pairs,)`.

    That is the covariance of what the mode adds to a document's logit with the logit, over the logits' variance. The
    shares add up to 1; modes that work against the others have negative ones.
    """
    added = np.empty((len(corpus), network.cell.hidden_size))
    with torch.inference_mode():
        words = network.embedding.weight @ network.cell.input.T
        for documents in LengthBuckets(corpus.lengths, EVALUATION_BATCH):
            tokens, _ = _from_the_last(corpus, documents)
            inputs = words[tokens.to(words.device)]
            added[documents] = torch.einsum("dts,ts->ds", inputs, network.kernels(tokens.shape[1])).cpu().numpy()
    by_mode = added[:, : len(network.cell.log_time_constant)]
    by_mode[:, network.options.real_modes :] += added[:, len(network.cell.log_time_constant) :]
    centred = by_mode - by_mode.mean(0)
    logits = centred.sum(1)
    return centred.T @ logits / (logits @ logits)


def _from_the_last(corpus: Corpus, documents: Int64[np.ndarray, " batch"]) -> tuple[Tensor, Tensor]:
    """Return tokens from the last to the first, `(batch, age)`, padded with zeros, and labels."""
    ends = corpus.offsets[documents + 1]
    lengths = ends - corpus.offsets[documents]
    age = np.arange(lengths.max())
    inside = age < lengths[:, None]
    tokens = np.full(inside.shape, PADDING, dtype=np.int64)
    tokens[inside] = corpus.tokens[(ends[:, None] - 1 - age)[inside]]
    return torch.from_numpy(tokens), torch.from_numpy(corpus.labels[documents].astype(np.float32))
