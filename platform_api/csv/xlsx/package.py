"""Opens the archive of an Excel file, with its parts and relationships, and limits what is unpacked.

Names of parts are compared as in the Open Packaging Conventions: ignoring case, separated by slashes; backslashes,
which some programs write, count as slashes. A part that a relationship names is never searched by its usual name.
"""

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import unquote
from xml.parsers import expat

from platform_api.csv.errors import JobFailed

MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_SHARED_TEXT_BYTES = 128 * 1024 * 1024
"""Applies to the shared texts, one part of the file that is read into memory whole."""
_MAX_SMALL_PART_BYTES = 16 * 1024 * 1024
_MAX_DIRECTORY_BYTES = 2 * 1024 * 1024
"""Applies to the archive's list of parts, which is read into memory whole."""
_PIECE_BYTES = 64 * 1024
_MAX_TOKEN_BYTES = 8 * 1024 * 1024
"""Applies to one tag with its attributes, which the parser keeps until it ends."""
_END_RECORD = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"

Attributes = dict[str, str]


class Package:
    """Reads an open archive. Its methods block, and raise JobFailed when the file is damaged or too large."""

    def __init__(self, file: IO[bytes]) -> None:
        _check_directory(file)
        with readable():
            self._archive = zipfile.ZipFile(file)
        parts = self._archive.infolist()
        texts = sum(part.file_size for part in parts if "sharedstrings" in part.filename.lower())
        if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES or texts > MAX_SHARED_TEXT_BYTES:
            raise too_large()
        self._parts = {_key(part.filename): part for part in parts if not part.is_dir()}

    def has(self, name: str) -> bool:
        """Returns whether the archive has a part."""
        return _key(name) in self._parts

    def size(self, name: str) -> int:
        """Returns how many bytes a part unpacks to."""
        return self._parts[_key(name)].file_size

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Opens a part. Raises JobFailed when it does not exist."""
        part = self._parts.get(_key(name))
        if part is None:
            raise JobFailed(f"the Excel file cannot be read: it lacks the part {name[:200]}")
        with readable(), self._archive.open(part) as stream:
            yield stream

    def relationships(self, name: str) -> dict[str, tuple[str, str]]:
        """Maps the ids of a part's relationships ("" for the whole file) to (last word of the type, target part)."""
        folder, base = posixpath.split(name)
        relationships = posixpath.join(folder, "_rels", f"{base}.rels")
        targets: dict[str, tuple[str, str]] = {}
        if not self.has(relationships):
            return targets

        def start(tag: str, attributes: Attributes) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                kind = attributes.get("Type", "").rpartition("/")[2]
                target = unquote(attributes.get("Target", "").replace("\\", "/"))
                targets[attributes.get("Id", "")] = (kind, posixpath.normpath(posixpath.join("/", folder, target)))

        self.parse(relationships, start)
        return targets

    def parse(
        self,
        name: str,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
        *,
        max_bytes: int = _MAX_SMALL_PART_BYTES,
    ) -> None:
        """Parses a whole part. The callbacks get tags and attributes without namespaces."""
        if self.has(name) and self.size(name) > max_bytes:
            raise too_large()
        with self.open(name) as stream:
            parser = create_parser(start, end, text)
            for _ in feed(parser, stream):
                pass


def create_parser(
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> expat.XMLParserType:
    """Returns a parser that rejects document types, and so entities, which can expand to any size."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def started(tag: str, attributes: Attributes) -> None:
        start(_local(tag), {_local(name): value for name, value in attributes.items()})

    def ended(tag: str) -> None:
        if end is not None:
            end(_local(tag))

    def refuse(*_: Any) -> None:
        raise JobFailed("the Excel file cannot be read: a part of it contains a document type declaration")

    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    if text is not None:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    return parser


def feed(parser: expat.XMLParserType, stream: IO[bytes]) -> Iterator[None]:
    """Parses a stream and yields after each piece. Raises errors that `readable` turns into JobFailed."""
    fed = 0
    while piece := stream.read(_PIECE_BYTES):
        parser.Parse(piece, False)
        fed += len(piece)
        if fed - parser.CurrentByteIndex > _MAX_TOKEN_BYTES:
            raise too_large()
        yield
    parser.Parse(b"", True)
    yield


@contextmanager
def readable() -> Iterator[None]:
    """Turns the errors of a damaged file into JobFailed."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise JobFailed(f"the Excel file is damaged: {str(error)[:200]}") from error
    except (expat.ExpatError, struct.error, UnicodeError) as error:
        raise JobFailed(f"the Excel file cannot be read: {str(error)[:200]}") from error


def too_large() -> JobFailed:
    """Returns the error for a file that unpacks to too much data."""
    return JobFailed("the Excel file is too large when unpacked; save it as CSV")


def _key(name: str) -> str:
    return posixpath.normpath(posixpath.join("/", name.replace("\\", "/"))).lower()


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _check_directory(file: IO[bytes]) -> None:
    """Checks the declared size of the archive's list of parts, before `zipfile` creates an object for each."""
    size = file.seek(0, 2)
    start = max(0, size - 65_557)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(_END_RECORD)
    if place < 0 or len(tail) < place + 22:
        raise JobFailed("the file begins like an Excel file but is damaged")
    [directory] = struct.unpack_from("<L", tail, place + 12)
    if directory == 0xFFFFFFFF and place >= 20 and tail[place - 20 : place - 16] == _ZIP64_LOCATOR:
        [offset] = struct.unpack_from("<Q", tail, place - 12)
        file.seek(min(offset, size))
        record = file.read(56)
        if len(record) == 56:
            [directory] = struct.unpack_from("<Q", record, 40)
    file.seek(0)
    if directory > _MAX_DIRECTORY_BYTES:
        raise too_large()
