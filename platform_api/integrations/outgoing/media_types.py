"""Parses a `Content-Type`, as far as bodies are written and read by it."""

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_JSON_LINES = frozenset({"ndjson", "x-ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines"})
_PARAMETER = re.compile(r";\s*([^\s=;]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;]*))")
# Python codecs that are not charsets of documents; some take quadratic time.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})


@dataclass(frozen=True, slots=True)
class MediaType:
    """Holds a parsed content type: everything in lower case except the values of parameters."""

    kind: str
    subtype: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Returns the type without its parameters, as `application/json`."""
        return f"{self.kind}/{self.subtype}"

    @property
    def charset(self) -> str | None:
        """Returns the charset as the header spells it."""
        return next((value for name, value in self.parameters if name == "charset"), None)

    @property
    def is_form(self) -> bool:
        return self.name == FORM

    @property
    def is_form_data(self) -> bool:
        return self.name == MULTIPART

    @property
    def is_json_lines(self) -> bool:
        """Returns whether each line is a JSON document (NDJSON)."""
        return self.subtype in _JSON_LINES

    @property
    def is_json(self) -> bool:
        """Returns whether it is JSON, also by a suffix: `application/vnd.api+json`, `application/x-amz-json-1.1`."""
        return self.is_json_lines or "json" in re.split(r"[.+-]", self.subtype)

    @property
    def is_xml(self) -> bool:
        return self.subtype == "xml" or self.subtype.endswith("+xml")

    @property
    def is_text(self) -> bool:
        """Returns whether its bytes encode characters."""
        return (
            self.kind == "text" or self.is_json or self.is_xml or self.is_form or self.subtype.endswith("javascript")
        )


@lru_cache(256)
def media_type(text: str) -> MediaType | None:
    """Returns the parsed content type; None when the text is not one."""
    name, separator, rest = text.partition(";")
    kind, slash, subtype = name.strip().lower().partition("/")
    if not slash or not kind or not subtype:
        return None
    parameters = tuple(
        (name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted else plain)
        for name, quoted, plain in _PARAMETER.findall(separator + rest)
    )
    return MediaType(kind, subtype, parameters)


@lru_cache(256)
def codec_of(charset: str) -> str | None:
    """Returns Python's name of a charset; None when it is unknown."""
    try:
        name = codecs.lookup(charset.strip()).name
        "".encode(name)
    except (LookupError, ValueError):
        return None
    return None if name.replace("-", "_") in _NO_CHARSETS else name


_XML_DECLARATION = re.compile(r"\s*<\?xml\s[^>]{0,200}?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")


def declared_in_xml(text: str) -> str | None:
    """Returns the encoding that an XML document declares in its first line."""
    declaration = _XML_DECLARATION.match(text)
    return declaration.group(1) if declaration else None
