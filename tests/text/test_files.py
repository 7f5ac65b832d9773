from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reviews import write_classes, write_parquet

from slowpoints.errors import UserError
from slowpoints.text import files
from slowpoints.text.options import FileData


def read(train, **changes):
    return files.read(FileData(name="mine", train=train, **changes))


def write(path, content):
    path.write_text(content, encoding="utf-8")
    return path


def csv_of(tmp_path, *labels):
    return write(tmp_path / "r.csv", "text,label\n" + "".join(f"text {i},{label}\n" for i, label in enumerate(labels)))


ROWS = [("Good,\nreally", "pos"), ('"Bad" film\twith a tab', "neg")]


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_is_read(tmp_path, kind):
    path = tmp_path / f"reviews.{kind}"
    if kind == "parquet":
        write_parquet(path, review=[text for text, _ in ROWS], stars=[label for _, label in ROWS])
    elif kind == "jsonl":
        write(path, "\n".join(json.dumps({"review": text, "stars": label, "more": 1}) for text, label in ROWS) + "\n\n")
    else:
        d = {"csv": ",", "tsv": "\t"}[kind]
        body = f'id{d}stars{d}review\n1{d}pos{d}"Good,\nreally"\n2{d}neg{d}"""Bad"" film\twith a tab"\n'
        write(path, "\ufeff" + body)  # as spreadsheets write it
    source = read(path, text_column="review", label_column="stars")
    assert source.train.texts == [text for text, _ in ROWS]
    assert source.train.labels.tolist() == [1, 0]
    assert source.validation is None
    assert source.test is None


def test_files_of_their_own_for_validation_and_test(tmp_path):
    train = csv_of(tmp_path, 0, 1)
    other = write(tmp_path / "o.tsv", "text\tlabel\nfine\t1\n")
    source = read(train, validation=other, test=train)
    assert (source.validation.texts, len(source.test)) == (["fine"], 2)


@pytest.mark.parametrize(
    ("negative", "positive"), [("0", "1"), ("False", "true"), ("neg", "POS"), ("Negative", " positive ")]
)
def test_usual_labels_are_understood(tmp_path, negative, positive):
    assert read(csv_of(tmp_path, positive, negative)).train.labels.tolist() == [1, 0]


@pytest.mark.parametrize(("negative", "positive"), [(False, True), (0, 1), (0.0, 1.0)])
def test_typed_labels_are_understood(tmp_path, negative, positive):
    path = write_parquet(tmp_path / "r.parquet", text=["a", "b"], label=[positive, negative])
    assert read(path).train.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("labels", "positive"), [(("good", "bad", "Good"), "good"), (("2", "1", "2"), 2), (("yes", "no", "YES"), "Yes")]
)
def test_other_labels_need_the_positive_one_named(tmp_path, labels, positive):
    path = csv_of(tmp_path, *labels)
    assert read(path, positive_label=positive).train.labels.tolist() == [1, 0, 1]
    with pytest.raises(UserError, match=r"r\.csv, row 1 \(line 2\): label .* is none of 0/1.*data\.positive_label"):
        read(path)


def test_a_third_label_is_named_with_its_row(tmp_path):
    path = csv_of(tmp_path, 0, 1, 2)
    with pytest.raises(UserError, match=r"data\.train: .*r\.csv, row 3 \(line 4\): label '2' is none of"):
        read(path)
    with pytest.raises(UserError, match=r"row 3 .*: label '2' is a third value \(0, 2, and data\.positive_label=1\)"):
        read(path, positive_label=1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", "text,label\nfine,1\nbad,really,0\n", r"row 2 \(line 3\): 3 fields where the header has 2"),
        ("r.csv", 'text,label\nfine,1\n"bad,0\n', r", row 2 \(line 3\): a quotation mark is opened and never closed"),
        ("r.csv", "text,label\nfine,\n", r"row 1 \(line 2\): there is no label"),
        ("r.csv", "text,label\n", "is empty"),
        ("r.csv", "", r"no column 'text'; name one of \(none\) with data\.text_column"),
        ("r.csv", "review,label\nfine,1\n", r"no column 'text'; name one of review, label with data\.text_column"),
        ("r.tsv", "text\tstars\nfine\t1\n", r"no column 'label'; name one of text, stars with data\.label_column"),
        ("r.jsonl", '{"text": "fine", "label": 1}\n{"text": ', r"row 2 \(line 2\): is not JSON"),
        ("r.jsonl", '["fine", 1]\n', r"row 1 \(line 1\): must be an object"),
        ("r.jsonl", '{"text": "fine", "label": 1}\n{"text": "bad"}\n', r"row 2 \(line 2\): there is no column 'label'"),
        ("r.jsonl", '{"text": null, "label": 1}\n', r"row 1 \(line 1\): the text is None; it must be a string"),
        ("r.jsonl", "", "is empty"),
        ("r.parquet", "not parquet", "cannot be read as parquet"),
        ("r.csv", "text,text,label\nfine,good,1\n", r"header: 2 columns are called 'text'; give .* data\.text_column"),
        ("r.jsonl", '{"text": "fine", "text": "bad", "label": 1}\n', "a name stands twice in one object"),
        (
            "r.jsonl",
            '\n{"text": "half \\ud83d", "label": 1}\n',
            r"row 1 \(line 2\): the text holds half of a char.*'.ud83d'",
        ),
        (
            "r.jsonl",
            '{"text": ' + "[" * 100_000 + "\n",
            r"row 1 .* is not JSON that can be read: maximum recursion depth",
        ),
        ("r.jsonl", '{"text": "fine", "label": NaN}\n', "row 1 .*: there is no label"),
        ("r.csv", "t\0e\0x\0t\0,\0l\0\n", r"looks like UTF-16: data\.encoding=utf-16"),
        ("r.csv", "text#label\nfine#1\n", r"a single field, as ',' ends none; .* named by data\.delimiter"),
        ("r.xlsx", "", r"must end in \.csv, \.tsv, \.jsonl or \.parquet"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_row(tmp_path, name, content, message):
    with pytest.raises(UserError, match=rf"data\.train: .*{name}.*{message}"):
        read(write(tmp_path / name, content))


def test_what_stands_in_a_file_does_not_fill_the_screen(tmp_path):
    for content in (
        f"{'word ' * 1_800},1\n",
        f"{','.join(map(str, range(5_000)))}\n",
        f"text,label\nfine,{'x' * 9_000}\n",
    ):
        with pytest.raises(UserError) as caught:
            read(write(tmp_path / "r.csv", content))
        assert len(str(caught.value).replace(str(tmp_path), "")) < 300


def test_two_columns_of_one_name_in_parquet_are_refused(tmp_path):
    pq.write_table(pa.table([["a"], ["b"], [1]], names=["text", "text", "label"]), tmp_path / "r.parquet")
    with pytest.raises(UserError, match=r"r\.parquet: 2 columns are called 'text'"):
        read(tmp_path / "r.parquet")


def test_bytes_in_parquet_that_are_no_text_are_named_with_their_row(tmp_path):
    texts = pa.array([b"fine", b"caf\xe9"], pa.binary()).view(pa.string())
    with pytest.raises(UserError, match=r"r\.parquet, row 2: column 'text' holds what is no UTF-8"):
        read(write_parquet(tmp_path / "r.parquet", text=texts, label=[1, 0]))


@pytest.mark.parametrize(
    ("names", "positive", "expected"),
    [
        (["neg", "pos"], None, [0, 1, 0]),
        (["pos", "neg"], None, [1, 0, 1]),
        (["1", "2"], None, [0, 1, 0]),  # as stars
        (["2", "1"], None, [1, 0, 1]),
        (["good", "bad"], "good", [1, 0, 1]),
        (["1", "2"], 1, [1, 0, 1]),
    ],
)
def test_classes_with_names_are_told_by_these(tmp_path, names, positive, expected):
    path = write_classes(tmp_path / "r.parquet", names, [0, 1, 0])
    assert read(path, positive_label=positive).train.labels.tolist() == expected


def test_splits_whose_classes_have_another_order_agree(tmp_path):
    train = write_classes(tmp_path / "train.parquet", ["neg", "pos"], [0, 1, 1])
    test = write_classes(tmp_path / "test.parquet", ["pos", "neg"], [0, 1, 1])
    source = read(train, test=test)
    assert (source.train.labels.tolist(), source.test.labels.tolist()) == ([0, 1, 1], [1, 0, 0])


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (["good", "bad"], [0, 1], "row 1: label 'good' is none of .* data.positive_label"),
        (["neg", "pos"], [0, 1, -1], "row 3: there is no label"),  # -1: not known
        (["neg", "pos"], [0.0, 1.0, float("nan")], "row 3: there is no label"),
        (["neg", "pos"], [0, None], "row 2: there is no label"),
    ],
)
def test_classes_that_say_nothing_are_refused(tmp_path, names, labels, message):
    with pytest.raises(UserError, match=message):
        read(write_classes(tmp_path / "r.parquet", names, labels))


def test_labels_are_read_once_over_all_files(tmp_path):
    train = csv_of(tmp_path, 1, 5)
    test = write(tmp_path / "test.csv", "text,label\nfine,2\nbad,5\n")
    with pytest.raises(UserError, match=r"data\.test: .*test\.csv, row 1 .*'2' is a third value \(1, 2, and .*=5\)"):
        read(train, test=test, positive_label=5)
    assert read(train, test=csv_of(tmp_path, 5, 1), positive_label=5).test.labels.tolist() == [1, 0]


def test_a_positive_label_that_no_document_has_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"data\.positive_label=great: no document has this label; there are good, bad"):
        read(csv_of(tmp_path, "good", "bad"), positive_label="great")


def test_missing_columns_of_parquet_are_named(tmp_path):
    path = write_parquet(tmp_path / "r.parquet", review=["a"], label=[1])
    with pytest.raises(UserError, match=r"name one of review, label with data\.text_column"):
        read(path)


def test_a_missing_file_is_named_with_its_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    csv_of(tmp_path, 0, 1)
    with pytest.raises(UserError, match=rf"data\.test: there is no file gone\.csv \(looked for {tmp_path}/gone\.csv\)"):
        read("r.csv", test="gone.csv")


def test_a_name_too_long_for_any_file_is_that_of_none(tmp_path):
    with pytest.raises(UserError, match=r"data\.train: there is no file"):
        read(tmp_path / f"{'x' * 300}.csv")


def test_files_may_be_named_relative_to_a_folder(tmp_path):
    csv_of(tmp_path, 0, 1)
    assert len(read("r.csv", root=tmp_path).train) == 2
