"""Turns replies into values, or into the error that says what was wrong."""

import json
from collections.abc import Callable
from typing import Any

from automio._exceptions import ERRORS_BY_STATUS, ApiError, FieldError, InvalidReply, ServerError
from automio._exchange import Reply
from automio._json import decode_json

_DETAIL_LIMIT = 500

_HINTS = {
    401: "Check APP_TOKEN (`automio whoami` tests it); it may be expired, revoked or for another platform.",
    402: "The organization's owner can raise the budget.",
    404: "Check the id and that the token's organization may see it.",
    429: "Send fewer requests at once, or wait for the time in Retry-After.",
}


def read_json(reply: Reply, *, decode: Callable[[bytes], Any] = json.loads) -> Any:
    """Returns the parsed body of a reply; raises the ApiError for its status, or InvalidReply when it is not JSON."""
    raise_for_status(reply)
    try:
        return decode(reply.body)
    except ValueError as error:
        raise invalid_reply(reply, "is not JSON") from error


def read_text(reply: Reply) -> str:
    """Returns the body of a reply as text; raises the ApiError for its status."""
    raise_for_status(reply)
    return reply.body.decode(errors="replace")


def read_nothing(reply: Reply) -> None:
    """Raises the ApiError for the status of a reply whose body does not matter."""
    raise_for_status(reply)


def raise_for_status(reply: Reply) -> None:
    """Raises the ApiError for a status other than 2xx."""
    if not 200 <= reply.status < 300:
        raise error_of(reply)


def error_of(reply: Reply, kind: type[ApiError] | None = None) -> ApiError:
    """Returns the error for a reply, of the class that fits its status unless `kind` is given."""
    body = _parsed_or_text(reply)
    detail = _detail(body)
    kind = kind or ERRORS_BY_STATUS.get(reply.status) or (ServerError if reply.status >= 500 else ApiError)
    where = f"{reply.request.method} {reply.url.partition('?')[0]}"
    request_id = f", request id {reply.request_id}" if reply.request_id else ""
    reason = detail.rstrip(".") if detail else "the platform gave no reason"
    return kind(
        f"{reason} ({where} answered {reply.status}{request_id}).",
        status=reply.status,
        detail=detail,
        code=_code(body),
        fields=_fields(body),
        request_id=reply.request_id,
        hint=_HINTS.get(reply.status),
        body=body,
        headers=reply.headers,
    )


def invalid_reply(reply: Reply, what: str) -> InvalidReply:
    """Returns the error for a successful reply with unexpected content; `what` completes "The answer to …"."""
    excerpt = reply.body[:80].decode(errors="replace")
    return InvalidReply(
        f"The answer to {reply.request.method} {reply.url.partition('?')[0]} {what}; it starts with {excerpt!r}.",
        status=reply.status,
        request_id=reply.request_id,
        hint="Check that the base URL is the platform's own address.",
    )


def parsed_or_none(reply: Reply) -> Any:
    """Returns the parsed body, with exact numbers, or None when it is not JSON."""
    try:
        return decode_json(reply.body)
    except ValueError:
        return None


def _parsed_or_text(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError:
        return reply.body.decode(errors="replace")


def _detail(body: Any) -> str | None:
    """Returns the message in `{"detail": …}`, `{"error": …}`, a list of validation messages, or plain text."""
    if isinstance(body, dict):
        body = body.get("detail") or body.get("error")
    if isinstance(body, list):
        body = "; ".join(_validation_message(item) for item in body)
    if isinstance(body, str) and body.strip():
        return body.strip()[:_DETAIL_LIMIT]
    return None


def _code(body: Any) -> str | None:
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, str) else None


def _fields(body: Any) -> list[FieldError]:
    """Returns the fields in an answer of the platform; what something in front of it answers may have any shape."""
    fields = body.get("fields") if isinstance(body, dict) else None
    if not isinstance(fields, list):
        return []
    return [
        FieldError(field["path"], field["message"])
        for field in fields
        if isinstance(field, dict) and isinstance(field.get("path"), str) and isinstance(field.get("message"), str)
    ]


def _validation_message(item: Any) -> str:
    if not isinstance(item, dict) or "msg" not in item:
        return str(item)
    where = ".".join(str(part) for part in item.get("loc", ()))
    return f"{where}: {item['msg']}" if where else str(item["msg"])
