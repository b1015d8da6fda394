"""Texts of an Excel file: characters that XML cannot hold are written `_x000D_` (ECMA-376 part 1, 22.9.2.19)."""

import re

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# What XML 1.0 has no character for, a carriage return (XML reads it as a line feed), and what looks like an escape.
_TO_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")


def unescape(text: str) -> str:
    """Returns the text with its escapes resolved."""
    if "_x" not in text:
        return text
    found = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return _SURROGATES.sub(lambda match: match[0].encode("utf-16", "surrogatepass").decode("utf-16"), found)


def escape(text: str) -> str:
    """Returns the text as a file may hold it, before XML's own escapes; `unescape` gives it back."""
    return _TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
