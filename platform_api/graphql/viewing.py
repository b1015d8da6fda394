"""Keeps those who view as somebody else from changing rows: their documents hold no mutation, whatever runs them."""

from asyncio import to_thread
from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.types import Message, Receive, Send

from hasura.engine import exact_json
from hasura.engine.errors import EngineError
from platform_api.accounts.viewing import no_changes
from platform_api.core.errors import BadRequest, PlatformError, TooLarge
from platform_api.graphql.expiry import FORBIDDEN

_MAX_TOKENS = 20_000
MAX_BYTES = 256 * 1024
"""Of a request while one views as somebody else: it is read twice."""
_MAX_BATCH_OPERATIONS = 100
_MAX_BYTES_ON_LOOP = 4096
_TOO_BIG = 1009


async def without_changes(body: bytes) -> bytes:
    """Returns a request's body that holds queries only. Raises `ViewingAs` for a mutation, `TooLarge`.

    It is written again as it was read here, so that nobody reads it differently. What takes longer than others should
    have to wait is read off the event loop.
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(f"a request has at most {MAX_BYTES} bytes while you view as somebody else")
    return _without_changes(body) if len(body) <= _MAX_BYTES_ON_LOOP else await to_thread(_without_changes, body)


def _without_changes(body: bytes) -> bytes:
    try:
        content = exact_json.loads(body)
    except EngineError as error:
        raise BadRequest("a request must be JSON") from error
    _refuse_mutations(content)
    return exact_json.dumps(content)


def receive_without_changes(
    receive: Receive, send: Send, *, is_viewing: Callable[[Mapping[str, Any]], bool]
) -> Receive:
    """Returns a `receive` of a WebSocket that closes the connection of a viewer who sends a mutation.

    `is_viewing` decides by the payload of `connection_init`, before which nothing is run.
    """
    decided: bool | None = None

    async def receive_checked() -> Message:
        nonlocal decided
        event = await receive()
        if event["type"] != "websocket.receive" or decided is False:
            return event
        sent = event.get("text") or event.get("bytes") or b""
        if len(sent) > MAX_BYTES:
            # Before it is read here, be it before `connection_init`.
            reason = f"a message has at most {MAX_BYTES} bytes; send large requests over HTTP"
            await send({"type": "websocket.close", "code": _TOO_BIG, "reason": reason})
            return {"type": "websocket.disconnect", "code": _TOO_BIG}
        try:
            message = exact_json.loads(sent)
            content = message if isinstance(message, dict) else {}
            payload = content.get("payload")
            if decided is None and content.get("type") == "connection_init":
                decided = is_viewing(payload if isinstance(payload, dict) else {})
            elif decided and len(sent) > _MAX_BYTES_ON_LOOP:
                await to_thread(_refuse_mutations, payload)
            elif decided:
                _refuse_mutations(payload)
        except EngineError:
            return event  # not JSON, which nobody runs
        except PlatformError as error:
            reason = error.message.encode()[:120].decode(errors="ignore")
            await send({"type": "websocket.close", "code": FORBIDDEN, "reason": reason})
            return {"type": "websocket.disconnect", "code": FORBIDDEN}
        return {"type": "websocket.receive", "text": exact_json.dumps(message).decode()}

    return receive_checked


def _refuse_mutations(content: object) -> None:
    if isinstance(content, list) and len(content) > _MAX_BATCH_OPERATIONS:
        limit, length = _MAX_BATCH_OPERATIONS, len(content)
        raise BadRequest(f"a batch has at most {limit} operations while you view as somebody else, not {length}")
    for request in content if isinstance(content, list) else [content]:
        query = request.get("query") if isinstance(request, dict) else None
        if isinstance(query, str) and _holds_mutation(query):
            raise no_changes()


def _holds_mutation(query: str) -> bool:
    try:
        document = parse(query, no_location=True, max_tokens=_MAX_TOKENS)
    except (GraphQLError, RecursionError) as error:
        raise BadRequest("the document cannot be read") from error
    return any(
        isinstance(definition, OperationDefinitionNode) and definition.operation is OperationType.MUTATION
        for definition in document.definitions
    )
