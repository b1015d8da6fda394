"""Writes a wheel: a ZIP of files with a RECORD of their digests, the same bytes for the same files."""

import base64
import csv
import hashlib
import io
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

# The first date that a ZIP can hold: when a wheel was built is none of its content.
_BEGINNING = (1980, 1, 1, 0, 0, 0)
_TAGS = "py3-none-any"
_WHEEL = f"Wheel-Version: 1.0\nGenerator: automio\nRoot-Is-Purelib: true\nTag: {_TAGS}\n"


@dataclass(frozen=True)
class Wheel:
    """Holds a built wheel."""

    filename: str
    content: bytes

    @cached_property
    def digest(self) -> str:
        """Returns the SHA-256 of the content in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


def build_wheel(name: str, version: str, files: Mapping[str, bytes], information: Mapping[str, bytes]) -> Wheel:
    """Builds a wheel of pure Python from `files` by their path, and from those of its `.dist-info` folder.

    `WHEEL` and `RECORD` are added. The folder comes last, as the format recommends.
    """
    stem = f"{name.replace('-', '_')}-{version}"
    folder = f"{stem}.dist-info"
    content = {path: files[path] for path in sorted(files)}
    content |= {f"{folder}/{path}": information[path] for path in sorted(information)}
    content[f"{folder}/WHEEL"] = _WHEEL.encode()
    content[f"{folder}/RECORD"] = _record(content, f"{folder}/RECORD")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, data in content.items():
            archive.writestr(_entry(path), data)
    return Wheel(f"{stem}-{_TAGS}.whl", buffer.getvalue())


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, _BEGINNING)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, wherever the platform runs: only there are the permissions read
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _record(content: Mapping[str, bytes], own_path: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for path, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        writer.writerow((path, f"sha256={digest}", len(data)))
    writer.writerow((own_path, "", ""))
    return text.getvalue().encode()
