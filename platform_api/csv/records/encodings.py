"""The encoding of a CSV file: its BOM's, or UTF-8 if all of it is.

Older encodings are not guessed: detectors take Polish for French on short texts, and nobody would notice before the
rows are in. The refusal shows how a line reads in the likely ones.
"""

import codecs
import re
import unicodedata
from dataclasses import dataclass
from typing import IO

from platform_api.csv.errors import JobFailed

_PIECE_BYTES = 64 * 1024
_BINARY_SHARE = 0.3
"""Zero bytes among the first ones, from which on a file is no text of one byte a character."""
_TWO_BYTE_SHARE = 0.05
"""Zero bytes among the first ones, from which on a file may be UTF-16, whose commas and line ends have one."""
_MARKS_OF_LINES = frozenset("\r\n,;\t|")
_LIKELY = ("windows-1250", "iso-8859-2", "windows-1252", "windows-1251")
_CONTROLS = re.compile(rb"[\x80-\x9f]")
"""Bytes that are signs in the encodings of Windows (€ “ ” – …), and in those of ISO 8859 nothing visible."""
_WINDOWS = {"1": "1252", "2": "1250", "4": "1257", "5": "1251", "7": "1253", "9": "1254", "13": "1257", "15": "1252"}
"""What is mostly meant by a part of ISO 8859."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How bytes become text. `name` is for people, `codec` is Python's and neither writes nor expects the BOM."""

    name: str
    codec: str
    bom: bytes = b""

    def encode(self, text: str) -> bytes:
        """Returns the bytes; characters that the encoding lacks (in messages, not in the file) are escaped."""
        return text.encode(self.codec, errors="backslashreplace")


_BOMS = (
    Encoding("utf-8", "utf-8", codecs.BOM_UTF8),
    Encoding("utf-32", "utf-32-le", codecs.BOM_UTF32_LE),
    Encoding("utf-32", "utf-32-be", codecs.BOM_UTF32_BE),
    Encoding("utf-16", "utf-16-le", codecs.BOM_UTF16_LE),
    Encoding("utf-16", "utf-16-be", codecs.BOM_UTF16_BE),
)

_WITHOUT_MARK = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


def find_encoding(file: IO[bytes], given: str | None) -> Encoding:
    """Returns the encoding that was given, or that the file shows. Raises JobFailed when it shows none."""
    file.seek(0)
    start = file.read(4)
    marked = next((encoding for encoding in _BOMS if start.startswith(encoding.bom)), None)
    if given is not None:
        encoding = _given(given, marked)
        if encoding.codec.startswith("iso8859-"):
            _require_visible(file, encoding, given)
        return encoding
    if marked is not None:
        return marked
    _require_utf8(file)
    return Encoding("utf-8", "utf-8")


def _given(name: str, marked: Encoding | None) -> Encoding:
    codec = codecs.lookup(name).name
    if marked is None:
        return Encoding(codec, _WITHOUT_MARK.get(codec, codec))
    if codec in (marked.name, marked.codec, f"{marked.name}-sig"):
        return marked
    if marked.name == "utf-8":
        raise JobFailed(f"the file begins with the mark of UTF-8, and `encoding` says {name}; leave `encoding` out")
    return Encoding(codec, codec)


def _require_visible(file: IO[bytes], encoding: Encoding, given: str) -> None:
    """Refuses a file of Windows that is said to be ISO 8859: its quotes, dashes and € would become invisible."""
    file.seek(0)
    lines = 1
    while content := file.read(_PIECE_BYTES):
        if (found := _CONTROLS.search(content)) is not None:
            lines += content.count(b"\n", 0, found.start())
            windows = f"windows-{_WINDOWS.get(encoding.codec.removeprefix('iso8859-'), '1252')}"
            raise JobFailed(
                f"the file is not {given}: the byte 0x{found[0][0]:02x} in line {lines} is no letter there; in"
                f" {windows} it is {found[0].decode(windows, errors='replace')!r}: send `encoding={windows}`"
            )
        lines += content.count(b"\n")


def _require_utf8(file: IO[bytes]) -> None:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, before, is_first = 1, b"", True
    while content := file.read(_PIECE_BYTES):
        zeros = content.count(0)
        if is_first and zeros > _BINARY_SHARE * len(content):
            raise _not_text(content)
        if is_first and zeros > _TWO_BYTE_SHARE * len(content) and _find_unmarked(content) is not None:
            raise _not_text(content)
        is_first = False
        try:
            decoder.decode(content)
        except UnicodeDecodeError:
            raise (_not_text(content) if zeros else _not_utf8(before + content, first_line=lines)) from None
        lines += before.count(b"\n")
        before = content
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise JobFailed("the file is not UTF-8, or cut off in its last letter; send its `encoding`") from None


def _not_text(content: bytes) -> JobFailed:
    if (codec := _find_unmarked(content)) is not None:
        return JobFailed(f"the file looks like UTF-16 without its mark (BOM); send `encoding={codec}`")
    return JobFailed("this is neither text nor an .xlsx file")


def _find_unmarked(content: bytes) -> str | None:
    """Returns the UTF-16 as which the content is lines of text; None when it is none.

    Read in the wrong order of bytes, line ends and delimiters are letters of other scripts, or nothing.
    """
    for codec in ("utf-16-le", "utf-16-be"):
        try:
            text = codecs.getincrementaldecoder(codec)().decode(content)
        except UnicodeDecodeError:
            continue
        odd = sum(unicodedata.category(letter) in ("Cc", "Cn", "Co") and letter not in "\t\r\n" for letter in text)
        if not odd and not _MARKS_OF_LINES.isdisjoint(text):
            return codec
    return None


def _not_utf8(content: bytes, *, first_line: int) -> JobFailed:
    """Returns the refusal of a file of another encoding; `content` holds its first line that is not UTF-8."""
    for number, line in enumerate(content.split(b"\n"), first_line):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            place = line[max(0, error.start - 20) : error.start + 20].rstrip(b"\r")
            names: dict[str, list[str]] = {}
            for name in _LIKELY:
                names.setdefault(place.decode(name, errors="replace"), []).append(name)
            readings = ", ".join(f"as {' or '.join(same)} {text!r}" for text, same in names.items())
            return JobFailed(f"the file is not UTF-8; send its `encoding`. Line {number} reads {readings}")
    return JobFailed("the file is not UTF-8; send its `encoding`, for example windows-1250")
