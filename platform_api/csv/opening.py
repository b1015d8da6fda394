"""What kind of file it is, and what reads it."""

from collections.abc import Iterable
from typing import IO

from platform_api.csv.errors import JobFailed
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.sheet_records import SheetRecords
from platform_api.csv.text_records import TextRecords


def open_records(
    file: IO[bytes], size: int, options: ImportOptions, *, columns: Iterable[str]
) -> SheetRecords | TextRecords:
    """Reads the header of a file; `columns` are the names it may hold. Raises JobFailed."""
    file.seek(0)
    magic = file.read(8)
    file.seek(0)
    if magic.startswith(b"PK\x03\x04"):
        return SheetRecords(file, options)
    if magic.startswith(b"\xd0\xcf\x11\xe0"):
        raise JobFailed("this is an old Excel file (.xls) or an encrypted one; save it as .xlsx or CSV")
    return TextRecords(file, size, options, known={*columns, *options.mapping})
