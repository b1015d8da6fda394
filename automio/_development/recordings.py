"""Records the answers of services by a transport, and replays them by a mock platform.

A recording holds a plugin's call and its answer. It cannot contain credentials, which never reach the client.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx

from automio._decode import as_list, as_object
from automio._exceptions import AutomioError
from automio._mock import MockTransport

# The headers that plugins use; the others would only make recordings long.
_KEPT_HEADERS = ("content-type", "link", "retry-after")


class NotRecorded(AutomioError):
    """Reports that the plugin made a call that the test case has no answer for."""


@dataclass(frozen=True)
class UpstreamCall:
    """Describes a call of a service; `params` are compared as text, as they appear in a URL."""

    integration: str
    method: str
    endpoint: str
    params: Mapping[str, str] = field(default_factory=dict)
    data: Any = None
    connection_id: str | None = None

    def __str__(self) -> str:
        params = f" with params {json.dumps(dict(self.params))}" if self.params else ""
        data = f" and data {json.dumps(self.data)}" if self.data else ""
        return f"{self.method} {self.endpoint} of {self.integration!r}{params}{data}"


@dataclass(frozen=True)
class Recording:
    """Describes an expected call and the service's answer; fields of the call that are left out match anything."""

    fields: Mapping[str, Any]
    integration: str

    def fits(self, call: UpstreamCall) -> bool:
        """Tells whether the recording is for this call."""
        expected = self.fields
        return (
            str(expected.get("integration", self.integration)) == call.integration
            and str(expected.get("method", "GET")).upper() == call.method
            and str(expected.get("endpoint", "")).lstrip("/") == call.endpoint.lstrip("/")
            and ("params" not in expected or _texts(expected["params"]) == dict(call.params))
            and ("data" not in expected or expected["data"] == call.data)
            and ("connection_id" not in expected or str(expected["connection_id"]) == call.connection_id)
        )

    def answer(self) -> dict[str, Any]:
        """Returns the platform's answer with the service's answer inside."""
        status = int(self.fields.get("status", 200))
        data = self.fields.get("json")
        text = self.fields.get("text")
        return {
            "api_data": data,
            "api_response": {
                "status_code": status,
                "text": text if text is not None else json.dumps(data),
                "headers": {"content-type": "application/json", **as_object(self.fields.get("headers"))},
                "url": f"https://recorded.invalid/{str(self.fields.get('endpoint', '')).lstrip('/')}",
                "ok": status < 400,
            },
        }


class RecordedPlatform:
    """Answers the calls of one test case; `transport` is for `API` and `AsyncAPI`.

    Equal calls get their recordings in turn, and after the last one that one again.
    """

    def __init__(self, answers: Sequence[Mapping[str, Any]], integration: str) -> None:
        self._unused = [Recording(answer, integration) for answer in answers]
        self._last: dict[str, Recording] = {}
        self.refused: list[str] = []
        self.transport = MockTransport(self._answer)

    def unused(self) -> list[str]:
        """Returns the recorded calls that the plugin did not make."""
        return [
            f"{recording.fields.get('method', 'GET')} {recording.fields.get('endpoint')}"
            for recording in self._unused
        ]

    def _answer(self, request: httpx.Request) -> Any:
        calls = calls_of(request)
        if calls is None:
            raise self._refused(f"{request.method} {request.url.path} of the platform")
        parts = [self._answer_to(call) for call in calls]
        if request.url.path.endswith("/call/"):
            return parts[0]
        return {"responses": parts}

    def _answer_to(self, call: UpstreamCall) -> dict[str, Any]:
        unused = next((recording for recording in self._unused if recording.fits(call)), None)
        if unused is not None:
            self._unused.remove(unused)
            self._last[str(call)] = unused
        recording = self._last.get(str(call))
        if recording is None:
            raise self._refused(str(call))
        connection = call.connection_id
        return {
            **recording.answer(),
            "connection_id": int(connection) if connection and connection.isdigit() else None,
        }

    def _refused(self, what: str) -> NotRecorded:
        self.refused.append(what)
        return NotRecorded(f"Not recorded: {what}.")


class Recorder(httpx.BaseTransport):
    """Sends requests and stores the services' answers in the form of a test case."""

    def __init__(self, inner: httpx.BaseTransport, integration: str) -> None:
        self._inner, self._integration = inner, integration
        self.answers: list[dict[str, Any]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        calls = calls_of(request)
        if calls is None:
            return response
        response.read()
        try:
            payload = as_object(json.loads(response.content))
        except ValueError:
            return response
        answers = as_list(payload["responses"]) if "responses" in payload else [payload]
        self.answers += [
            self._recorded(call, as_object(answer)) for call, answer in zip(calls, answers, strict=False)
        ]
        return response

    def close(self) -> None:
        self._inner.close()

    def _recorded(self, call: UpstreamCall, answer: Mapping[str, Any]) -> dict[str, Any]:
        service = as_object(answer.get("api_response"))
        headers = {str(name).lower(): value for name, value in as_object(service.get("headers")).items()}
        recorded: dict[str, Any] = {"method": call.method, "endpoint": call.endpoint}
        if call.integration != self._integration:
            recorded["integration"] = call.integration
        if call.params:
            recorded["params"] = dict(call.params)
        if call.data:
            recorded["data"] = call.data
        if call.connection_id is not None:
            recorded["connection_id"] = call.connection_id
        recorded["status"] = service.get("status_code", 200)
        if answer.get("api_data") is not None:
            recorded["json"] = answer["api_data"]
        else:
            recorded["text"] = service.get("text", "")
        if used_headers := {name: headers[name] for name in _KEPT_HEADERS if name in headers}:
            recorded["headers"] = used_headers
        return recorded


def calls_of(request: httpx.Request) -> list[UpstreamCall] | None:
    """Returns the service calls in a request of the client; None for other requests and for streamed calls."""
    parts = request.url.path.strip("/").split("/")
    if request.method != "POST" or len(parts) != 4 or parts[:2] != ["api", "integrations"]:
        return None
    try:
        body = as_object(json.loads(request.content))
    except ValueError:
        # A multipart body: files are not recorded.
        return None
    integration, method = unquote(parts[2]), str(body.get("method", "GET")).upper()
    endpoint, connection = str(body.get("endpoint") or ""), request.url.params.get("connection_id")
    if parts[3] == "call":
        params = _texts(body.get("request_params"))
        return [UpstreamCall(integration, method, endpoint, params, body.get("data") or None, connection)]
    if parts[3] not in ("parallel_call", "parallel_call_for_connection") or body.get("streaming"):
        return None
    return [
        UpstreamCall(
            integration,
            method,
            _filled(endpoint, as_object(item.get("url_params"))),
            _texts(item.get("params")),
            item.get("data"),
            str(item["connection_id"]) if item.get("connection_id") is not None else connection,
        )
        for item in map(as_object, as_list(body.get("data_list")))
    ]


def _filled(endpoint: str, values: Mapping[str, Any]) -> str:
    for name, value in values.items():
        endpoint = endpoint.replace(f"{{{name}}}", str(value))
    return endpoint


def _texts(params: Any) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in as_object(params).items()}
