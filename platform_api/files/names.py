"""Names of files as people give them, and how they go into a header."""

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
    """The name in its composed form (NFC), without spaces around it; raises Unprocessable."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name or name in (".", ".."):
        raise Unprocessable("name: must be the name of a file, such as `report.csv`")
    for character in name:
        if character in "/\\" or character in "\u2044\u2215\u29f8\uff0f\uff3c\u2216":
            raise Unprocessable("name: must not hold slashes; a file has a name, not a path")
        if unicodedata.category(character) in _REFUSED_CATEGORIES and character not in _JOINERS:
            raise Unprocessable(
                f"name: must not hold the character U+{ord(character):04X} (control or invisible characters)"
            )
    if len(name.encode()) > MAX_NAME_BYTES:
        raise Unprocessable(f"name: is {len(name.encode())} bytes long in UTF-8; {MAX_NAME_BYTES} are possible")
    return name


def base_name(path: str) -> str:
    """The last part of what a browser or a URL calls a file."""
    return path.replace("\\", "/").rpartition("/")[2]


def attachment(name: str) -> str:
    """`Content-Disposition` with a name, for old clients in ASCII, for others as it is (RFC 6266)."""
    plain = "".join(character if character in _SAFE_IN_QUOTES else "_" for character in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
