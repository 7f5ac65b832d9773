from __future__ import annotations

import random

import numpy as np
import pytest
from tokenizers import trainers

from slowpoints.text.corpus import PADDING, UNKNOWN
from slowpoints.text.tokenizer import Runs, encode, train_tokenizer, vocabulary


def tokens(text: str, lowercase: bool = True) -> list[str]:
    """How a text is taken apart, every word being known."""
    runs = Runs.of([text])
    tokenizer = train_tokenizer(runs, 1000, 1, lowercase)
    corpus = encode(tokenizer, runs, np.zeros(1))
    return [vocabulary(tokenizer)[token] for token in corpus.tokens]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Good film!", ["good", "film", "!"]),
        ("don't can't it's they're", ["do", "n't", "ca", "n't", "it", "'s", "they", "'re"]),
        ("do n't it 's", ["do", "n't", "it", "'s"]),  # as SST writes them
        ("DON\u2019T don\x92t", ["do", "n't", "do", "n't"]),
        ("end.<br /><br />Next<br/>line\\nlast", ["end", ".", "next", "line", "last"]),
        ("good\x96bad", ["good", "bad"]),
        ("so... bad -- 10/10", ["so", "...", "bad", "--", "10", "/", "10"]),
        ("ﬁne\u00a0day", ["fine", "day"]),
        ("_very_ [PAD] [UNK]", ["very", "[", "pad", "]", "[", "unk", "]"]),
    ],
)
def test_words_and_punctuation(text, expected):
    assert tokens(text) == expected


def test_case_can_be_kept():
    assert tokens("Good DON'T", lowercase=False) == ["Good", "DO", "N'T"]


def test_vocabulary_keeps_the_most_frequent_words_after_padding_and_unknown():
    texts = Runs.of(["d c, a a b", "A B a c"])
    assert vocabulary(train_tokenizer(texts, 5, 1, True)) == ("[PAD]", "[UNK]", "a", "b", "c")
    assert vocabulary(train_tokenizer(texts, 100, 3, True)) == ("[PAD]", "[UNK]", "a")


def test_rare_words_are_unknown_and_wordless_documents_hold_one_unknown_token():
    tokenizer = train_tokenizer(Runs.of(["good good film film"]), 100, 2, True)
    corpus = encode(tokenizer, Runs.of(["good xyz", "", " \n ", "___", "film"]), np.arange(5))
    words = vocabulary(tokenizer)
    good, film = words.index("good"), words.index("film")
    assert [corpus.document(i).tolist() for i in range(5)] == [[good, UNKNOWN], [UNKNOWN], [UNKNOWN], [UNKNOWN], [film]]
    assert corpus.labels.tolist() == [0, 1, 2, 3, 4]
    assert PADDING not in corpus.tokens


def random_texts(count: int) -> list[str]:
    generator = random.Random(0)
    pieces = [
        *"abn'\u2019\x92\x96. -!<>/_\\t\u00a0ßéﬁ\u3000½\u00b4",
        "n't",
        "<br />",
        "\\n",
        "don't",
        "'s",
        "...",
        "[PAD]",
        "\n",
    ]
    return ["".join(generator.choices(pieces, k=generator.randint(0, 25))) for _ in range(count)]


def test_the_vocabulary_is_what_the_librarys_trainer_makes_of_whole_texts():
    texts = [text.replace("[PAD]", "") for text in random_texts(2_000)]  # which the library takes for padding
    tokenizer = train_tokenizer(Runs.of(texts), 300, 2, True)
    ours = vocabulary(tokenizer)
    trainer = trainers.WordLevelTrainer(
        vocab_size=300, min_frequency=2, special_tokens=["[PAD]", "[UNK]"], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    assert vocabulary(tokenizer) == ours


def test_encoding_by_runs_is_what_the_library_makes_of_whole_texts():
    texts = random_texts(2_000)
    tokenizer = train_tokenizer(Runs.of(texts), 300, 1, True)
    corpus = encode(tokenizer, Runs.of(texts), np.zeros(len(texts)))
    for index, text in enumerate(texts):
        expected = tokenizer.encode(text, add_special_tokens=False).ids or [UNKNOWN]
        assert corpus.document(index).tolist() == expected, repr(text)
