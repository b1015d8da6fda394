"""Detects the format of a file and opens a reader for it."""

import re
from collections.abc import Iterable
from typing import IO

from platform_api.csv.errors import JobFailed
from platform_api.csv.records.sheet import SheetRecords
from platform_api.csv.records.text import TextRecords
from platform_api.csv.schemas import ImportOptions

_START_BYTES = 2048
_UNSUPPORTED: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls) or an encrypted one; save it as .xlsx or CSV"),
    (b"PK\x05\x06", "an empty archive; send CSV or .xlsx"),
    (b"PK\x07\x08", "an archive of several parts; send CSV or .xlsx"),
    (b"\x1f\x8b", "compressed (gzip); unpack it first"),
    (b"BZh", "compressed (bzip2); unpack it first"),
    (b"\xfd7zXZ\x00", "compressed (xz); unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd); unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "compressed (7z); unpack it first"),
    (b"Rar!\x1a\x07", "compressed (rar); unpack it first"),
    (b"%PDF-", "a PDF file; send CSV or .xlsx"),
    (b"SQLite format 3\x00", "an SQLite database; send CSV or .xlsx"),
    (b"PAR1", "a Parquet file; send CSV or .xlsx"),
)
"""Maps how files of unsupported formats begin to a description."""
_XML = re.compile(rb"\s*(?:<\?xml\b|<!--|<!doctype html|<html\b|<table\b|<workbook\b)", re.IGNORECASE)
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*[{\[]\s*[\"\]}]|\{\s*\"[^\"\r\n]*\"\s*:)")
_SPREADSHEET_2003 = b"urn:schemas-microsoft-com:office:spreadsheet"


def open_records(
    file: IO[bytes], size: int, options: ImportOptions, *, columns: Iterable[str]
) -> SheetRecords | TextRecords:
    """Opens a file and reads its header; `columns` are the names it may contain. Raises JobFailed."""
    file.seek(0)
    start = file.read(_START_BYTES)
    file.seek(0)
    if start.startswith(b"PK\x03\x04"):
        return SheetRecords(file, options)
    for magic, kind in _UNSUPPORTED:
        if start.startswith(magic):
            raise JobFailed(f"the file is {kind}")
    if _XML.match(start.removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"").removeprefix(b"\xff\xfe")):
        # Many programs write such files with the extension .xls, and Excel opens them.
        kind = "an Excel 2003 XML file" if _SPREADSHEET_2003 in start else "an HTML or XML page"
        raise JobFailed(f"the file is {kind}, whatever its name says; open it in Excel and save it as .xlsx or CSV")
    if _JSON.match(start):
        raise JobFailed("the file is JSON; send CSV or .xlsx")
    return TextRecords(file, size, options, known={*columns, *options.mapping})
