"""Decoding of CSV files, and error messages for files in another encoding."""

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Final, TextIO

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import quoted

UTF_8: Final = "utf-8"

_BLOCK = 1024 * 1024
_SHOWN_BYTES = 20
_UTF_8_MARK = codecs.BOM_UTF8
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NO_FILE_ENCODINGS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
"""Codecs of Python that no program uses for files, or that can produce invalid Unicode."""

_LENIENT = "surrogateescape"
_SAVE_AS_UTF_8 = "save it as CSV UTF-8"


def parse_encoding(name: str, *, field: str) -> str:
    """Normalize the name of an encoding. Raises InvalidInput if there is no such encoding of files."""
    try:
        found = codecs.lookup(name).name
        is_known = found not in _NO_FILE_ENCODINGS and "id,email;\n".encode(found).decode(found) == "id,email;\n"
    except (LookupError, ValueError):  # ValueError: the name contains NUL, or the codec cannot encode text
        is_known = False
        found = ""
    if not is_known:
        message = f"{field} {quoted(name)} is not a file encoding: use one such as windows-1252, iso-8859-15 or utf-16"
        raise InvalidInput(message, field=field)
    return UTF_8 if found == "utf-8-sig" else found


@contextmanager
def open_text(file: BinaryIO, encoding: str = UTF_8) -> Iterator[TextIO]:
    """Decode a file from its start, without its byte order mark; does not close the file.

    The caller must check each line of a pipe with `check_line`, since a pipe cannot be read again to find the line of
    an error. ``encoding`` is a result of `parse_encoding`.

    Raises:
        InvalidInput: the file is not in this encoding; with the line and a remedy.
    """
    can_be_read_again = file.seekable()
    if can_be_read_again:
        file.seek(0)
    errors = "strict" if can_be_read_again or encoding != UTF_8 else _LENIENT
    text = io.TextIOWrapper(file, encoding=_codec(file, encoding), errors=errors, newline="")
    try:
        yield text
    except UnicodeDecodeError as error:
        if not can_be_read_again:
            message = f"the file is not {encoding}: choose another --encoding. The rows before the error were imported"
            raise InvalidInput(message, field="file") from error
        raise _undecodable(text.buffer, encoding) from error
    except UnicodeError as error:  # the codec utf-16 raises it for a stream without a byte order mark
        advice = f"add --encoding {encoding}-le or {encoding}-be or, if it is UTF-8, omit --encoding"
        raise InvalidInput(f"line 1: the file has no byte order mark of {encoding}: {advice}", field="file") from error
    finally:
        text.detach()


def needs_line_checks(text: TextIO) -> bool:
    """Whether each line of the text must be checked with `check_line`."""
    return text.errors == _LENIENT


def check_line(text: str, line: int) -> None:
    """Check that a line of a pipe is UTF-8. Raises InvalidInput."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        word = _word(text.encode(UTF_8, _LENIENT), len(text[: error.start].encode()))
        problem = f"line {line}: the file is not UTF-8 here; the rows before it were imported"
        raise InvalidInput(f"{problem}: {_remedies(word)}", field="file") from error


def _codec(file: BinaryIO, encoding: str) -> str:
    """The codec that removes a byte order mark, if there is one."""
    if encoding == UTF_8:
        return "utf-8-sig"
    if not file.seekable():
        return encoding
    start = file.read(len(_UTF_8_MARK))
    file.seek(0)
    return "utf-16" if encoding.startswith("utf-16-") and start[:2] in _UTF_16_MARKS else encoding


def check_not_utf_8(file: BinaryIO, encoding: str) -> None:
    """Reject a UTF-8 file, with characters beyond ASCII, that would be decoded as another encoding."""
    if encoding == UTF_8 or not file.seekable() or "a".encode(encoding) != b"a":
        return
    file.seek(0)
    decoder = codecs.getincrementaldecoder(UTF_8)()
    is_ascii = True
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
            is_ascii = is_ascii and block.isascii()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return
    if not is_ascii:
        raise InvalidInput(f"the file is UTF-8, not {encoding}: omit --encoding", field="file")


def _undecodable(file: BinaryIO, encoding: str) -> InvalidInput:
    """The error for the first bytes that are invalid in this encoding."""
    file.seek(0)
    utf_16 = _utf_16_of(file.read(2)) if encoding == UTF_8 else None
    if utf_16 is not None:
        return _is_utf_16(utf_16)
    file.seek(0)
    line, is_ascii, word = _first_undecodable(file, encoding)
    found = quoted(word.decode("ascii", "backslashreplace"))
    if encoding != UTF_8:
        problem = f"line {line}: {found} is not {encoding}"
        return InvalidInput(f"{problem}, and nothing was imported: choose another --encoding", field="file")
    remedy = _remedies(word) if is_ascii else f"correct {found}; the text before it is UTF-8"
    return InvalidInput(f"line {line}: the file is not UTF-8 here, and nothing was imported: {remedy}", field="file")


def _remedies(word: bytes) -> str:
    windows_word = quoted(word.decode("cp1252", "replace"))
    return f"{_SAVE_AS_UTF_8} or, if the word there is {windows_word}, add --encoding windows-1252"


def check_not_utf_16(start: str) -> None:
    """Reject text that was read as UTF-8 but seems to be UTF-16 without a byte order mark. Raises InvalidInput."""
    utf_16 = _utf_16_of(start[:2].encode(UTF_8, _LENIENT))
    if utf_16 is not None:
        raise _is_utf_16(utf_16)


def _utf_16_of(start: bytes) -> str | None:
    """The kind of UTF-16 of a file, by its byte order mark or the NUL beside its first letter; None if it is not."""
    if start[:2] in _UTF_16_MARKS:
        return "utf-16"
    return {0: "utf-16-be", 1: "utf-16-le"}.get(start[:2].find(b"\0"))


def _is_utf_16(encoding: str) -> InvalidInput:
    advice = f"{_SAVE_AS_UTF_8}, or add --encoding {encoding}"
    return InvalidInput(f"line 1: the file is UTF-16, not UTF-8: {advice}", field="file")


def _first_undecodable(file: BinaryIO, encoding: str) -> tuple[int, bool, bytes]:
    """Find the first invalid bytes: their line, whether all bytes before them are ASCII, and the word around them."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, is_ascii, last = 1, True, ""
    while True:
        block = file.read(_BLOCK)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            line += _line_breaks(before.decode(encoding, "ignore"), last)
            return line, is_ascii and before.isascii(), _word(error.object, error.start)
        line += _line_breaks(text, last)
        is_ascii = is_ascii and text.isascii()
        last = text[-1:] or last


def _line_breaks(text: str, last: str) -> int:
    """Number of line ends, LF, CR LF or CR, in a text that follows the character ``last``."""
    return text.count("\n") + text.count("\r") - text.count("\r\n") - (last == "\r" and text.startswith("\n"))


def has_space_before_quote(cells: Sequence[str], line: str) -> bool:
    """Whether a space precedes the opening quote of a cell: CSV then reads the quote as part of the cell.

    In ``line``, the line of the cells, a quote inside a quoted cell is doubled.
    """
    return any(_in_quotes(cell) and cell in line for cell in cells)


_in_quotes = re.compile(r' +"[^"]*" *').fullmatch

_not_in_words = re.compile(rb"[\s,;|\"]")


def _word(text: bytes, index: int) -> bytes:
    before = _not_in_words.split(text[max(0, index - _SHOWN_BYTES) : index])[-1]
    return before + _not_in_words.split(text[index : index + _SHOWN_BYTES])[0]
