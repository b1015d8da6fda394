"""Escapes characters that XML cannot contain as `_x000D_`, and back (ECMA-376 part 1, 22.9.2.19)."""

import re

_ESCAPED = re.compile(
    "_x(?P<high>[Dd][89ABab][0-9A-Fa-f]{2})__x(?P<low>[Dd][C-Fc-f][0-9A-Fa-f]{2})_|_x(?P<code>[0-9A-Fa-f]{4})_"
)
# Characters that XML 1.0 lacks, a carriage return (XML reads it as a line feed), and text that looks like an escape.
_TO_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")


def unescape(text: str) -> str:
    """Resolves the escapes in a text; half of a surrogate pair, which is not a character, stays escaped."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def escape(text: str) -> str:
    """Escapes a text, before XML's own escapes; `unescape` reverses it."""
    return _TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def _character(escaped: re.Match[str]) -> str:
    if escaped["code"] is None:
        pair = int(escaped["high"], 16) << 16 | int(escaped["low"], 16)
        return pair.to_bytes(4, "big").decode("utf-16-be")
    code = int(escaped["code"], 16)
    return escaped[0] if 0xD800 <= code < 0xE000 else chr(code)
