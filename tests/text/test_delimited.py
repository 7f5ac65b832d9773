"""How CSV, TSV and JSON lines are written: quotation marks, delimiters, encodings."""

from __future__ import annotations

import pytest

from slowpoints.errors import UserError
from slowpoints.text import files
from slowpoints.text.options import FileData


def read(train, **changes):
    return files.read(FileData(name="mine", train=train, **changes))


def write(path, content):
    path.write_text(content, encoding="utf-8")
    return path


def sixty(delimiter, text_first=True, **changes):
    """Sixty rows behind a header, some of them with another text."""
    rows = [("text", "label")] + [(changes.get(f"row{i}", f"text {i}"), str(i % 2)) for i in range(1, 61)]
    return "".join(delimiter.join(row if text_first else row[::-1]) + "\n" for row in rows)


@pytest.mark.parametrize("kind", ["csv", "tsv"])
@pytest.mark.parametrize("text_first", [True, False])
@pytest.mark.parametrize(("row", "lines"), [(30, "lines 11 to 31"), (11, "lines 11 to 12")])
def test_no_row_disappears_between_stray_quotation_marks(tmp_path, kind, text_first, row, lines):
    stray = {"row10": '"Stray', f"row{row}": 'and stray"'}
    path = write(tmp_path / f"r.{kind}", sixty({"csv": ",", "tsv": "\t"}[kind], text_first, **stray))
    with pytest.raises(UserError, match=rf"row 10 \({lines}\): a quoted field holds lines .*data\.quotes=false"):
        read(path)
    train = read(path, quotes=False).train
    assert (len(train), train.texts[9], train.texts[row - 1]) == (60, '"Stray', 'and stray"')


def test_texts_of_several_lines_may_look_much_like_rows(tmp_path):
    body = '"Good, bad\n\nor so, 1\nwho knows, 0",1\n"One,1\ntwo, three",0\n'
    train = read(write(tmp_path / "r.csv", "text,label\n" + body)).train
    assert train.texts == ["Good, bad\n\nor so, 1\nwho knows, 0", "One,1\ntwo, three"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"bad" mark', r"row 51 \(line 52\): cannot be read: .*data\.quotes=false"),
        ('"open mark', r"row 51 \(line 52\): a quotation mark is opened and never closed; .*data\.quotes=false"),
    ],
)
def test_a_wrong_quotation_mark_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read(write(tmp_path / "r.tsv", sixty("\t", row51=text)))


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_text_in_another_encoding_is_named_with_its_line_and_the_option(tmp_path, kind):
    path = tmp_path / f"r.{kind}"
    content = sixty({"csv": ",", "tsv": "\t", "jsonl": ""}[kind], row11="café")
    if kind == "jsonl":
        content = "\n" + "".join(f'{{"text": "{"café" if i == 11 else i}", "label": 1}}\n' for i in range(1, 61))
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=rf"r\.{kind}, line 12: byte 0xe9 is not UTF-8; .* data\.encoding=cp1252"):
        read(path)
    assert read(path, encoding="latin-1").train.texts[10] == "café"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])  # both with a mark at the beginning
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_marks_of_encodings_are_understood(tmp_path, encoding, kind):
    path = tmp_path / f"r.{kind}"
    content = "text,label\r\ncafé,1\r\n" if kind == "csv" else '{"text": "café", "label": 1}\r\n'
    path.write_bytes(content.encode(encoding))
    assert read(path).train.texts == ["café"]


def test_a_file_that_ends_within_a_character_is_named(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes("text,label\nfine,1\n".encode("utf-16")[:-1])
    with pytest.raises(UserError, match=r"r\.csv, after line 1: is not UTF-16: .*data\.encoding"):
        read(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_the_delimiter_is_the_one_that_the_header_has(tmp_path, delimiter, kind):
    path = write(tmp_path / f"r.{kind}", delimiter.join(["id", "text", "label\n"]) + delimiter.join(["1", "fine", "1"]))
    assert read(path).train.texts == ["fine"]


def test_blanks_around_the_names_of_columns_do_not_matter(tmp_path):
    assert read(write(tmp_path / "r.csv", "id; text ;label \n1;fine;1\n")).train.texts == ["fine"]


def test_another_delimiter_can_be_named(tmp_path):
    assert read(write(tmp_path / "r.csv", "text#label\nfine#1\n"), delimiter="#").train.texts == ["fine"]
