"""The Stanford Sentiment Treebank: sentences, their five classes, and the labelled phrases of its trees.

Source: Socher et al., Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank, EMNLP 2013.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from slowpoints.errors import UserError
from slowpoints.text.documents import Documents, Source
from slowpoints.text.hub import column, read_tables
from slowpoints.text.options import TreebankData

NEUTRAL = 2
# The treebank's names for what ordinary text writes as brackets and quotation marks.
_PLAIN = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "-lcb-": "{", "-rcb-": "}", "``": '"', "''": '"'}
_ESCAPED = re.compile("|".join(map(re.escape, _PLAIN)), re.IGNORECASE)
_TREE_TOKEN = re.compile(r"\(|\)|[^\s()]+")


def read(options: TreebankData) -> Source:
    """Read the splits: without the neutral sentences and with classes 0 and 1, or all with classes 0 to 4.

    Raises
    ------
    UserError
        If the data cannot be had or read, a column is missing, a class is not 0 to 4, or phrases are asked for where
        there are no trees.
    """
    tables = read_tables(options)
    splits = {split: _sentences(table, split) for split, table in tables.items()}
    if options.phrases:
        held_out = {_key(text) for split in ("validation", "test") if split in splits for text in splits[split].texts}
        splits["train"] = _with_phrases(splits["train"], tables["train"], held_out)
    if options.classes == 2:
        splits = {split: _binary(documents) for split, documents in splits.items()}
    return Source.of(splits)


def plain(text: str) -> str:
    """Write the treebank's escapes as ordinary text."""
    return _ESCAPED.sub(lambda match: _PLAIN[match[0].lower()], text).replace("\\/", "/").replace("\\*", "*")


def phrases(tree: str) -> Iterator[tuple[str, int]]:
    """Yield the words and the class of every node of a bracketed tree, children first and the sentence last.

    Raises
    ------
    ValueError
        If the brackets do not match, or a node has no class from 0 to 4.
    """
    words: list[str] = []
    open_nodes: list[tuple[int, int]] = []  # first word, class
    tokens = iter(_TREE_TOKEN.findall(tree))
    for token in tokens:
        if token == "(":
            grade = next(tokens, "")
            if grade not in {"0", "1", "2", "3", "4"}:
                raise ValueError(f"a node has class {grade!r}")
            open_nodes.append((len(words), int(grade)))
        elif token == ")":
            if not open_nodes:
                raise ValueError("a closing bracket is without its opening one")
            start, grade_of_node = open_nodes.pop()
            yield plain(" ".join(words[start:])), grade_of_node
        else:
            words.append(token)
    if open_nodes:
        raise ValueError("an opening bracket is without its closing one")


def _sentences(table: Any, split: str) -> Documents:
    # On the hub the class is in `label`; in the treebank's own form `fine` is the class and `label` a score.
    text_column, class_column = ("sentence", "fine") if "fine" in table.column_names else ("text", "label")
    texts = column(table, text_column, "data.root", f"SST's {split} split")
    grades = column(table, class_column, "data.root", f"SST's {split} split")
    for row, grade in enumerate(grades, start=1):
        if grade not in range(5):
            raise UserError(f"data: {split} split of SST, row {row}: class {grade!r}; classes must be 0 to 4")
    return Documents([plain(text) for text in texts], np.array(grades, dtype=np.int64))


def _with_phrases(sentences: Documents, table: Any, held_out: set[str]) -> Documents:
    if "tree" not in table.column_names:
        raise UserError(
            "data.phrases: this copy of SST has no trees (a column `tree` in the training split); use "
            "data.phrases=false, or a data.root whose sst/train.parquet has them"
        )
    seen = held_out | {_key(text) for text in sentences.texts}
    texts, grades = [], []
    for row, tree in enumerate(column(table, "tree", "data.phrases", "SST's training split"), start=1):
        try:
            nodes = list(phrases(tree))
        except (TypeError, ValueError) as error:
            raise UserError(f"data.phrases: training split of SST, row {row}: the tree is broken: {error}") from error
        for text, grade in nodes:
            if _key(text) not in seen:
                seen.add(_key(text))
                texts.append(text)
                grades.append(grade)
    return Documents(sentences.texts + texts, np.concatenate([sentences.labels, np.array(grades, dtype=np.int64)]))


def _key(text: str) -> str:
    return " ".join(text.lower().split())


def _binary(documents: Documents) -> Documents:
    polar = documents.select(np.flatnonzero(documents.labels != NEUTRAL))
    return Documents(polar.texts, (polar.labels > NEUTRAL).astype(np.int64))
