"""Makes names of tables and columns from file names and headings, which may be in any script."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath

from platform_api.tables.names import (
    MAX_IDENTIFIER_BYTES,
    MAX_TABLE_NAME_LENGTH,
    InvalidName,
    check_column_name,
    check_table_name,
)

_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_DEFAULT_TABLE = "rows"


def table_name(file_name: str) -> str:
    """Returns a valid name of a table: `rows` where the file's name has no letter that a name can have."""
    name = _plain(PurePath(file_name.replace("\\", "/")).stem)[:MAX_TABLE_NAME_LENGTH].rstrip("_")
    for candidate in (name, f"{name[: MAX_TABLE_NAME_LENGTH - 6]}_table", _DEFAULT_TABLE):
        try:
            return check_table_name(candidate)
        except InvalidName:
            continue
    return _DEFAULT_TABLE


def column_names(headings: Iterable[str]) -> list[str]:
    """Returns valid names of columns, each once; `column_3` where a heading has no letter that a name can have."""
    names: list[str] = []
    taken: set[str] = set()
    for number, heading in enumerate(headings, 1):
        base = _column_name(heading, number)
        name, count = base, 1
        while name in taken:
            count += 1
            ending = f"_{count}"
            name = base[: MAX_IDENTIFIER_BYTES - len(ending)] + ending
        taken.add(name)
        names.append(name)
    return names


def _column_name(heading: str, number: int) -> str:
    plain = _plain(heading)[:MAX_IDENTIFIER_BYTES].rstrip("_")
    # A heading such as `id` or `created_at` names a column of the platform, which has another meaning.
    for candidate in (plain, f"original_{plain}"[:MAX_IDENTIFIER_BYTES].rstrip("_")):
        try:
            return check_column_name(candidate)
        except InvalidName:
            if not plain:
                break
    return f"column_{number}"


def _plain(text: str) -> str:
    """Returns the text in lower-case ASCII, with `_` for what else is in it, beginning with a letter."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    ascii_text = decomposed.encode("ascii", "ignore").decode()
    return re.sub(r"^[^a-z]+", "", re.sub(r"[^a-z0-9]+", "_", ascii_text)).strip("_")
