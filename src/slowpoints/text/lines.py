"""The lines of a text file, in the encoding that it says or the user names."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from slowpoints.errors import UserError


def lines_of(path: Path, where: str, encoding: str | None, newline: str) -> Iterator[str]:
    """Yield the lines of a file with their ends, and without the mark that may begin it.

    Parameters
    ----------
    encoding
        None for UTF-8, or for UTF-16 where the file begins with its mark.
    newline
        What ends a line, as for `open`.

    Raises
    ------
    UserError
        With the line that is not in this encoding.
    """
    encoding = encoding or _marked(path)
    if codecs.lookup(encoding).name == "utf-8":
        encoding = "utf-8-sig"
    name = encoding.removesuffix("-sig").upper()
    advice = f"say how the file is encoded, as in data.encoding={'cp1252' if name != 'CP1252' else 'utf-8'}"
    number = 0
    # Bytes that are no text pass as halves of characters, which no text holds, so that their line is known.
    with path.open(encoding=encoding, errors="surrogateescape", newline=newline) as file:
        try:
            for number, line in enumerate(file, start=1):
                if not line.isascii():
                    _check_bytes(line, f"{where}, line {number}", name, advice)
                yield line
        except UnicodeError as error:
            raise UserError(f"{where}, after line {number}: is not {name}: {error}; {advice}") from error


def _marked(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"


def _check_bytes(line: str, place: str, name: str, advice: str) -> None:
    try:
        line.encode()
    except UnicodeEncodeError as error:
        byte = ord(line[error.start]) - 0xDC00
        raise UserError(f"{place}: byte 0x{byte:02x} is not {name}; {advice}") from error
