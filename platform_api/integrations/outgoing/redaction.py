"""Masks secrets in what is shown: messages, logs, addresses."""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
_MAX_SHOWN, _MAX_READ = 200, 100_000


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Returns the text with secrets masked, also as JSON, a URL or a form spells them; an empty secret masks nothing.

    Secrets that overlap or contain each other are masked as a whole.
    """
    spellings = {spelling for secret in secrets for spelling in _spellings(secret) if spelling}
    shown, end_of_last = [], 0
    for start, end in _merged(_occurrences(text, spellings)):
        shown += [text[end_of_last:start], MASK]
        end_of_last = end
    return "".join([*shown, text[end_of_last:]])


def shown(text: str, secrets: Iterable[str]) -> str:
    """Returns the beginning of an answer on one line, masking credentials that it may repeat."""
    return " ".join(redacted(text[:_MAX_READ], secrets)[: _MAX_SHOWN * 2].split())[:_MAX_SHOWN]


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="", errors="replace")
    yield quote(secret, safe=":", errors="replace")
    yield quote_plus(secret, errors="replace")
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]


def _occurrences(text: str, spellings: Iterable[str]) -> Iterator[tuple[int, int]]:
    for spelling in spellings:
        for match in re.finditer(f"(?={re.escape(spelling)})", text):
            yield match.start(), match.start() + len(spelling)


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yields the spans in order, overlapping and adjacent ones joined."""
    current: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if current is not None and start <= current[1]:
            current = current[0], max(current[1], end)
            continue
        if current is not None:
            yield current
        current = start, end
    if current is not None:
        yield current
