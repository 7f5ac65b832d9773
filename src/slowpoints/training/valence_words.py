"""Temporary."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ValenceWords:
    ids: np.ndarray
    classes: np.ndarray
    weights: np.ndarray


def choose_valence_words(weights, words, corpus, count=100, min_count=50):
    occ = np.bincount(corpus.tokens, minlength=len(words))
    ok = np.flatnonzero((occ >= min(min_count, np.quantile(occ, 0.5))) & (np.arange(len(words)) > 1))
    order = ok[np.argsort(weights[ok])]
    count = min(count, len(order) // 3)
    neg, pos = order[:count], order[::-1][:count]
    rest = order[count:-count]
    neu = rest[np.argsort(np.abs(weights[rest]))[:count]]
    ids = np.concatenate([pos, neg, neu])
    c = np.repeat([1, -1, 0], count)
    return ValenceWords(ids, c, weights[ids])
