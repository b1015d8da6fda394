"""A platform that knows recorded answers of services and nothing else, and a transport that records them.

Recorded is what a call of a plugin and its answer hold. Credentials never reach the client, so none can be in it.
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

# What plugins look at; the rest of a service's headers only makes a recording long.
_KEPT_HEADERS = ("content-type", "link", "retry-after")


class NotRecorded(AutomioError):
    """The plugin asked for something that the test case has no answer to."""


@dataclass(frozen=True)
class UpstreamCall:
    """One call of a service; parameters are compared as text, as a URL holds them."""

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
    """A call that is expected, and what the service answered; what it leaves out of the call may be anything."""

    wanted: Mapping[str, Any]
    integration: str

    def fits(self, call: UpstreamCall) -> bool:
        """Whether it answers this call."""
        wanted = self.wanted
        return (
            str(wanted.get("integration", self.integration)) == call.integration
            and str(wanted.get("method", "GET")).upper() == call.method
            and str(wanted.get("endpoint", "")).lstrip("/") == call.endpoint.lstrip("/")
            and ("params" not in wanted or _texts(wanted["params"]) == dict(call.params))
            and ("data" not in wanted or wanted["data"] == call.data)
            and ("connection_id" not in wanted or str(wanted["connection_id"]) == call.connection_id)
        )

    def answer(self) -> dict[str, Any]:
        """The envelope in which the platform gives a service's answer."""
        status = int(self.wanted.get("status", 200))
        data = self.wanted.get("json")
        text = self.wanted.get("text")
        return {
            "api_data": data,
            "api_response": {
                "status_code": status,
                "text": text if text is not None else json.dumps(data),
                "headers": {"content-type": "application/json", **as_object(self.wanted.get("headers"))},
                "url": f"https://recorded.invalid/{str(self.wanted.get('endpoint', '')).lstrip('/')}",
                "ok": status < 400,
            },
        }


class RecordedPlatform:
    """Answers the calls of one test case; `transport` is for `API` and `AsyncAPI`.

    Calls that are the same get their recordings in turn, and then the last of them again.
    """

    def __init__(self, answers: Sequence[Mapping[str, Any]], integration: str) -> None:
        self._left = [Recording(one, integration) for one in answers]
        self._last: dict[str, Recording] = {}
        self.refused: list[str] = []
        self.transport = MockTransport(self._answer)

    def unused(self) -> list[str]:
        """Recorded answers that nothing asked for."""
        return [f"{one.wanted.get('method', 'GET')} {one.wanted.get('endpoint')}" for one in self._left]

    def _answer(self, request: httpx.Request) -> Any:
        calls = calls_of(request)
        if calls is None:
            raise self._refused(f"{request.method} {request.url.path} of the platform")
        parts = [self._one(call) for call in calls]
        if request.url.path.endswith("/call/"):
            return parts[0]
        return {"responses": parts}

    def _one(self, call: UpstreamCall) -> dict[str, Any]:
        fitting = next((one for one in self._left if one.fits(call)), None)
        if fitting is not None:
            self._left.remove(fitting)
            self._last[str(call)] = fitting
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
    """Passes requests on and keeps what services answered, as a test case holds it."""

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
        if kept := {name: headers[name] for name in _KEPT_HEADERS if name in headers}:
            recorded["headers"] = kept
        return recorded


def calls_of(request: httpx.Request) -> list[UpstreamCall] | None:
    """The service calls that a request of the client stands for; None when it is none, or one that streams."""
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
