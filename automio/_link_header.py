"""Reads the `Link` header (RFC 8288), as far as lists in pages need it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SPACE = " \t\r\n"


@dataclass(frozen=True)
class Link:
    """Describes a link: its target as written, and its parameters by lower-case name."""

    target: str
    parameters: Mapping[str, str]

    @property
    def relations(self) -> frozenset[str]:
        """Returns the relation types, in lower case."""
        return frozenset(self.parameters.get("rel", "").lower().split())


def links_of(headers: Mapping[str, str]) -> list[Link]:
    """Returns all links in an answer's headers; there may be several `Link` headers."""
    return [link for name, text in headers.items() if name.lower() == "link" for link in parse_links(text)]


def next_link(headers: Mapping[str, str]) -> Link | None:
    """Returns the link to the next page, if any.

    Skips links with an `anchor`, which belong to another resource (RFC 8288 §3.2).
    """
    return next(
        (link for link in links_of(headers) if "next" in link.relations and not link.parameters.get("anchor")), None
    )


def parse_links(text: str) -> Iterator[Link]:
    """Yields the links of one header value (RFC 8288, appendix B.2); skips what is not a link."""
    position = 0
    while (start := text.find("<", position)) >= 0:
        end = text.find(">", start)
        if end < 0:
            return
        parameters, position = _parameters(text, end + 1)
        yield Link(text[start + 1 : end].strip(), parameters)


def _parameters(text: str, position: int) -> tuple[dict[str, str], int]:
    """Returns the parameters up to the comma that ends the link; of duplicates the first counts (§3.3)."""
    parameters: dict[str, str] = {}
    while position < len(text) and text[position] != ",":
        if text[position] != ";":
            position += 1
            continue
        name, position = _until(text, position + 1, "=;,")
        value = ""
        if text[position : position + 1] == "=":
            value, position = _value(text, position + 1)
        if name:
            parameters.setdefault(name.lower(), value)
    return parameters, position + 1


def _value(text: str, position: int) -> tuple[str, int]:
    while text[position : position + 1] in (*_SPACE,):
        position += 1
    if text[position : position + 1] != '"':
        return _until(text, position, ";,")
    value, position = "", position + 1
    while position < len(text) and text[position] != '"':
        position += text[position] == "\\"
        value += text[position : position + 1]
        position += 1
    return value, position + 1


def _until(text: str, start: int, ends: str) -> tuple[str, int]:
    position = start
    while position < len(text) and text[position] not in ends:
        position += 1
    return text[start:position].strip(_SPACE), position
