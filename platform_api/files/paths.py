"""Checks the paths by which files are stored: names of files with slashes between them."""

from dataclasses import dataclass

from platform_api.core.errors import Unprocessable
from platform_api.files.names import check_name

MAX_PATH_BYTES = 1024
_MAX_PARTS = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Says where a file is stored by path; `is_public` of None keeps what the file there has."""

    path: str
    overwrite: bool = False
    is_public: bool | None = None


def check_path(path: str) -> str:
    """Returns the path in its composed form, without slashes around it. Raises Unprocessable."""
    try:
        parts = [check_name(part) for part in path.strip().strip("/").split("/")]
    except Unprocessable as error:
        reason = error.message.removeprefix("name: ")
        raise Unprocessable(f"path: each part between slashes {reason}", field="path") from error
    checked = "/".join(parts)
    if len(parts) > _MAX_PARTS or len(checked.encode()) > MAX_PATH_BYTES:
        raise Unprocessable(
            f"path: may have {_MAX_PARTS} parts and {MAX_PATH_BYTES} bytes in UTF-8 at most", field="path"
        )
    return checked
