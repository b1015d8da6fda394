"""Holds the documents of one import and follows the references between them; nothing is ever fetched.

A reference is read relative to where its document is, to the `$self` or `$id` that it gives itself, and to the `$id`
of a schema around it.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urljoin

from platform_api.integrations.openapi.description.notes import Notes
from platform_api.integrations.openapi.description.reading import pointer

_MAX_STEPS = 50
_MAX_INDEXED = 5_000_000
_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
# What stands below these is data of its author, whatever keys it has.
_DATA_KEYS = frozenset({"example", "examples", "default", "enum", "const"})
_ANCHORS = ("$anchor", "$dynamicAnchor")


@dataclass(slots=True, eq=False)
class Document:
    """Holds a document and where it is: a path beside the others, or the URL that it came from."""

    location: str
    value: Any
    name: str = ""
    """Precedes the places of its notes; empty for the main document."""
    bases: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        own = self.value.get("$self") or self.value.get("$id") if isinstance(self.value, dict) else None
        self.bases = (join(self.location, own), self.location) if isinstance(own, str) else (self.location,)


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """Holds a value and where it stands."""

    value: Any
    document: Document
    path: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Returns where it stands, as a JSON pointer after the name of the file."""
        return self.document.name + pointer(self.path)

    def get(self, key: str) -> Any:
        """Returns the plain value of a key; None where there is none."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def at(self, key: str) -> "Spot":
        """Returns the value of a key and where it stands; None for the value where there is none."""
        return Spot(self.get(key), self.document, (*self.path, key))

    def items(self) -> "Iterator[tuple[str, Spot]]":
        """Yields the keys of an object with their values."""
        for key in self.value if isinstance(self.value, dict) else ():
            yield key, self.at(key)

    def elements(self) -> "Iterator[Spot]":
        """Yields the elements of a list."""
        for number, value in enumerate(self.value if isinstance(self.value, list) else ()):
            yield Spot(value, self.document, (*self.path, str(number)))


def is_absolute(location: str) -> bool:
    """Tells whether a location is a URL, rather than a path."""
    return _ABSOLUTE.match(location) is not None


def join(base: str, target: str) -> str:
    """Returns the location of a target without its fragment, relative to a base: a URL or a path."""
    target = target.partition("#")[0]
    if not target:
        return base
    if is_absolute(target) or is_absolute(base):
        try:
            return urljoin(base, target)
        except ValueError:
            return target
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(target).replace("\\", "/")))


class Documents:
    """Finds the targets of references in the documents of one import."""

    def __init__(self, main: Document, others: list[Document], notes: Notes, *, is_main_named: bool) -> None:
        self.main = main
        self.notes = notes
        self.missing: dict[str, None] = {}
        """The locations of documents that are referred to and are not there."""
        self._is_main_named = is_main_named
        self._all = [main, *others]
        self._by_location: dict[str, Document] = {}
        for document in self._all:
            for base in document.bases:
                self._by_location.setdefault(base, document)
        self._identified: dict[str, Spot] | None = None

    def follow(self, spot: Spot) -> Spot | None:
        """Returns the value that a chain of references leads to; a value without one is returned as it is.

        Returns None, with a note, where a reference leads to nothing, in a circle, or out of the documents.
        """
        seen: set[int] = set()
        current = spot
        while isinstance(reference := current.get("$ref"), str):
            if id(current.value) in seen or len(seen) > _MAX_STEPS:
                self.notes.add(spot.place, f"the reference {spot.get('$ref')!r} leads in a circle; it is left out")
                return None
            seen.add(id(current.value))
            target = self.look_up(current, reference)
            if target is None:
                return None
            current = target
        return current

    def look_up(self, spot: Spot, reference: str) -> Spot | None:
        """Returns the target of a reference that stands at a spot; None, with a note, where there is none."""
        target, _, written = reference.strip().partition("#")
        fragment = unquote(written)
        if (inside := self._within_identified(spot, target, fragment)) is not None:
            return inside
        document = spot.document if not target else self._document(spot.document, target, fragment)
        if document is None:
            self._note_missing(spot, reference)
            return None
        top = Spot(document.value, document)
        found = None
        if not fragment or fragment.startswith("/"):
            found = _descend(top, fragment) or _descend(top, written)
        if found is None and fragment and not fragment.startswith("/"):
            found = self._index().get(f"{document.location}#{fragment}")
        if found is None:
            self.notes.add(spot.place, f"the reference {reference[:200]!r} leads to nothing; it is left out")
        return found

    def _document(self, base: Document, target: str, fragment: str) -> Document | None:
        for location in base.bases:
            if (document := self._by_location.get(join(location, target))) is not None:
                return document
        location = join(base.location, target)
        is_beside = not is_absolute(location) and posixpath.dirname(location) in ("", "..")
        if not self._is_main_named and base is not self.main and is_beside:
            # Nobody said what the main document is called; what refers back to it does.
            return self.main if _descend(Spot(self.main.value, self.main), fragment) is not None else None
        return None

    def _note_missing(self, spot: Spot, reference: str) -> None:
        location = join(spot.document.location, reference)
        if location in self.missing:
            return
        self.missing[location] = None
        self.notes.add(
            spot.place,
            f"{reference[:200]!r} is in another document, which is not fetched; add the file"
            f" {location[:200]!r} to `files`",
        )

    def _within_identified(self, spot: Spot, target: str, fragment: str) -> Spot | None:
        """Returns the target below a schema that has an `$id`, where the reference means one."""
        identifiers = list(_identifiers_above(spot))
        if not identifiers and (not target or self._document(spot.document, target, fragment) is not None):
            return None
        for base in (*reversed(identifiers), *spot.document.bases):
            resource = self._index().get(join(base, target))
            if resource is None:
                continue
            if fragment and not fragment.startswith("/"):
                anchored = self._index().get(f"{join(base, target)}#{fragment}")
                if anchored is not None:
                    return anchored
            elif (found := _descend(resource, fragment)) is not None:
                return found
        return None

    def _index(self) -> Mapping[str, Spot]:
        """Returns the schemas with an `$id` or an anchor, by it; made when the first one is looked for."""
        if self._identified is None:
            self._identified = {}
            for document in self._all:
                self._index_document(document, self._identified)
        return self._identified

    def _index_document(self, document: Document, index: dict[str, Spot]) -> None:
        waiting = [(Spot(document.value, document), document.bases[0])]
        seen: set[int] = set()
        while waiting and len(seen) < _MAX_INDEXED:
            spot, base = waiting.pop()
            if id(spot.value) in seen:
                continue
            seen.add(id(spot.value))
            if isinstance(identifier := spot.get("$id"), str) and spot.path:
                base = join(base, identifier)
                index.setdefault(base, spot)
            for name in _ANCHORS:
                if isinstance(anchor := spot.get(name), str):
                    index.setdefault(f"{base}#{anchor}", spot)
                    index.setdefault(f"{document.location}#{anchor}", spot)
            children = (
                spot.elements()
                if isinstance(spot.value, list)
                else (child for key, child in spot.items() if key not in _DATA_KEYS and not key.startswith("x-"))
            )
            waiting += [(child, base) for child in children if isinstance(child.value, dict | list)]


def _identifiers_above(spot: Spot) -> Iterator[str]:
    """Yields the full `$id`s from the top of a document down to a spot."""
    value, base = spot.document.value, spot.document.bases[0]
    for key in spot.path:
        value = _child(value, key)
        if isinstance(value, dict) and isinstance(identifier := value.get("$id"), str):
            base = join(base, identifier)
            yield base


def _descend(spot: Spot, fragment: str) -> Spot | None:
    """Returns what a JSON pointer leads to; None where it leads to nothing."""
    for part in fragment.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        value = _child(spot.value, key)
        if value is None:
            return None
        spot = Spot(value, spot.document, (*spot.path, key))
    return spot


def _child(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isascii() and key.isdecimal() and len(key) < 10 and int(key) < len(value):
        return value[int(key)]
    return None
