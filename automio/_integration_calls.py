"""Builds the requests of `api.integrations`' calls and reads their answers."""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal
from urllib.parse import quote

from automio._decode import as_integer, as_list, as_object
from automio._exceptions import IntegrationAccessDeniedError
from automio._exchange import Call, Reply, Request
from automio._integration_models import ApiResponse, Integration, ParallelCallResponse
from automio._json import encode_exactly
from automio._multipart import Files, file_parts
from automio._replies import error_of, invalid_reply, parsed_or_none, raise_for_status
from automio._settings import AppId, ConnectionId

# Repeating a call is as safe as repeating its method at the third-party service.
_REPEATABLE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})

Remember = Callable[[ConnectionId | None], None]


def integration_path(integration: Integration | str, operation: str = "") -> str:
    """Returns the path of an integration, or of one of its endpoints such as `call/`."""
    integration_id = integration.integration_id if isinstance(integration, Integration) else integration
    if not integration_id:
        raise ValueError("The integration id is empty.")
    return f"/api/integrations/{quote(integration_id, safe='')}/{operation}"


def query_parameters(**values: Any) -> dict[str, str]:
    """Returns the values that are not None as query parameters."""
    return {name: str(value) for name, value in values.items() if value is not None}


def body_fields(
    data: Any, json: Any, headers: Mapping[str, str] | None, files: Files | None = None
) -> dict[str, Any]:
    """Returns body and headers of a call as the platform's fields: bytes in Base64, text unchanged.

    `json` is always encoded, even if it is text. Raises TypeError for both `data` and `json`, and for a body that
    cannot be combined with files.
    """
    if data is not None and json is not None:
        raise TypeError("Pass either `data` or `json`: both are the request's body.")
    body = json if data is None else data
    request_headers = dict(headers or {})
    if files and not isinstance(body, Mapping | str | None):
        raise TypeError(f"With `files`, `data` must be a mapping of form fields, not a {type(body).__name__}.")
    if isinstance(body, bytes | bytearray | memoryview):
        return {"request_headers": request_headers, "data_base64": base64.b64encode(body).decode()}
    if isinstance(json, str) and not files:
        body = encode_exactly(json).decode()
        if not any(name.lower() == "content-type" for name in request_headers):
            request_headers["Content-Type"] = "application/json"
    return {"request_headers": request_headers, "data": {} if body is None else body}


def call_request(
    integration: Integration | str,
    *,
    app_id: AppId,
    method: str,
    endpoint: str | None,
    parameters: Mapping[str, str],
    body: Mapping[str, Any],
    files: Files | None,
    timeout: float,
) -> Request:
    """Returns the request for one call of the service; with files it is multipart, with JSON texts as fields."""
    fields = {"method": method, "endpoint": endpoint, **body}
    return Request(
        method="POST",
        path=integration_path(integration, "call/"),
        parameters=parameters,
        headers={"X-App-Id": str(app_id)},
        content=None if files else encode_exactly(fields),
        form={name: _form_text(value) for name, value in fields.items() if value not in (None, {})} if files else {},
        files=file_parts(files) if files else (),
        repeatable=method in _REPEATABLE_METHODS,
        timeout=timeout,
    )


def _form_text(value: Any) -> str:
    return value if isinstance(value, str) else encode_exactly(value).decode()


@dataclass(frozen=True, kw_only=True)
class ParallelCalls:
    """Holds the part of a parallel call that is the same for all items."""

    integration: Integration | str
    operation: Literal["parallel_call/", "parallel_call_for_connection/"]
    app_id: AppId
    method: str
    endpoint: str | None
    parameters: Mapping[str, str]
    request_headers: Mapping[str, str]
    params: Mapping[str, Any]
    timeout: float
    is_streamed: bool = False

    def request(self, items: Sequence[Mapping[str, Any]]) -> Request:
        """Returns the request for the calls of these items."""
        method = self.method.upper()
        body = {
            "method": method,
            "endpoint": self.endpoint,
            "data_list": items,
            "request_headers": dict(self.request_headers),
            "streaming": self.is_streamed,
        }
        if self.is_streamed:
            body["request_params"] = dict(self.params)
        return Request(
            method="POST",
            path=integration_path(self.integration, self.operation),
            parameters=self.parameters,
            headers={"X-App-Id": str(self.app_id), **({"Accept": "text/event-stream"} if self.is_streamed else {})},
            content=encode_exactly(body),
            repeatable=method in _REPEATABLE_METHODS,
            timeout=self.timeout,
        )

    def items(
        self, data_list: Iterable[Mapping[str, Any]], data: Any = None, json: Any = None
    ) -> list[dict[str, Any]]:
        """Returns the items as they are sent; `params` and body of the call are defaults for them."""
        common = _body_of_item({}, data, json)
        return [self._item(position, item, common) for position, item in enumerate(data_list)]

    def _item(self, position: int, source: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(source, Mapping):
            raise TypeError(f"data_list[{position}] must be a mapping, not a {type(source).__name__}.")
        item = {name: value for name, value in source.items() if value is not None}
        if "json" in item and "data" in item:
            raise TypeError(f"data_list[{position}] has both `data` and `json`: both are the request's body.")
        if self.params and not self.is_streamed:
            item["params"] = {**self.params, **item.get("params", {})}
        own = _body_of_item(item.get("headers", {}), item.pop("data", None), item.pop("json", None))
        body = own or common
        if "headers" in body:
            body = {**body, "headers": {**body["headers"], **item.pop("headers", {})}}
        return {**item, **body}


def _body_of_item(headers: Mapping[str, str], data: Any, json: Any) -> dict[str, Any]:
    if data is None and json is None:
        return {}
    fields = body_fields(data, json, headers)
    own_headers = fields.pop("request_headers")
    return {**fields, "headers": own_headers} if own_headers else fields


def windows(items: Sequence[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Yields the items in groups of at most `size`."""
    iterator = iter(items)
    while window := list(islice(iterator, size)):
        yield window


def call_of(request: Request, remember: Remember) -> Call[tuple[Any, ApiResponse]]:
    """Returns the exchange of a single call, with the value `(data, response)`."""

    def read(reply: Reply) -> tuple[Any, ApiResponse]:
        payload = parsed_or_none(reply)
        if not isinstance(payload, Mapping) or "api_response" not in payload:
            raise_for_call(reply)
            raise invalid_reply(reply, "does not hold the service's answer")
        # The platform may repeat the service's status as its own; the answer is still the service's.
        remember(payload.get("connection_id"))
        return payload.get("api_data"), ApiResponse.from_wire(payload["api_response"])

    return Call(request, read)


def parallel_call_of(request: Request, expected: int, remember: Remember) -> Call[list[ParallelCallResponse]]:
    """Returns the exchange of a parallel call, with the answers in the order of the items."""

    def read(reply: Reply) -> list[ParallelCallResponse]:
        raise_for_call(reply)
        payload = as_object(parsed_or_none(reply))
        responses = [ParallelCallResponse.from_wire(item) for item in as_list(payload.get("responses"))]
        if len(responses) != expected:
            raise invalid_reply(reply, f"holds {len(responses)} answers for {expected} requests")
        remember(as_integer(payload.get("connection_id")) or payload.get("connection_id"))
        return responses

    return Call(request, read)


def raise_for_call(reply: Reply) -> None:
    """Raises as `raise_for_status`, but IntegrationAccessDeniedError when the platform itself refused the call."""
    if reply.status == 403 and as_object(parsed_or_none(reply)).get("detail"):
        raise error_of(reply, IntegrationAccessDeniedError)
    raise_for_status(reply)
