"""Determines the content type of a file: as declared, checked against its first bytes where those tell.

The signatures are those of the WHATWG's MIME sniffing standard for types that browsers and image libraries act upon.
"""

import mimetypes
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from platform_api.core.errors import Unprocessable

HEAD_BYTES = 1024
GENERIC = "application/octet-stream"

_ESSENCE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "application/x-zip-compressed": "application/zip"}
_ALIASES |= {"application/x-gzip": "application/gzip", "application/x-pdf": "application/pdf"}
# Only the library's own table: the machine's /etc/mime.types must not matter.
_BY_NAME = mimetypes.MimeTypes()

_SIGNATURES: Sequence[tuple[str, re.Pattern[bytes]]] = [
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("application/pdf", re.compile(rb"%PDF-")),
    ("application/zip", re.compile(rb"PK(?:\x03\x04|\x05\x06)")),
    ("application/gzip", re.compile(rb"\x1f\x8b\x08")),
    ("application/x-executable", re.compile(rb"\x7fELF|MZ.{0,64}\x00", re.DOTALL)),
    (
        "text/html",
        re.compile(
            rb"(?:\xef\xbb\xbf)?[\t\n\x0c\r ]*<(?:!--|(?:!DOCTYPE HTML|html|head|script|iframe|h1|div|font|table|a|"
            rb"style|title|b|body|br|p)[ >\t\n\r/])",
            re.IGNORECASE,
        ),
    ),
    ("image/svg+xml", re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?)?(?:<!.*?>\s*)*<svg[\s>]", re.DOTALL | re.I)),
]
_SIGNED = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "application/zip", "application/gzip"}
)
"""Lists the types whose content always begins with their signature."""


class TypeNotAllowed(Unprocessable):
    """Reports a type of file that this installation does not store."""

    code = "type_not_allowed"


def check_content_type(text: str) -> str:
    """Returns a content type without its parameters, in lower case. Raises Unprocessable."""
    essence = text.partition(";")[0].strip().lower()
    if not _ESSENCE.fullmatch(essence):
        raise Unprocessable("content_type: must be a type such as `text/csv` or `image/png`", field="content_type")
    return _ALIASES.get(essence, essence)


def sniff(head: bytes) -> str | None:
    """Returns the type that the first bytes show; None when they show none."""
    return next((kind for kind, signature in _SIGNATURES if signature.match(head)), None)


def decide(*, declared: str | None, name: str, head: bytes) -> str:
    """Returns the type of a file, as declared or by its name. Raises Unprocessable when the content differs."""
    detected = sniff(head)
    if declared is None or declared == GENERIC:
        guessed = _BY_NAME.guess_type(name)[0] or detected or GENERIC
        return detected or GENERIC if guessed in _SIGNED and guessed != detected else guessed
    if declared in _SIGNED and declared != detected:
        seems = f"; it looks like {detected}" if detected else ""
        raise Unprocessable(
            f"content_type: the content is not {declared}{seems}; leave the type out to have it detected",
            field="content_type",
        )
    return declared


def require_allowed(content_type: str, head: bytes, *, allowed: Sequence[str]) -> None:
    """Raises Unprocessable unless the patterns in `allowed` cover both the type and the detected content."""
    detected = sniff(head)
    for kind in {content_type, _effective(content_type, detected)}:
        if not any(fnmatchcase(kind, pattern) for pattern in allowed):
            allowed_types = ", ".join(allowed)
            raise TypeNotAllowed(
                f"files of type {kind} are not allowed; allowed types: {allowed_types}", field="content_type"
            )


def _effective(content_type: str, detected: str | None) -> str:
    # Office documents and the like are zip archives inside.
    is_container = detected == "application/zip" and content_type.startswith("application/")
    return content_type if detected is None or is_container else detected
