"""Makes links that open a file without a token until they expire: sealed with SECRET_KEYS, checked in constant time.

A link holds the file's id and its expiry, nothing else, and stops working when the file is deleted; one to a public
file ends when the file is public no longer. None is stored.
"""

import base64
import binascii
import time
from dataclasses import dataclass

from platform_api.core.crypto import UnreadableSecret, Vault
from platform_api.core.errors import NotFound, PlatformError
from platform_api.core.types import FileId

_MAX_LINK_LENGTH = 1000


class LinkExpired(PlatformError):
    """Reports that a link has expired."""

    status_code = 410
    code = "link_expired"


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """Holds what a link says: a file, and whether it works only as long as that is public."""

    file_id: FileId
    is_for_public: bool = False


class FileLinks:
    """Creates and opens links."""

    def __init__(self, vault: Vault) -> None:
        """Takes a `vault` with a purpose of its own: nothing sealed for another purpose is accepted as a link."""
        self._vault = vault

    def create(self, file_id: FileId, *, expires_at: int) -> str:
        """Returns the text of a link; `expires_at` in seconds since 1970."""
        sealed = self._vault.encrypt({"file": file_id, "until": expires_at})
        return sealed.decode().rstrip("=")

    def create_for_public(self, file_id: FileId) -> str:
        """Returns the text of a link that works as long as the file is public."""
        return self._vault.encrypt({"file": file_id, "public": True}).decode().rstrip("=")

    def open(self, link: str) -> OpenedLink:
        """Returns what a link opens. Raises LinkExpired, and NotFound for a link not made here."""
        try:
            content = self._vault.decrypt(_canonical(link))
        except (UnreadableSecret, ValueError) as error:
            raise NotFound("this link is not valid; check that it was copied whole") from error
        is_for_public = bool(content.get("public"))
        if not is_for_public and time.time() >= content["until"]:
            raise LinkExpired("this link has expired; ask for a new one")
        return OpenedLink(FileId(content["file"]), is_for_public)


def _canonical(link: str) -> bytes:
    """Returns the sealed bytes. Raises ValueError unless the link is written exactly as `create` writes it."""
    if len(link) > _MAX_LINK_LENGTH or not link.isascii() or "=" in link:
        raise ValueError("not a link made here")
    padded = link.encode() + b"=" * (-len(link) % 4)
    try:
        decoded = base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not a link made here") from error
    if base64.urlsafe_b64encode(decoded) != padded:
        raise ValueError("not a link made here")
    return padded
