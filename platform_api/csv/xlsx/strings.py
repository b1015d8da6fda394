"""Texts of an Excel file: characters that XML cannot hold are written `_x000D_` (ECMA-376 part 1, 22.9.2.19)."""

import re

_ESCAPED = re.compile(
    "_x(?P<high>[Dd][89ABab][0-9A-Fa-f]{2})__x(?P<low>[Dd][C-Fc-f][0-9A-Fa-f]{2})_|_x(?P<code>[0-9A-Fa-f]{4})_"
)
# What XML 1.0 has no character for, a carriage return (XML reads it as a line feed), and what looks like an escape.
_TO_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")


def unescape(text: str) -> str:
    """Returns the text with its escapes resolved; half of a surrogate pair, which is no character, stays escaped."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def escape(text: str) -> str:
    """Returns the text as a file may hold it, before XML's own escapes; `unescape` gives it back."""
    return _TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def _character(escaped: re.Match[str]) -> str:
    if escaped["code"] is None:
        pair = int(escaped["high"], 16) << 16 | int(escaped["low"], 16)
        return pair.to_bytes(4, "big").decode("utf-16-be")
    code = int(escaped["code"], 16)
    return escaped[0] if 0xD800 <= code < 0xE000 else chr(code)
