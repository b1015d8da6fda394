"""Derives a mail's text and HTML body from each other where one is missing."""

import asyncio
import html as html_module

import inscriptis
import structlog
from lxml.etree import LxmlError

from platform_api.core.errors import BadRequest

log = structlog.stdlib.get_logger()


async def complete_bodies(*, text: str | None, html: str | None) -> tuple[str, str]:
    """Returns plain text and HTML of a mail; raises BadRequest when there is neither."""
    if not _has_content(text) and not _has_content(html):
        raise BadRequest("a mail needs a text or html body", field="text")
    if not _has_content(html):
        assert text is not None
        return text, html_from_text(text)
    assert html is not None
    if not _has_content(text):
        # Reading a large page takes a while; in a thread, other requests do not wait for it.
        return await asyncio.to_thread(text_from_html, html), html
    assert text is not None
    return text, html


def html_from_text(text: str) -> str:
    """Returns the text as HTML paragraphs, with its special characters escaped."""
    paragraphs = html_module.escape(text).strip().replace("\r\n", "\n").split("\n\n")
    return "".join(f"<p>{paragraph.replace(chr(10), '<br>')}</p>" for paragraph in paragraphs)


def text_from_html(html: str) -> str:
    """Returns the text of the page, laid out as lines."""
    try:
        text: str = inscriptis.get_text(html)
    except (LxmlError, ValueError, RecursionError) as error:
        raise BadRequest(
            f"html: cannot be read ({type(error).__name__}); send `text` as well", field="html"
        ) from error
    return text.strip()


def _has_content(body: str | None) -> bool:
    return body is not None and bool(body.strip())
