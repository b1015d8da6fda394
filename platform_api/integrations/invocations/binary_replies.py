"""Gives an upstream's bytes as the reply itself, as the published client from 0.5 on reads them."""

from fastapi.responses import Response

from platform_api.integrations.outgoing.caller import UpstreamAnswer
from platform_api.integrations.outgoing.media_types import media_type

_BYTES = "application/octet-stream"
# The client takes the body of these as it is, and reads any other as JSON.
_READ_AS_BYTES = ("image/", "audio/", "video/", "application/pdf", _BYTES, "application/zip")


def content_type_of(answer: UpstreamAnswer) -> str:
    """Returns the content type of an answer that is not text; that of any bytes when it has none that is valid."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    declared = headers.get("content-type", "")
    return declared if media_type(declared) is not None else _BYTES


def is_read_as_bytes(answer: UpstreamAnswer) -> bool:
    """Returns whether an answer is given as it is. Errors are not: of these the caller needs the status."""
    return answer.ok and answer.content is not None


def binary_reply(answer: UpstreamAnswer, content: bytes) -> Response:
    """Returns a reply with the bytes of an answer, as a file: no browser shows it as a page of ours."""
    content_type = content_type_of(answer)
    is_known = content_type.lower().startswith(_READ_AS_BYTES)
    return Response(
        content, media_type=content_type if is_known else _BYTES, headers={"Content-Disposition": "attachment"}
    )
