"""Fetches files from a URL, through the guard that integrations' calls go through."""

from email.message import Message
from urllib.parse import unquote

from yarl import URL

from platform_api.core.errors import PlatformError, Unprocessable
from platform_api.files.names import base_name
from platform_api.files.uploads.content_types import check_content_type
from platform_api.files.uploads.intake import Described
from platform_api.integrations.outgoing.caller import Download

DEADLINE_SECONDS = 300.0


class FetchFailed(PlatformError):
    """Reports that a file could not be fetched from its URL."""

    status_code = 422
    code = "fetch_failed"


def parse_url(text: str) -> URL:
    """Returns the URL without its fragment. Raises Unprocessable."""
    try:
        url = URL(text)
        is_usable = url.scheme in ("http", "https") and bool(url.host)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise Unprocessable("url: must be an http:// or https:// address", field="url")
    return url.with_fragment(None)


def describe(download: Download, *, name: str | None, content_type: str | None) -> Described:
    """Returns name and type: those requested, otherwise those in the response's headers and the URL."""
    if name is None:
        name = base_name(_filename(download.headers.get("Content-Disposition", "")) or unquote(download.url.raw_path))
    if content_type is None:
        try:
            content_type = check_content_type(download.headers.get("Content-Type", ""))
        except Unprocessable:
            content_type = None
    return Described(name or "file", content_type)


def _filename(disposition: str) -> str | None:
    message = Message()
    message["Content-Disposition"] = disposition.replace("\r", " ").replace("\n", " ")
    try:
        return message.get_filename()
    except (ValueError, LookupError):
        return None
