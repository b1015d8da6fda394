"""Checks the names that people give to files, and writes them into headers."""

import unicodedata
from urllib.parse import quote

from platform_api.core.errors import Unprocessable

MAX_NAME_BYTES = 255
_SAFE_IN_QUOTES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-()+,=@")
# Control, format (such as a change of the writing direction), surrogates, private use, line and paragraph ends.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# In the middle of a word or an emoji these are ordinary spelling.
_JOINERS = frozenset("\u200c\u200d")


def check_name(name: str) -> str:
    """Returns the name in its composed form (NFC), without spaces around it. Raises Unprocessable."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name or name in (".", ".."):
        raise Unprocessable("name: must be the name of a file, such as `report.csv`", field="name")
    for character in name:
        if character in "/\\" or character in "\u2044\u2215\u29f8\uff0f\uff3c\u2216":
            raise Unprocessable("name: must not contain slashes; a file has a name, not a path", field="name")
        if unicodedata.category(character) in _REFUSED_CATEGORIES and character not in _JOINERS:
            raise Unprocessable(
                f"name: must not contain the character U+{ord(character):04X} (control or invisible characters)",
                field="name",
            )
    if len(name.encode()) > MAX_NAME_BYTES:
        raise Unprocessable(
            f"name: has {len(name.encode())} bytes in UTF-8; at most {MAX_NAME_BYTES} are allowed", field="name"
        )
    return name


def base_name(path: str) -> str:
    """Returns the last part of the path by which a browser or a URL names a file."""
    return path.replace("\\", "/").rpartition("/")[2]


def attachment(name: str) -> str:
    """Returns a `Content-Disposition` with the name, in ASCII for old clients and as it is for others (RFC 6266)."""
    plain = "".join(character if character in _SAFE_IN_QUOTES else "_" for character in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
