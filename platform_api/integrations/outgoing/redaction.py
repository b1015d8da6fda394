"""Secrets taken out of what is shown: messages, logs, addresses."""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
_MAX_SHOWN, _MAX_READ = 200, 100_000


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, also as JSON, a URL or a form writes them. An empty secret hides nothing.

    Where secrets overlap, or one is a part of another, nothing of either is left.
    """
    forms = {form for secret in secrets for form in _forms(secret) if form}
    shown, position = [], 0
    for start, end in _merged(_places(text, forms)):
        shown += [text[position:start], MASK]
        position = end
    return "".join([*shown, text[position:]])


def shown(text: str, secrets: Iterable[str]) -> str:
    """Returns the beginning of an answer on one line, without the credentials that it may repeat."""
    return " ".join(redacted(text[:_MAX_READ], secrets)[: _MAX_SHOWN * 2].split())[:_MAX_SHOWN]


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="", errors="replace")
    yield quote(secret, safe=":", errors="replace")
    yield quote_plus(secret, errors="replace")
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]


def _places(text: str, forms: Iterable[str]) -> Iterator[tuple[int, int]]:
    for form in forms:
        for match in re.finditer(f"(?={re.escape(form)})", text):
            yield match.start(), match.start() + len(form)


def _merged(places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The places in order, those that overlap or touch as one."""
    begun: tuple[int, int] | None = None
    for start, end in sorted(places):
        if begun is not None and start <= begun[1]:
            begun = begun[0], max(begun[1], end)
            continue
        if begun is not None:
            yield begun
        begun = start, end
    if begun is not None:
        yield begun
