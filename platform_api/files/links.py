"""Links that open one file for some time without a token: sealed with SECRET_KEYS, checked in constant time.

A link names the file and its own end, nothing else; it dies with the file. Nothing is stored for it.
"""

import base64
import binascii
import time

from platform_api.core.crypto import UnreadableSecret, Vault
from platform_api.core.errors import NotFound, PlatformError
from platform_api.core.types import FileId

_MAX_LINK_LENGTH = 1000


class LinkExpired(PlatformError):
    """The link was good once."""

    status_code = 410


class FileLinks:
    """Makes and opens links."""

    def __init__(self, vault: Vault) -> None:
        """`vault` has a purpose of its own: what is sealed elsewhere is no link."""
        self._vault = vault

    def create(self, file_id: FileId, *, expires_at: int) -> str:
        """The text of a link; `expires_at` in seconds since 1970."""
        sealed = self._vault.encrypt({"file": file_id, "until": expires_at})
        return sealed.decode().rstrip("=")

    def open(self, link: str) -> FileId:
        """The file that a link opens; raises NotFound for one that we did not make, LinkExpired."""
        try:
            content = self._vault.decrypt(_canonical(link))
        except (UnreadableSecret, ValueError) as error:
            raise NotFound("this link opens nothing; was it copied whole?") from error
        if time.time() >= content["until"]:
            raise LinkExpired("this link has expired; ask for a new one")
        return FileId(content["file"])


def _canonical(link: str) -> bytes:
    """The sealed bytes; ValueError for any other way to write them than ours."""
    if len(link) > _MAX_LINK_LENGTH or not link.isascii() or "=" in link:
        raise ValueError("not a link of ours")
    padded = link.encode() + b"=" * (-len(link) % 4)
    try:
        decoded = base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not a link of ours") from error
    if base64.urlsafe_b64encode(decoded) != padded:
        raise ValueError("not a link of ours")
    return padded
