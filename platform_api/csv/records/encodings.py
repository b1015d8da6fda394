"""Detects the encoding of a CSV file: that of its BOM, or UTF-8 if the whole file is valid UTF-8.

Other encodings are not guessed: detectors confuse Polish and French in short texts, and nobody would notice before
the rows are imported. The error shows how a line reads in likely encodings.
"""

import codecs
import re
import unicodedata
from dataclasses import dataclass
from typing import IO

from platform_api.csv.errors import JobFailed

_PIECE_BYTES = 64 * 1024
_BINARY_SHARE = 0.3
"""Share of zero bytes at the start from which a file is not single-byte text."""
_TWO_BYTE_SHARE = 0.05
"""Share of zero bytes at the start from which a file may be UTF-16, where commas and line ends contain one."""
_SEPARATORS = frozenset("\r\n,;\t|")
_LIKELY = ("windows-1250", "iso-8859-2", "windows-1252", "windows-1251")
_CONTROLS = re.compile(rb"[\x80-\x9f]")
"""Bytes that are printable in Windows encodings (€ “ ” – …) and invisible in ISO 8859."""
_WINDOWS = {"1": "1252", "2": "1250", "4": "1257", "5": "1251", "7": "1253", "9": "1254", "13": "1257", "15": "1252"}
"""Maps the part of ISO 8859 to the Windows encoding that is usually meant."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """Describes how bytes become text. `name` is for people; Python's `codec` neither writes nor expects a BOM."""

    name: str
    codec: str
    bom: bytes = b""

    def encode(self, text: str) -> bytes:
        """Returns the bytes; escapes characters that the encoding lacks, which occur in messages only."""
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
    """Returns the given encoding, or the detected one. Raises JobFailed when neither fits the file."""
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
        raise JobFailed(
            f"the file begins with the byte order mark of UTF-8, but `encoding` is {name}; leave out `encoding`"
        )
    return Encoding(codec, codec)


def _require_visible(file: IO[bytes], encoding: Encoding, given: str) -> None:
    """Raises JobFailed for a Windows file declared as ISO 8859: its quotes, dashes and € would become invisible."""
    file.seek(0)
    lines = 1
    while content := file.read(_PIECE_BYTES):
        if (match := _CONTROLS.search(content)) is not None:
            lines += content.count(b"\n", 0, match.start())
            windows = f"windows-{_WINDOWS.get(encoding.codec.removeprefix('iso8859-'), '1252')}"
            raise JobFailed(
                f"the file is not {given}: the byte 0x{match[0][0]:02x} in line {lines} is not printable there; in"
                f" {windows} it is {match[0].decode(windows, errors='replace')!r}: send `encoding={windows}`"
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
        raise JobFailed("the file is not UTF-8, or ends in the middle of a character; send its `encoding`") from None


def _not_text(content: bytes) -> JobFailed:
    if (codec := _find_unmarked(content)) is not None:
        return JobFailed(f"the file looks like UTF-16 without a byte order mark; send `encoding={codec}`")
    return JobFailed("the file is neither text nor .xlsx; send CSV or .xlsx")


def _find_unmarked(content: bytes) -> str | None:
    """Returns the UTF-16 codec in which the content is lines of text; None when there is none.

    In the wrong byte order, line ends and delimiters are letters of other scripts, or unassigned.
    """
    for codec in ("utf-16-le", "utf-16-be"):
        try:
            text = codecs.getincrementaldecoder(codec)().decode(content)
        except UnicodeDecodeError:
            continue
        odd = sum(unicodedata.category(letter) in ("Cc", "Cn", "Co") and letter not in "\t\r\n" for letter in text)
        if not odd and not _SEPARATORS.isdisjoint(text):
            return codec
    return None


def _not_utf8(content: bytes, *, first_line: int) -> JobFailed:
    """Returns the error for a file in another encoding; `content` contains its first line that is not UTF-8."""
    for number, line in enumerate(content.split(b"\n"), first_line):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            place = line[max(0, error.start - 20) : error.start + 20].rstrip(b"\r")
            names: dict[str, list[str]] = {}
            for name in _LIKELY:
                names.setdefault(place.decode(name, errors="replace"), []).append(name)
            readings = ", ".join(f"as {' or '.join(same)} {text!r}" for text, same in names.items())
            return JobFailed(
                f"the file is not UTF-8; send its `encoding`. Line {number} reads {readings}",
                line=number,
                column=len(line[: error.start].decode()) + 1,
            )
    return JobFailed("the file is not UTF-8; send its `encoding`, for example windows-1250")
