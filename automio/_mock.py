"""Offers a mock platform for tests, without network or patching."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from automio._json import encode_json

Answer = Any | Callable[[httpx.Request], Any]


class MockTransport(httpx.MockTransport):
    """Answers a client's requests from a mapping and stores them in `requests`.

        transport = MockTransport({"GET /api/actions/": [{"id": 1, "name": "Import orders"}]})
        api = API(base_url="http://platform", token="test", app_id=1, transport=transport)

    A key is a method and a path without query; a value is JSON for an answer with status 200, an `httpx.Response`, or
    a function that takes the request and returns one of them. Instead of the mapping you can pass such a function.
    Requests that are not in the mapping are answered with 404. Works for `API` and `AsyncAPI`.
    """

    def __init__(self, answers: Mapping[str, Answer] | Callable[[httpx.Request], Any]) -> None:
        super().__init__(self._answer)
        self._answers = answers
        self.requests: list[httpx.Request] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        key = f"{request.method} {request.url.path}"
        if isinstance(self._answers, Mapping):
            if key not in self._answers:
                return httpx.Response(404, json={"detail": f"The mock has no answer for {key}."})
            answer = self._answers[key]
        else:
            answer = self._answers
        if callable(answer) and not isinstance(answer, httpx.Response):
            answer = answer(request)
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, content=encode_json(answer), headers={"Content-Type": "application/json"})
