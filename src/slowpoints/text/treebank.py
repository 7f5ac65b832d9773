"""The Stanford Sentiment Treebank: sentences, their five classes, and the labelled phrases of its trees.

Source: Socher et al., Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank, EMNLP 2013.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from slowpoints.errors import UserError
from slowpoints.text.documents import Documents, Rows, Source, same_words
from slowpoints.text.hub import read_tables
from slowpoints.text.labels import check_texts
from slowpoints.text.options import TreebankData
from slowpoints.text.tables import class_names, column
from slowpoints.text.wording import listed, quoted

if TYPE_CHECKING:
    from jaxtyping import Int64

CLASSES = ("very negative", "negative", "neutral", "positive", "very positive")
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
    _check_classes(splits)
    if options.phrases:
        held_out = {
            same_words(text) for split in ("validation", "test") if split in splits for text in splits[split].texts
        }
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
    where = f"data: {split} split of SST"
    texts = column(table, text_column, "data.root", where)
    grades = column(table, class_column, "data.root", where)
    check_texts(Rows(where, texts, grades))
    order = _order(class_names(table, class_column), where)
    for row, grade in enumerate(grades, start=1):
        if grade not in range(5):
            raise UserError(f"{where}, row {row}: class {quoted(grade)}; classes must be 0 to 4")
    return Documents([plain(text) for text in texts], order[np.array(grades, dtype=np.int64)])


def _order(names: list[str] | None, where: str) -> Int64[np.ndarray, " class"]:
    """The grade that each number stands for: the number itself, unless the copy names its classes in another order."""
    if names is None:
        return np.arange(5)
    if len(names) == 5 and all(name.isdecimal() for name in names):
        return np.argsort(np.argsort([int(name) for name in names]))
    plain_names = [name.strip().lower().replace("_", " ") for name in names]
    if sorted(plain_names) != sorted(CLASSES):
        raise UserError(f"{where}: its classes are called {listed(names)}; they must be {listed(CLASSES)}")
    return np.array([CLASSES.index(name) for name in plain_names])


def _check_classes(splits: Mapping[str, Documents]) -> None:
    """Refuse binary labels: all of them would be negative."""
    there = np.unique(np.concatenate([documents.labels for documents in splits.values()]))
    if len(there) and (there.max() <= NEUTRAL or there.min() >= NEUTRAL):
        raise UserError(
            f"data: the classes of SST are only {listed(there.tolist())} here, where data=sst reads 0 (very negative) "
            "to 4 (very positive); sentences with labels 0 and 1 are read by data=files data.train=FILE"
        )


def _with_phrases(sentences: Documents, table: Any, held_out: set[str]) -> Documents:
    if "tree" not in table.column_names:
        raise UserError(
            "data.phrases: this copy of SST has no trees (a column `tree` in the training split); use "
            "data.phrases=false, or a data.root whose sst/train.parquet has them"
        )
    seen = held_out | {same_words(text) for text in sentences.texts}
    texts, grades = [], []
    for row, tree in enumerate(column(table, "tree", "data.phrases", "SST's training split"), start=1):
        try:
            nodes = list(phrases(tree))
        except (TypeError, ValueError) as error:
            raise UserError(f"data.phrases: training split of SST, row {row}: the tree is broken: {error}") from error
        for text, grade in nodes:
            if same_words(text) not in seen:
                seen.add(same_words(text))
                texts.append(text)
                grades.append(grade)
    return Documents(sentences.texts + texts, np.concatenate([sentences.labels, np.array(grades, dtype=np.int64)]))


def _binary(documents: Documents) -> Documents:
    polar = documents.select(np.flatnonzero(documents.labels != NEUTRAL))
    return Documents(polar.texts, (polar.labels > NEUTRAL).astype(np.int64))
