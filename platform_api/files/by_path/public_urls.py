"""Makes the addresses that open a file without a token, and finds the file of one."""

import time
from urllib.parse import parse_qs, quote

from platform_api.core.errors import Unprocessable
from platform_api.core.settings import Settings
from platform_api.core.types import FileId
from platform_api.files.links import FileLinks, OpenedLink
from platform_api.files.models import File

SECONDS = 300
_PATH = "/api/files/"


def public_url_of(file: File, links: FileLinks, settings: Settings) -> str:
    """Returns an address that ends after `SECONDS`; of a public file, when it is deleted or public no longer."""
    file_id = FileId(file.id)
    link = links.create_for_public(file_id) if file.is_public else links.create(file_id, expires_at=_end())
    # In the query, which is not logged.
    return f"{settings.public_url}{_PATH}?link={quote(link, safe='')}"


def opened(public_url: str, links: FileLinks, settings: Settings) -> OpenedLink:
    """Returns what an address of this platform opens. Raises Unprocessable for another, LinkExpired, NotFound."""
    address, _, query = public_url.partition("?")
    # Compared as text: what comes from outside may be no address at all.
    given = parse_qs(query).get("link", []) if address == f"{settings.public_url}{_PATH}" else []
    if len(given) != 1:
        raise Unprocessable(
            "public_url: must be an address that this platform gave for a file of the app", field="public_url"
        )
    return links.open(given[0])


def _end() -> int:
    return int(time.time()) + SECONDS
