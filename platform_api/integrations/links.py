"""The `Link` header (RFC 8288), as far as lists need it."""

import re
from collections.abc import Mapping

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s;,=]+\s*=\s*(?:\"[^\"]*\"|[^\s;,]+))*)")
_NEXT = re.compile(r";\s*rel\s*=\s*(?:\"[^\"]*\bnext\b[^\"]*\"|next\b)", re.IGNORECASE)


def next_link(headers: Mapping[str, str]) -> str | None:
    """The target of `rel="next"`, if any."""
    text = next((value for name, value in headers.items() if name.lower() == "link"), "")
    return next((target for target, parameters in _LINK.findall(text) if _NEXT.search(parameters)), None)
